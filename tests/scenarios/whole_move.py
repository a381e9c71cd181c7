"""A whole application, moved: what there was before, what the plan promised, and what became of it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from app.execution.executor import Outcome
from app.execution.journal import MemoryJournal
from app.planning.context import Target
from app.planning.inventory import Ref
from app.planning.plan import Flow, Plan, Strategy
from app.resources.traffic import QUIET_MINUTES
from sandbox.outages import Outages
from sandbox.reach import reach
from sandbox.scenarios import scenarios
from tests.kit.account import account
from tests.kit.bench import Bench
from tests.kit.corner_shop import target_of
from tests.kit.undone import unrestored
from tests.scenarios.comparing import Picture, picture

NEW_VPC = Target(create_cidr="172.22.0.0/16")

Pair = tuple[str, str, int, str]  # source, target, port, protocol


class Move:
    """One scenario and the plan to move it; the flows are watched from here on."""

    def __init__(
        self,
        strategy: Strategy,
        scenario: str = "shop",
        *,
        new_vpc: bool = False,
        bench: Bench | None = None,
        **request: Any,
    ) -> None:
        self.bench = bench or Bench()
        if bench is None:
            scenarios()[scenario].build(self.bench.boto, self.bench.world)
            self.bench.past_the_wire()
        self.target = NEW_VPC if new_vpc else target_of(self.bench)
        self.inventory = self.bench.discover()
        self.plan: Plan = self.bench.plan(self.target, strategy, inventory=self.inventory, **request)
        self.before = account(self.bench.boto)
        self.old: Picture = picture(self.bench.boto)
        self.reached = self.reachable()
        self.outages = Outages(self.bench.world)
        self.outages.declare(as_declared(flow) for flow in self.plan.flows)
        self.journal = MemoryJournal()

    def execute(self) -> "Move":
        outcome, self.journal = self.bench.execute(self.plan)
        assert outcome == "succeeded", errors(self.journal)
        return self

    def undo(self) -> Outcome:
        return self.bench.undo(self.plan, self.journal)

    def finalize(self) -> Outcome:
        """When nobody has called the sources for a while."""
        self.bench.world.clock.advance((QUIET_MINUTES + 1) * 60)
        return self.bench.finalize(self.plan, self.journal)[0]

    @property
    def counterparts(self) -> dict[str, str]:
        """By ref of the source: the id of what stands for it in the VPC."""
        found = {}
        for id_, entry in self.journal.lines.items():
            if entry.result and "counterpart" in entry.result:
                found[id_.partition("/")[2]] = str(entry.result["counterpart"])
        return found

    def twin(self, ref: str) -> str:
        """The ref of what stands for `ref` now: itself, where it stays itself."""
        parsed = Ref.parse(ref)
        return f"{parsed.kind}:{self.counterparts.get(ref, parsed.id)}"

    def reachable(self, twins: bool = False) -> set[Pair]:
        """Who can call whom at this moment along the plan's flows; between counterparts, by the sources' refs."""
        place = self.bench.world.place()

        def reaches(pair: Pair) -> bool:
            source, target, port, protocol = pair
            if twins:
                source, target = self.twin(source), self.twin(target)
            return reach(place, source, target, port, protocol).ok

        return {pair for flow in self.plan.flows for pair in pairs_of(flow) if reaches(pair)}

    def measured(self) -> dict[str, float]:
        """By flow id: how many seconds it was down."""
        return {each["flow"]: each["total_seconds"] for each in self.outages.since() if each["down"]}

    def broken_promises(self) -> list[str]:
        """Flows that the plan calls kept and that were down; and load balancers with fewer in service than planned."""
        measured, least = self.measured(), self.least_in_service()
        return [
            f"{flow.rule} {flow.from_port}: {measured[flow.id]} s"
            for flow in self.plan.flows
            if flow.verdict == "kept" and flow.id in measured
        ] + [
            f"{flow.rule} {flow.from_port}: {least[flow.id]} of {flow.least_in_service}"
            for flow in self.plan.flows
            if flow.least_in_service is not None and least[flow.id] < flow.least_in_service
        ]

    def least_in_service(self) -> dict[str, int]:
        """By id of each load balancer's flow: the fewest of its members that it could call at once."""
        told = self.outages.since()
        return {each["flow"]: each["least_in_service"] for each in told if "least_in_service" in each}

    def unrestored(self) -> list[str]:
        return unrestored(self.before, account(self.bench.boto))

    def left_in_classic(self) -> set[str]:
        """Refs of what is in EC2-Classic, as a new discovery sees it; the region itself aside."""
        found = self.bench.discover()
        return {str(each.ref) for each in found if each.platform != "vpc" and each.kind != "region"}


def as_declared(flow: Flow) -> Mapping[str, Any]:
    """A flow as the sandbox takes it: ports that a protocol does not have are left out."""
    wanted = ("id", "sources", "targets", "protocol", "from_port", "to_port")
    return {key: value for key, value in asdict(flow).items() if key in wanted and value is not None}


def pairs_of(flow: Flow) -> list[Pair]:
    return [
        (source, target, flow.from_port or 0, flow.protocol)
        for source in flow.sources
        for target in flow.targets
        if source != target
    ]


def errors(journal: MemoryJournal) -> dict[str, Any]:
    return {id_: entry.error for id_, entry in journal.lines.items() if entry.error}


def refs_named(move: Move, kind: str, *names: str) -> Sequence[str]:
    """Refs of the resources of a kind that have these names."""
    return [str(each.ref) for each in move.inventory.of(kind) if each.name in names]
