"""One application, one plan for it, and many orders of that plan: what was promised, and what was measured."""

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from app.execution.step import Step
from app.planning.context import Request, Settings, Target
from app.planning.flows import serving
from app.planning.inventory import Inventory
from app.planning.lives import Surroundings
from app.planning.plan import Plan
from app.planning.planner import context, make_plan, surroundings
from app.resources import all_kinds
from app.resources.discovery import discover
from landbridge.in_process import target_in
from sandbox.durations import Durations
from sandbox.outages import Outages
from sandbox.virtual_time import run
from tests.kit.any_order import AnyOrder
from tests.kit.applications import App, Ask, build
from tests.kit.direct_cloud import DirectCloud
from tests.scenarios.whole_move import as_declared

NEW_VPC = Target(create_cidr="172.22.0.0/16")


@dataclass
class Tally:
    """What many cases came to."""

    cases: int = 0
    plans: int = 0
    blocked: int = 0
    steps: int = 0
    applications: set[int] = field(default_factory=set)  # hashes of those that were moved
    flows: Counter[str] = field(default_factory=Counter)  # by verdict
    failed: bool = False
    too_careful: int = 0  # flows called interrupted that no order of their plan ever interrupted

    def __str__(self) -> str:
        verdicts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(self.flows.items()))
        return (
            f"{self.cases} orders of {self.plans} plans for {len(self.applications)} applications "
            f"({self.blocked} more plans were blocked), {self.steps} steps run; flows: {verdicts}, "
            f"of which {self.too_careful} were called interrupted and never seen down"
        )


class BrokenPromiseError(AssertionError):
    """A flow that the plan calls kept was down, or fewer members of a load balancer served than the plan allows."""


@dataclass(frozen=True)
class Planned:
    """A plan, and its flows as the sandbox is to watch them: without what was not in service beforehand.
    `around` is what a judge of other steps for the same has to know."""

    plan: Plan
    around: Surroundings
    watched: Sequence[Mapping[str, Any]]

    @classmethod
    def of(cls, app: App, ask: Ask) -> "Planned":
        world = build(app)
        inventory = run(world, discover(DirectCloud(world), all_kinds()))
        out = {str(resource.ref) for resource in inventory if not serving(resource.facts)}
        request = _request(app, ask, inventory)
        plan = make_plan(inventory, request, all_kinds())
        flows = [as_declared(flow) for flow in plan.flows if flow.verdict != "already_broken"]
        sides = ("sources", "targets")
        return cls(
            plan,
            surroundings(context(inventory, request, all_kinds())),
            [{**flow, **{side: [ref for ref in flow[side] if ref not in out] for side in sides}} for flow in flows],
        )


def check(app: App, ask: Ask, orders: int, first_seed: int, tally: Tally) -> None:
    """Raises BrokenPromiseError, and HaltedError for a step that failed."""
    planned = Planned.of(app, ask)
    plan = planned.plan
    if plan.blocked:
        tally.blocked += 1
        return
    tally.plans += 1
    tally.applications.add(hash(repr(app)))
    tally.flows.update(flow.verdict for flow in plan.flows)
    promised = {flow.id for flow in plan.flows if flow.verdict == "kept"}
    unseen = {flow.id for flow in plan.flows if flow.verdict == "interrupted"}
    for number in range(orders):
        if watched := promised | unseen | balanced(plan):
            unseen -= down_in_one_order(app, planned, watched, first_seed + number, tally)
    tally.too_careful += len(unseen)


def balanced(plan: Plan) -> Set[str]:
    """The flows of load balancers behind which somebody serves at every moment."""
    return {flow.id for flow in plan.flows if flow.least_in_service}


