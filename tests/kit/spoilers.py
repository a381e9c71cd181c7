"""Ways to spoil a plan: each takes one thing out of it, or out of its order, and says whose calls that breaks."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.planning.effects import Joins, Registers, in_order
from app.planning.inventory import Ref
from app.planning.plan import Flow, Plan, PlannedStep, StepId
from app.resources import all_kinds

Steps = tuple[PlannedStep, ...]
Pair = tuple[str, str]  # who calls whom

LINKING = ("classic_link.attach", "auto_scaling_group.link_members")
OTHER_GROUP = {"$from": "security_group.create/security_group:sg-of-nobody", "$key": "counterpart"}


@dataclass(frozen=True)
class Spoiling:
    """`broken`: by flow id, pairs of which at least one can no longer talk in every order; `words` of the reason."""

    told: str
    steps: Steps
    broken: dict[str, set[Pair]]
    words: tuple[str, ...]


Spoiler = Callable[[Plan], Iterator[Spoiling]]


# -- the tools ---------------------------------------------------------------------------------------


def without(steps: Steps, left_out: StepId) -> Steps:
    """One step left out; who waited for it waits for what it waited for."""
    needs = next(step.needs for step in steps if step.id == left_out)
    return tuple(
        replace(step, needs=tuple(sorted({*step.needs, *needs} - {left_out}))) if left_out in step.needs else step
        for step in steps
        if step.id != left_out
    )


def told_otherwise(steps: Steps, id_: StepId, **params: Any) -> Steps:
    """One step with other params; what it does follows from them."""
    actions = {step.action: step for kind in all_kinds().values() for step in kind.steps}

    def other(step: PlannedStep) -> PlannedStep:
        new = {**step.params, **params}
        effects = actions[step.action].effects(Ref.parse(step.subject), new)
        return replace(step, params=new, effects=in_order(effects))

    return tuple(other(step) if step.id == id_ else step for step in steps)


def at_once(steps: Steps, id_: StepId) -> Steps:
    """One step that waits for nothing."""
    return tuple(replace(step, needs=()) if step.id == id_ else step for step in steps)


def unawaited(steps: Steps, id_: StepId) -> Steps:
    """One step that nobody waits for."""
    return tuple(replace(step, needs=tuple(need for need in step.needs if need != id_)) for step in steps)


def after(steps: Steps, id_: StepId, later: StepId) -> Steps:
    """One step that nobody waits for, and which waits for another."""
    loose = unawaited(steps, id_)
    return tuple(replace(step, needs=(*step.needs, later)) if step.id == id_ else step for step in loose)


def _steps(plan: Plan, *actions: str) -> list[PlannedStep]:
    return [step for step in plan.steps if step.action in actions]


def _pairs(flow: Flow) -> set[Pair]:
    return {(source, target) for source in flow.sources for target in flow.targets if source != target}


def _flows(plan: Plan, wanted: Callable[[Flow], bool]) -> dict[str, set[Pair]]:
    found = {flow.id: _pairs(flow) for flow in plan.flows if wanted(flow) and flow.verdict != "already_broken"}
    return {id_: pairs for id_, pairs in found.items() if pairs}


def _of(plan: Plan, ref: str) -> dict[str, set[Pair]]:
    """The calls that instances make to `ref` or take from it."""
    found = {}
    for flow in plan.flows:
        pairs = {
            (source, target)
            for source, target in _pairs(flow)
            if ref in (source, target)
            and all(end.startswith(("instance:", "auto_scaling_group:")) for end in (source, target))
        }
        if pairs and flow.verdict != "already_broken":
            found[flow.id] = pairs
    return found


def _calls_of(plan: Plan, target: str) -> dict[str, set[Pair]]:
    """The calls that nobody but `target` takes."""
    return _flows(plan, lambda flow: flow.targets == (target,))


def _from_outside(plan: Plan, target: str) -> dict[str, set[Pair]]:
    return _flows(plan, lambda flow: target in flow.targets and flow.sources[0].startswith("cidr:"))


def _behind(plan: Plan, member: str = "") -> dict[str, set[Pair]]:
    """The calls of load balancers, to one member or to all."""
    found = {}
    for flow in plan.flows:
        pairs = {pair for pair in _pairs(flow) if pair[0].startswith("load_balancer:") and member in ("", pair[1])}
        if pairs:
            found[flow.id] = pairs
    return found


# -- the catalogue -----------------------------------------------------------------------------------


def rule_forgotten(plan: Plan) -> Iterator[Spoiling]:
    """A group's twin without one of its rules."""
    for step in _steps(plan, "security_group.authorize", "db_security_group.authorize"):
        for number, permission in enumerate(step.params["permissions"]):
            rest = [each for place, each in enumerate(step.params["permissions"]) if place != number]
            if any(_source(each) == _source(permission) for each in rest):
                continue  # another rule may let the same caller in
            steps = told_otherwise(plan.steps, step.id, permissions=rest)
            yield Spoiling(f"{step.id} without rule {number}", steps, _let_in_by(plan, step, permission), BARRED)


