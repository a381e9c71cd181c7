"""Makes plans: asks every step kind what it would do to every resource, and derives the order.

The order is not written down anywhere. It follows from what each draft needs (steps, promises and
milestones) and from the flows, by the rules of aws-facts A1 and A7:

incremental  whoever calls, or is called by, something that moves is linked before that moves, where
             ClassicLink can link it; a managed service moves before those of its callers that move
             (nothing in the VPC reaches one in Classic); a load balancer moves before its members
             (a Classic one never takes VPC instances).
all_at_once  nothing stops before all preparations have ended; callers stop before the managed services
             they call are backed up, and start again when those are in service.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from app.planning import scope as scoping
from app.planning.context import Context, Request
from app.planning.effects import Effect
from app.planning.effects import in_order as effects_in_order
from app.planning.flows import derive, serving
from app.planning.graph import comes_after, find_cycle, in_order, schedule
from app.planning.inventory import Inventory, Json, Ref, Resource
from app.planning.lives import Surroundings
from app.planning.outage import Judge
from app.planning.plan import (
    PREPARED,
    Draft,
    Finding,
    Flow,
    Milestone,
    Plan,
    PlannedStep,
    StepId,
    in_service,
    linked,
    promises,
    step_id,
    stopped,
)


class StepKind(Protocol):
    """A step as the planner sees it."""

    @property
    def action(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def phase(self) -> str: ...
    def plan(self, resource: Resource, ctx: Context) -> Draft | None: ...
    def effects(self, subject: Ref, params: Mapping[str, Json]) -> Iterable[Effect]: ...


class PlannedKind(scoping.Movable, Protocol):
    """A resource kind as the planner sees it. `maker`: the action that makes counterparts of it."""

    @property
    def name(self) -> str: ...
    @property
    def linkable(self) -> bool: ...
    @property
    def maker(self) -> str | None: ...
    @property
    def steps(self) -> Sequence[StepKind]: ...
    def flows(self, resource: Resource, inventory: Inventory) -> Iterable[Flow]: ...
    def present(self, resource: Resource, inventory: Inventory) -> Iterable[Effect]: ...
    def findings(self, ctx: Context) -> Iterable[Finding]: ...


Drafts = dict[StepId, tuple[StepKind, Resource, Draft]]
Needs = dict[StepId, frozenset[StepId]]


def make_plan(inventory: Inventory, request: Request, kinds: Mapping[str, PlannedKind]) -> Plan:
    """The plan for a request: pure, and the same for the same input. Raises scope.ScopeError."""
    ctx = context(inventory, request, kinds)
    drafts = _drafts(ctx, kinds)
    needs = _needs(ctx, drafts)
    findings = set(_findings(ctx, kinds))
    if loop := find_cycle(needs):
        findings.add(Finding("blocker", "order_loop", loop[0], "These steps wait for each other: " + " → ".join(loop)))
        steps: tuple[PlannedStep, ...] = ()
    else:
        ends = _kept_until(drafts, needs)
        steps = tuple(in_order([_planned(id_, drafts, needs[id_], ends.get(id_, ()), ctx) for id_ in drafts]))
    flows = Judge(steps, surroundings(ctx)).judge(ctx.flows)
    return Plan(
        strategy=request.strategy,
        region=ctx.inventory.region,
        steps=steps,
        findings=tuple(sorted(findings, key=lambda finding: finding.rank)),
        flows=flows,
        scope=tuple(sorted(str(ref) for ref in ctx.scope)),
        estimate=_estimate(steps, flows),
    )


def context(inventory: Inventory, request: Request, kinds: Mapping[str, PlannedKind]) -> Context:
    """What is asked of an inventory: what moves, and the flows there are. Raises scope.ScopeError."""
    inventory = scoping.with_target(inventory, request)
    flows = derive(inventory, kinds)
    made = inventory.counterparts
    moved = {ref for ref in made if ref.kind in kinds and not kinds[ref.kind].comes_along}
    near = flows if request.strategy == "incremental" else ()
    return Context(
        inventory=inventory,
        request=request,
        scope=scoping.choose(inventory, request, kinds, near, moved),
        shared={
            ref: twin.ref.id
            for ref, twin in made.items()
            if ref not in moved and twin.facts.get("vpc") == request.target.vpc_id
        },
        flows=flows,
        makers={kind.name: kind.maker for kind in kinds.values() if kind.maker},
        linkable=frozenset(kind.name for kind in kinds.values() if kind.linkable),
        present=tuple(
            effect
            for resource in inventory
            if resource.kind in kinds
            for effect in kinds[resource.kind].present(resource, inventory)
        ),
    )


def _drafts(ctx: Context, kinds: Mapping[str, PlannedKind]) -> Drafts:
    drafts: Drafts = {}
    for name in sorted(kinds):
        for step in kinds[name].steps:
            for resource in ctx.inventory.of(step.subject):
                if draft := step.plan(resource, ctx):
                    drafts[step_id(step.action, resource.ref)] = (step, resource, draft)
    return drafts


def _findings(ctx: Context, kinds: Mapping[str, PlannedKind]) -> Iterable[Finding]:
    for name in sorted(kinds):
        yield from kinds[name].findings(ctx)
    yield from scoping.left_behind(ctx.inventory, ctx.scope, kinds)
    yield from scoping.moved_before(ctx.inventory, kinds)
    for gap in ctx.inventory.gaps:
        yield Finding(
            "blocker",
            "not_discovered",
            gap.ref or gap.kind,
            f"{gap.detail} Nobody knows what is there: allow the call or wait out the throttling, then discover again.",
        )


class _Milestones:
    """Which steps reach a milestone, per phase of life: execute and finalize are jobs of their own."""

    def __init__(self, drafts: Drafts) -> None:
        self._steps: dict[Milestone, set[StepId]] = {}
        for id_, (step, _, draft) in drafts.items():
            for milestone in (*draft.reaches, Milestone("ended", Ref("phase", step.phase))):
                self._steps.setdefault(milestone, set()).add(id_)

    def steps(self, milestones: Iterable[Milestone]) -> set[StepId]:
        return {id_ for milestone in milestones for id_ in self._steps.get(milestone, ())}


def _needs(ctx: Context, drafts: Drafts) -> Needs:
    milestones = _Milestones(drafts)
    extra = _order_from_flows(ctx, drafts, milestones)
    needs: Needs = {}
    for id_, (_, _, draft) in drafts.items():
        steps = {need for need in draft.needs if isinstance(need, str)}
        steps |= {source for source, _ in promises(draft.params)}
        if missing := [need for need in steps if need not in drafts]:  # not a set difference: that copies all keys
            raise LookupError(f"{id_} needs {min(missing)}, which nobody planned")
        steps |= milestones.steps(need for need in draft.needs if isinstance(need, Milestone))
        needs[id_] = frozenset((steps | extra.get(id_, set())) - {id_})
    return _in_waves(needs, drafts, ctx)


def _order_from_flows(ctx: Context, drafts: Drafts, milestones: _Milestones) -> dict[StepId, set[StepId]]:
    begins: dict[Ref, list[StepId]] = {}
    interrupts: dict[Ref, list[StepId]] = {}
    for id_, (_, _, draft) in drafts.items():
        for ref in draft.begins:
            begins.setdefault(ref, []).append(id_)
        for ref in draft.interrupts:
            interrupts.setdefault(ref, []).append(id_)
    extra: dict[StepId, set[StepId]] = {}

    def after(first: set[StepId], later: Iterable[Ref], starts: dict[Ref, list[StepId]]) -> None:
        for ref in later:
            for id_ in starts.get(ref, ()):
                extra.setdefault(id_, set()).update(first)

    for flow in ctx.flows:
        sources = [Ref.parse(ref) for ref in flow.sources]
        targets = [Ref.parse(ref) for ref in flow.targets]
        managed = [ref for ref in targets if ref.kind not in ctx.linkable]
        if ctx.incremental:
            links = milestones.steps(linked(ref) for ref in (*sources, *targets))
            for starts in (begins, interrupts):
                after(links, (*sources, *targets), starts)
                after(milestones.steps(map(in_service, managed)), sources, starts)
            fronts = [ref for ref in sources if ref.kind not in ctx.linkable]
            after(milestones.steps(map(in_service, fronts)), targets, begins)
        else:
            after(milestones.steps(map(stopped, sources)), managed, interrupts)
            after(milestones.steps(map(in_service, managed)), sources, begins)
    after(milestones.steps([PREPARED]), interrupts, interrupts)
    return extra


def _in_waves(needs: Needs, drafts: Drafts, ctx: Context) -> Needs:
    """At most `max_parallel_instances` instances between their first and last cutover step at once."""
    width = ctx.settings.max_parallel_instances
    chains: dict[Ref, list[StepId]] = {}
    for id_, (step, resource, _) in drafts.items():
        if step.phase == "instances" and resource.kind in ctx.linkable:
            chains.setdefault(resource.ref, []).append(id_)
    order = sorted(chains)
    if not ctx.incremental or len(order) <= width:
        return needs
    waited = dict(needs)
    for earlier, later in zip(order, order[width:], strict=False):
        first = {id_ for id_ in chains[later] if not needs[id_] & set(chains[later])}
        for id_ in first:
            waited[id_] = waited[id_] | frozenset(chains[earlier])
    return needs if find_cycle(waited) else waited


def _kept_until(drafts: Drafts, needs: Needs) -> dict[StepId, tuple[StepId, ...]]:
    """What ends the keeping of each step that keeps something. The needs must be acyclic.

    Raises LookupError for an end that nobody planned, or that does not come after the step: it could start
    before there is anything to keep. Steps of `finalize` come after those of every other phase.
    """
    milestones = _Milestones(drafts)
    found: dict[StepId, tuple[StepId, ...]] = {}
    for id_, (step, _, draft) in drafts.items():
        if not draft.kept_until:
            continue
        ends = {end for end in draft.kept_until if isinstance(end, str)}
        if missing := sorted(end for end in ends if end not in drafts):
            raise LookupError(f"{id_} is kept until {missing[0]}, which nobody planned")
        ends |= milestones.steps(end for end in draft.kept_until if isinstance(end, Milestone)) - {id_}
        for end in sorted(ends):
            later = drafts[end][0].phase == "finalize" != step.phase
            if not later and not comes_after(end, id_, needs):
                raise LookupError(f"{id_} is kept until {end}, which does not come after it")
        found[id_] = tuple(sorted(ends))
    return found


def _planned(
    id_: StepId, drafts: Drafts, needs: frozenset[StepId], kept_until: tuple[StepId, ...], ctx: Context
) -> PlannedStep:
    step, resource, draft = drafts[id_]
    cutover = any(milestone.name == "in_service" for milestone in draft.reaches)
    held = max(draft.hold_seconds, draft.lingering_seconds)
    back = draft.seconds + held if draft.undo_seconds is None else draft.undo_seconds
    return PlannedStep(
        id=id_,
        action=step.action,
        subject=str(resource.ref),
        phase=step.phase,
        needs=tuple(sorted(needs)),
        params=draft.params,
        reversible=draft.reversible,
        estimate={
            "seconds": draft.seconds,
            "calls": draft.calls,
            "undo_seconds": back if draft.reversible else 0.0,
        },
        explanation=draft.explanation,
        reaches=tuple(sorted(map(str, draft.reaches))),
        interrupts=tuple(sorted(map(str, draft.interrupts))),
        hold_seconds=max(held, ctx.settings.soak_seconds if cutover else 0.0),
        lingering_seconds=draft.lingering_seconds,
        kept_until=kept_until,
        effects=effects_in_order(step.effects(resource.ref, draft.params)),
        not_undone=draft.not_undone,
    )


def surroundings(ctx: Context) -> Surroundings:
    """What a judge has to know of the account before anything runs."""
    inventory = ctx.inventory
    return Surroundings(
        effects=ctx.present,
        out=frozenset(str(resource.ref) for resource in inventory if not serving(resource.facts)),
        in_vpc=frozenset(str(resource.ref) for resource in inventory if resource.platform == "vpc"),
        linkable=ctx.linkable,
        nets=_nets(ctx),
    )


def _nets(ctx: Context) -> tuple[str, ...]:
    """The ranges from which counterparts will call."""
    if ctx.target.create_cidr:
        return (ctx.target.create_cidr,)
    subnets = (ctx.inventory.get(Ref("subnet", id_)) for id_ in sorted(ctx.target.subnets.values()))
    return tuple(subnet.facts["cidr"] for subnet in subnets if subnet)


def _estimate(steps: Sequence[PlannedStep], flows: Sequence[Flow]) -> dict[str, float]:
    """`seconds` along the critical path, the longest outage of any flow, and AWS calls; finalize apart."""
    moving = [step for step in steps if step.phase != "finalize"]
    ends = [end for _, end in schedule(moving).values()]
    outages = [flow.outage_seconds for flow in flows]
    return {
        "seconds": round(max(ends, default=0.0), 1),
        "outage_seconds": round(max(outages, default=0.0), 1),
        "aws_calls": sum(step.estimate["calls"] for step in moving),
    }
