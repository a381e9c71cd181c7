"""Moves one application in one order and keeps what was foretold, what was measured and when each step ran."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal

from app.execution.journal import MemoryJournal
from app.execution.states import StepState
from app.planning.context import Request
from app.planning.inventory import Inventory, Json
from app.planning.outage import Judge
from app.planning.plan import Flow, PlannedStep, StepId
from app.planning.planner import context, make_plan, surroundings
from app.resources import all_kinds
from benchmarks.outage.applications import Application
from benchmarks.outage.hurried import hurried
from landbridge.in_process import InProcess
from sandbox.outages import Outages

Method = Literal["incremental", "all_at_once", "hurried"]
METHODS: tuple[Method, ...] = ("incremental", "all_at_once", "hurried")
Span = tuple[float, float]

CLOSE = 0.2  # a share of what was measured …
CLOSE_SECONDS = 6.0  # … or so many seconds, of outages under half a minute
SHORT = 30.0


class TimedJournal(MemoryJournal):
    """When each step began and ended; seconds on the clock it is given."""

    def __init__(self, now: Callable[[], float]) -> None:
        super().__init__()
        self._now = now
        self.began: dict[StepId, float] = {}
        self.ended: dict[StepId, float] = {}

    async def move(
        self,
        step: PlannedStep,
        to: StepState,
        *,
        result: Mapping[str, Json] | None = None,
        error: Mapping[str, Json] | None = None,
    ) -> None:
        await super().move(step, to, result=result, error=error)
        if to == "running":
            self.began.setdefault(step.id, self._now())
        elif to == "succeeded":
            self.ended[step.id] = self._now()


@dataclass(frozen=True)
class Watched:
    """One flow: the verdict before, and when it was down, in seconds from the job's start."""

    flow: Flow
    downs: tuple[Span, ...]

    @property
    def foretold(self) -> float:
        return self.flow.outage_seconds

    @property
    def measured(self) -> float:
        return sum(end - start for start, end in self.downs)

    @property
    def broken_promise(self) -> bool:
        """Called kept, and seen down."""
        return self.flow.verdict == "kept" and self.measured > 0

    @property
    def close(self) -> bool:
        """Whether what was foretold is what was measured, near enough."""
        off = abs(self.foretold - self.measured)
        return off <= CLOSE * self.measured or (self.measured < SHORT and off <= CLOSE_SECONDS)


@dataclass(frozen=True)
class Moved:
    """One application, moved once. Times are seconds from the job's start."""

    application: Application
    method: Method
    inventory: Inventory
    steps: Mapping[StepId, PlannedStep]
    ran: Mapping[StepId, Span]
    flows: tuple[Watched, ...]
    calls: int
    trouble: tuple[str, ...] = field(default=())

    @property
    def seconds(self) -> float:
        """How long the job took."""
        return max((end for _, end in self.ran.values()), default=0.0)

    @property
    def interrupted(self) -> list[Watched]:
        """Flows that were seen down, the longest first."""
        return sorted((one for one in self.flows if one.measured > 0), key=lambda one: (-one.measured, one.flow.id))

    @property
    def broken_promises(self) -> list[Watched]:
        return [one for one in self.flows if one.broken_promise]


def moved(application: Application, method: Method) -> Moved:
    """Build it, plan it, move it, all on the simulated account's stepped clock."""
    random.seed(0)  # what waits after a throttled call is drawn by chance
    here = InProcess()
    application.build(here.boto, here.world)
    inventory = here.discover()
    steps, flows = planned(here, inventory, method)
    outages = Outages(here.world)
    outages.declare(as_declared(flow) for flow in flows)
    started = here.clock.now()
    made = here.cloud.calls.made.total()
    journal = TimedJournal(here.clock.now)
    outcome = here.advance(steps, journal)
    trouble = [f"{id_}: {entry.error}" for id_, entry in journal.lines.items() if entry.error]
    if outcome != "succeeded":
        trouble.insert(0, f"The job ended {outcome}.")
    downs = {each["flow"]: tuple(_span(down, started) for down in each["down"]) for each in outages.since()}
    ran = {id_: (journal.began[id_] - started, end - started) for id_, end in journal.ended.items()}
    return Moved(
        application=application,
        method=method,
        inventory=inventory,
        steps={step.id: step for step in steps},
        ran=ran,
        flows=tuple(Watched(flow, downs.get(flow.id, ())) for flow in flows if flow.verdict != "already_broken"),
        calls=here.cloud.calls.made.total() - made,
        trouble=tuple(trouble),
    )


def planned(here: InProcess, inventory: Inventory, method: Method) -> tuple[Sequence[PlannedStep], tuple[Flow, ...]]:
    """The steps to run, and every flow with its verdict over just these steps."""
    strategy: Literal["incremental", "all_at_once"] = "incremental" if method == "hurried" else method
    request = Request(strategy, here.target(inventory))
    plan = make_plan(inventory, request, all_kinds())
    if method != "hurried":
        return plan.steps, plan.flows
    ctx = context(inventory, request, all_kinds())
    steps = hurried(plan.steps)
    return steps, Judge(steps, surroundings(ctx)).judge(ctx.flows)


def as_declared(flow: Flow) -> Mapping[str, Any]:
    """A flow as the sandbox takes it: ports that a protocol does not have are left out."""
    wanted = ("id", "sources", "targets", "protocol", "from_port", "to_port")
    return {key: value for key, value in asdict(flow).items() if key in wanted and value is not None}


def _span(down: Mapping[str, Any], started: float) -> Span:
    began = datetime.fromisoformat(down["from"]).timestamp() - started
    return began, began + down["seconds"]