BARRED = ("does not let its callers in", "no rule of")


def _source(permission: dict[str, Any]) -> str:
    for key, name in (("UserIdGroupPairs", "GroupId"), ("IpRanges", "CidrIp")):
        for row in permission.get(key, ()):
            value = row[name]
            return str(value["$from"].partition("/")[2] if isinstance(value, dict) else value)
    return ""


def _let_in_by(plan: Plan, step: PlannedStep, permission: dict[str, Any]) -> dict[str, set[Pair]]:
    source = _source(permission)
    if source.startswith("load_balancer:"):
        inside = _members(plan, step.subject)
        found = _flows(plan, lambda flow: flow.sources == (source,) and flow.from_port == permission["FromPort"])
        return {id_: {pair for pair in pairs if not inside or pair[1] in inside} for id_, pairs in found.items()}
    rule = f"{step.subject} admits {source.removeprefix('security_group:')}"
    ports = (permission.get("FromPort"), permission.get("ToPort"))
    return _flows(
        plan,
        lambda flow: (
            flow.rule == rule and (flow.from_port, flow.to_port) == ports and flow.protocol == permission["IpProtocol"]
        ),
    )


def _members(plan: Plan, group: str) -> set[str]:
    made = f"security_group.create/{group}"
    return {
        effect.ref
        for step in plan.steps
        for effect in step.effects
        if isinstance(effect, Joins) and made in effect.groups
    }


def listener_shut(plan: Plan) -> Iterator[Spoiling]:
    """The group of a load balancer's twin without its rules."""
    for step in _steps(plan, "load_balancer.create_group"):
        steps = told_otherwise(plan.steps, step.id, permissions=[])
        yield Spoiling(step.id, steps, _calls_of(plan, step.subject), BARRED)


def link_left_out(plan: Plan) -> Iterator[Spoiling]:
    """A caller of a database, or a member of a load balancer, that nobody links."""
    for step in _steps(plan, *LINKING):
        steps = without(plan.steps, step.id)
        words = ("cannot reach it", "serves nobody", "not behind")
        yield Spoiling(f"no {step.id}", steps, _over_a_link(plan, step.subject), words)


def linked_with_another_group(plan: Plan) -> Iterator[Spoiling]:
    for step in _steps(plan, *LINKING):
        steps = told_otherwise(plan.steps, step.id, group_ids=[OTHER_GROUP])
        yield Spoiling(step.id, steps, _over_a_link(plan, step.subject), BARRED)


def _over_a_link(plan: Plan, ref: str) -> dict[str, set[Pair]]:
    """The calls that need a link of `ref` whatever the order: databases move first, and so do load balancers."""
    found = {}
    shifted = {step.subject for step in _steps(plan, "dns_record.cutover")}
    for flow in plan.flows:
        pairs = {(s, t) for s, t in _pairs(flow) if s == ref and t.startswith("rds_instance:")}
        if shifted:
            pairs |= {(s, t) for s, t in _pairs(flow) if t == ref and s.startswith("load_balancer:")}
        if pairs:
            found[flow.id] = pairs
    return found


def twin_in_another_group(plan: Plan) -> Iterator[Spoiling]:
    for step in _steps(plan, "instance.launch"):
        steps = told_otherwise(plan.steps, step.id, group_ids=[OTHER_GROUP])
        broken = {**_of(plan, step.subject), **_behind(plan, step.subject)}
        yield Spoiling(step.id, steps, broken, BARRED)


def database_in_no_group(plan: Plan) -> Iterator[Spoiling]:
    for step in _steps(plan, "rds_instance.modify", "rds_instance.restore"):
        steps = told_otherwise(plan.steps, step.id, groups=[])
        yield Spoiling(step.id, steps, _calls_of(plan, step.subject), BARRED)


