"""Toy kinds that move as the real ones do: instances, databases and load balancers, and who calls whom."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from app.planning.context import Context, Request, Settings, Target
from app.planning.effects import Effect, Joins, Links, Opens, Registers, Serves, Stops
from app.planning.flows import make_flow
from app.planning.inventory import Gap, Inventory, Json, Platform, Ref, Resource
from app.planning.plan import (
    Draft,
    Finding,
    Flow,
    Milestone,
    Plan,
    StepId,
    Strategy,
    in_service,
    linked,
    promise,
    step_id,
    stopped,
)
from app.planning.planner import PlannedKind, StepKind, make_plan

TOYS = "sg-toys"

Drafting = Callable[[Resource, Context], Draft | None]


class ToyStep:
    """A step whose draft is a function's."""

    def __init__(self, action: str, phase: str, draft: Drafting) -> None:
        self.action = action
        self.subject = action.partition(".")[0]
        self.phase = phase
        self._draft = draft

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        return self._draft(resource, ctx) if ctx.moves(resource.ref) else None

    def effects(self, subject: Ref, params: Mapping[str, Json]) -> Iterable[Effect]:
        """Toys are all in one group, which lets in whoever calls."""
        ref = str(subject)
        match self.action.partition(".")[2]:
            case "attach":
                yield Links(ref, (TOYS,))
            case "stop" | "drain" | "snapshot":
                yield Stops(ref)
            case "launch" | "restore" | "create":
                yield Joins(ref, (TOYS,))
                yield Serves(ref)
                for balancer in params.get("behind", ()):
                    yield Registers(balancer, (ref,), twins=True)


class ToyKind:
    """A kind whose resources say in their facts whom they `call`, as [ref, port]."""

    def __init__(
        self, name: str, steps: Sequence[StepKind], *, linkable: bool = False, comes_along: bool = False
    ) -> None:
        self.name = name
        self.steps = steps
        self.linkable = linkable
        self.comes_along = comes_along
        self.maker: str | None = steps[-1].action if steps else None
        self.found: tuple[Finding, ...] = ()

    def moves(self, resource: Resource) -> bool:
        return bool(self.steps) and resource.platform == "classic"

    def flows(self, resource: Resource, inventory: Inventory) -> Iterable[Flow]:
        for target, port in resource.facts.get("calls", ()):
            yield make_flow(f"{resource.ref} {target}", [resource.ref], [Ref.parse(target)], "tcp", (port, port))

    def present(self, resource: Resource, inventory: Inventory) -> Iterable[Effect]:
        if resource.platform == "vpc":
            yield Joins(str(resource.ref), (TOYS,))
        yield Opens(TOYS, TOYS, "-1", None, None)

    def findings(self, ctx: Context) -> Iterable[Finding]:
        return self.found


def _attach(resource: Resource, ctx: Context) -> Draft | None:
    if not ctx.incremental or resource.ref not in ctx.neighbours:
        return None
    return Draft({}, "Link.", reaches=frozenset({linked(resource.ref)}))


def _stop(resource: Resource, ctx: Context) -> Draft | None:
    if ctx.incremental:
        return None
    ref = resource.ref
    return Draft({}, "Stop.", 60, reaches=frozenset({stopped(ref)}), interrupts=frozenset({ref}))


def _drain(resource: Resource, ctx: Context) -> Draft | None:
    if not ctx.incremental:
        return None
    ref = resource.ref
    return Draft({}, "Drain.", 30, needs=frozenset({in_service(ref)}), interrupts=frozenset({ref}))


def _launch(resource: Resource, ctx: Context) -> Draft | None:
    ref = resource.ref
    needs: frozenset[StepId | Milestone] = frozenset({stopped(ref)})
    fronts = [each for each in ctx.inventory.of("load_balancer") if [str(ref), 80] in each.facts["calls"]]
    params = {"of": ref.id, "behind": [str(each.ref) for each in fronts]}
    return Draft(params, "Launch.", 120, needs=needs, begins=frozenset({ref}), reaches=frozenset({in_service(ref)}))


def _snapshot(resource: Resource, ctx: Context) -> Draft | None:
    return Draft({"of": resource.ref.id}, "Snapshot.", 300, interrupts=frozenset({resource.ref}))


def _restore(resource: Resource, ctx: Context) -> Draft | None:
    ref = resource.ref
    params = {"from": promise(step_id("rds_instance.snapshot", ref), "snapshot")}
    return Draft(params, "Restore.", 600, begins=frozenset({ref}), reaches=frozenset({in_service(ref)}))


def _balance(resource: Resource, ctx: Context) -> Draft | None:
    ref = resource.ref
    return Draft({}, "Make.", 60, begins=frozenset({ref}), reaches=frozenset({in_service(ref)}), hold_seconds=60)


def _terminate(resource: Resource, ctx: Context) -> Draft | None:
    return Draft({}, "Terminate.", 9000, reversible=False)


def toy_kinds(*more: ToyKind) -> dict[str, PlannedKind]:
    """Instances, databases, load balancers, and `more`."""
    instance = ToyKind(
        "instance",
        [
            ToyStep("instance.attach", "link", _attach),
            ToyStep("instance.stop", "instances", _stop),
            ToyStep("instance.drain", "instances", _drain),
            ToyStep("instance.terminate", "finalize", _terminate),
            ToyStep("instance.launch", "instances", _launch),
        ],
        linkable=True,
    )
    database = ToyKind(
        "rds_instance",
        [
            ToyStep("rds_instance.snapshot", "managed_services", _snapshot),
            ToyStep("rds_instance.restore", "managed_services", _restore),
        ],
    )
    balancer = ToyKind("load_balancer", [ToyStep("load_balancer.create", "load_balancers", _balance)])
    return {kind.name: kind for kind in (instance, database, balancer, *more)}


def thing(
    ref: str, *calls: str, platform: Platform = "classic", refers_to: Iterable[str] = (), **facts: Any
) -> Resource:
    """A resource that calls others on their port 80."""
    parsed = Ref.parse(ref)
    facts["calls"] = [[target, 80] for target in calls]
    return Resource(parsed, parsed.id, platform, facts, frozenset(map(Ref.parse, refers_to)))


def inventory(*resources: Resource, gaps: tuple[Gap, ...] = ()) -> Inventory:
    return Inventory("us-east-1", resources, gaps)


def request(strategy: Strategy = "incremental", refs: Sequence[str] | None = None, **settings: Any) -> Request:
    chosen = tuple(refs) if refs is not None else None
    return Request(strategy, Target(vpc_id="vpc-1"), refs=chosen, settings=Settings(**settings))


def planned(*resources: Resource, strategy: Strategy = "incremental", **settings: Any) -> Plan:
    return make_plan(inventory(*resources), request(strategy, **settings), toy_kinds())


class Order:
    """Which steps of a plan come before which, directly or by others."""

    def __init__(self, plan: Plan) -> None:
        self._needs = {step.id: step.needs for step in plan.steps}

    def __contains__(self, id_: StepId) -> bool:
        return id_ in self._needs

    def before(self, earlier: StepId, later: StepId) -> bool:
        assert earlier in self._needs, f"{earlier} is not in the plan"
        seen: set[StepId] = set()
        stack = [later]
        while stack:
            for need in self._needs[stack.pop()]:
                if need not in seen:
                    seen.add(need)
                    stack.append(need)
        return earlier in seen