def down_in_one_order(app: App, planned: Planned, watched: Set[str], seed: int, tally: Tally) -> set[str]:
    """The flows that were down, of those watched. Raises as `check`."""
    world, chance = build(app), random.Random(seed)
    world.durations = _paces(chance)
    outages = Outages(world)
    outages.declare(flow for flow in planned.watched if flow["id"] in watched)
    before = {told["flow"]: told for told in outages.since() if told["down"]}
    steps = [step for step in planned.plan.steps if step.phase != "finalize"]
    order = AnyOrder(world, steps, _actions(), chance)
    tally.failed = True
    order.run()
    seen = {told["flow"]: told for told in outages.since()}
    down = {id_: told for id_, told in seen.items() if told["total_seconds"] > 0}
    for flow in planned.plan.flows:
        if flow.verdict == "kept" and flow.id in before:
            raise BrokenPromiseError(f"{flow.rule} {flow.from_port} was down beforehand: {before[flow.id]['down']}")
        if flow.id in balanced(planned.plan) & watched and seen[flow.id]["least_in_service"] < flow.least_in_service:
            raise BrokenPromiseError(
                f"{flow.rule} {flow.from_port}: {flow.least_in_service} were to be in service at every moment, and "
                f"{seen[flow.id]['least_in_service']} were\n{_story(order)}"
            )
        if flow.verdict == "kept" and flow.id in down:
            raise BrokenPromiseError(f"{flow.rule} {flow.from_port} was down: {down[flow.id]['down']}\n{_story(order)}")
    tally.failed = False
    tally.cases += 1
    tally.steps += len(steps)
    return set(down)


def _story(order: AnyOrder) -> str:
    return "\n".join(f"{moment} {id_} {what}" for moment, what, id_ in order.told)


def _actions() -> Mapping[str, Step]:
    return {step.action: step for kind in all_kinds().values() for step in kind.steps}


def _request(app: App, ask: Ask, inventory: Inventory) -> Request:
    members = {number: list(_tier(inventory, number)) for number in range(len(app.tiers))}
    overrides: dict[str, dict[str, Any]] = {ref: {} for refs in members.values() for ref in refs}
    for number, method in ask.images.items():
        for ref in members.get(number, ()):
            overrides[ref]["image"] = method
    scope: dict[str, Any] = {}
    if ask.scope is not None:
        for wanted in overrides.values():
            wanted["leave_load_balancer"] = True
        chosen = frozenset(number % len(app.tiers) for number in ask.scope)
        scope = {"tags": {"tier": str(min(chosen))}} if ask.by_tag else {"refs": _refs(app, ask, chosen, members)}
    return Request(
        "incremental" if ask.incremental else "all_at_once",
        NEW_VPC if ask.new_vpc else target_in(inventory),
        settings=Settings(max_parallel_instances=ask.most_at_once, soak_seconds=ask.soak_seconds),
        overrides=overrides,
        **scope,
    )


def _refs(app: App, ask: Ask, chosen: Set[int], members: Mapping[int, Sequence[str]]) -> tuple[str, ...]:
    """The tiers chosen, with what is in front of them unless that is left."""
    fronts = [
        f"load_balancer:front-{number}"
        for number, balancer in enumerate(app.balancers)
        if balancer.fronts & chosen and not ask.leaves_balancers
    ]
    return (*(ref for number in sorted(chosen) for ref in members[number]), *fronts)


def _tier(inventory: Inventory, number: int) -> Iterator[str]:
    """Its instances, or the group that holds them."""
    found = (*inventory.of("instance"), *inventory.of("auto_scaling_group"))
    return (str(one.ref) for one in found if one.tags.get("tier") == str(number) and not one.facts.get("held_by"))


def _paces(chance: random.Random) -> Durations:
    def seconds(most: float = 300.0) -> float:
        return chance.uniform(1, most)

    return Durations(
        instance_start=seconds(),
        instance_stop=seconds(),
        instance_reboot=seconds(),
        status_checks=seconds(),
        image_base=seconds(),
        snapshot_base=seconds(),
        address_move=seconds(),
        db_modify=seconds(),
        db_move_to_vpc=seconds(),
        db_snapshot=seconds(),
        db_rename=seconds(),
        dns_change=seconds(),
        elb_register=seconds(60),
        elb_drain=seconds(60),
    )