def database_after_a_caller(plan: Plan) -> Iterator[Spoiling]:
    """An instance in the VPC cannot call a database in EC2-Classic."""
    for move in _steps(plan, "rds_instance.modify"):
        for launch in _steps(plan, "instance.launch"):
            broken = {
                flow.id: {(launch.subject, move.subject)}
                for flow in plan.flows
                if move.subject in flow.targets and launch.subject in flow.sources
            }
            if broken:
                steps = after(plan.steps, move.id, launch.id)
                yield Spoiling(f"{move.id} after {launch.id}", steps, broken, ("EC2-Classic",))


def registration_left_out(plan: Plan) -> Iterator[Spoiling]:
    """The sources not behind the twin as its name comes to lead there."""
    if _steps(plan, "dns_record.cutover"):
        for step in _steps(plan, "load_balancer.register", "auto_scaling_group.register_members"):
            yield Spoiling(f"no {step.id}", without(plan.steps, step.id), _registered_by(plan, step), ("not behind",))


def _registered_by(plan: Plan, step: PlannedStep) -> dict[str, set[Pair]]:
    members = {member for effect in step.effects if isinstance(effect, Registers) for member in effect.members}
    found = _behind(plan)
    return {id_: some for id_, pairs in found.items() if (some := {pair for pair in pairs if pair[1] in members})}


def counterpart_not_registered(plan: Plan) -> Iterator[Spoiling]:
    for step in _steps(plan, "load_balancer.register_twin"):
        yield Spoiling(f"no {step.id}", without(plan.steps, step.id), _behind(plan, step.subject), ("not behind",))
    for step in _steps(plan, "auto_scaling_group.scale_up"):
        steps = told_otherwise(plan.steps, step.id, twins=[])
        yield Spoiling(f"{step.id} behind nobody", steps, _behind(plan, step.subject), ("not behind",))


def name_not_shifted(plan: Plan) -> Iterator[Spoiling]:
    for step in _steps(plan, "dns_record.cutover"):
        yield Spoiling(f"no {step.id}", without(plan.steps, step.id), _behind(plan), ("a name that leads to",))


def name_shifted_at_once(plan: Plan) -> Iterator[Spoiling]:
    for step in _steps(plan, "dns_record.cutover"):
        yield Spoiling(f"{step.id} at once", at_once(plan.steps, step.id), _behind(plan), ("not behind",))


def stopped_at_once(plan: Plan) -> Iterator[Spoiling]:
    """A source that waits for nothing before it leaves."""
    for step in _steps(plan, "load_balancer.deregister", "instance.retire", "auto_scaling_group.drain"):
        words = ("serves nobody",)
        yield Spoiling(f"{step.id} at once", at_once(plan.steps, step.id), _behind(plan, step.subject), words)


def rules_not_awaited(plan: Plan) -> Iterator[Spoiling]:
    """The rules of a twin may come whenever they like."""
    for step in _steps(plan, "security_group.authorize", "db_security_group.authorize"):
        last = max(plan.steps, key=lambda each: (each.phase == "instances", each.action == "instance.launch", each.id))
        steps = after(plan.steps, step.id, last.id)
        broken: dict[str, set[Pair]] = {}
        for permission in step.params["permissions"]:
            let_in = _let_in_by(plan, step, permission).items()
            broken |= {id_: pairs for id_, pairs in let_in if any(last.subject not in pair for pair in pairs)}
        if step.action.startswith("db_"):
            yield Spoiling(f"{step.id} late", steps, broken, BARRED)


def address_not_given(plan: Plan) -> Iterator[Spoiling]:
    for step in _steps(plan, "elastic_ip.associate"):
        holder = step.params["instance_id"]["$from"].partition("/")[2]
        steps = without(plan.steps, step.id)
        yield Spoiling(f"no {step.id}", steps, _from_outside(plan, holder), ("a name that leads to",))


CATALOGUE: Sequence[Spoiler] = (
    rule_forgotten,
    listener_shut,
    link_left_out,
    linked_with_another_group,
    twin_in_another_group,
    database_in_no_group,
    database_after_a_caller,
    registration_left_out,
    counterpart_not_registered,
    name_not_shifted,
    name_shifted_at_once,
    stopped_at_once,
    rules_not_awaited,
    address_not_given,
)


def spoilings(plan: Plan, spoiler: Spoiler) -> list[Spoiling]:
    """Those that break something."""
    return [spoiling for spoiling in spoiler(plan) if any(spoiling.broken.values())]
