"""A whole toy account on virtual time, and steps that make toys in it."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from app.cloud import CloudError, NotFound, UnknownOutcome
from app.execution.attempts import Control
from app.execution.calls import Calls, reading
from app.execution.executor import Executor, Outcome
from app.execution.journal import Entry, MemoryJournal
from app.execution.step import Result, Run, Seen, Step, StepBroken, Verdict, Watch, broken, pending, settled
from app.planning.context import Context
from app.planning.inventory import Resource
from app.planning.plan import Draft, PlannedStep
from sandbox.world import World
from tests.kit.virtual_time import WorldClock, run

T = TypeVar("T")
Hook = Callable[[str], None]


def nothing(_moment: str) -> None:
    """A hook at which nothing goes wrong."""


def lost(operation: str = "toy.make") -> CloudError:
    """The call takes effect and its answer does not come back."""
    return UnknownOutcome(operation, "ConnectionClosed", "the connection closed")


@dataclass
class Toy:
    """`ready_at` on the toy account's clock; a toy that is `broken` never becomes ready."""

    token: str
    ready_at: float
    broken: bool = False


class ToyCloud:
    """Makes, removes and describes toys; a call takes `seconds`. Making again with the same token changes nothing.

    `script` holds errors to come, by "operation name". An UnknownOutcome takes effect before it is raised.
    `hook` is called at each seam, before and after the effect, and may raise.
    """

    region = "us-east-1"

    def __init__(self, clock: WorldClock, hook: Hook = nothing, seconds: float = 1.0) -> None:
        self.toys: dict[str, Toy] = {}
        self.effects: list[str] = []
        self.asked: list[str] = []
        self.looks: list[list[str]] = []
        self.script: dict[str, deque[CloudError]] = {}
        self.at_once = self.most_at_once = 0
        self.hook = hook
        self._clock = clock
        self._seconds = seconds

    def say(self, what: str, *errors: CloudError) -> None:
        self.script.setdefault(what, deque()).extend(errors)

    async def call(self, operation: str, /, **params: Any) -> dict[str, Any]:
        what = f"{operation.removeprefix('toy.')} {params['Name']}"
        self.asked.append(what)
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        try:
            self.hook(f"before {what}")
            await self._clock.sleep(self._seconds / 2)
            error = self.script[what].popleft() if self.script.get(what) else None
            if error is None or isinstance(error, UnknownOutcome):
                getattr(self, f"_{operation.removeprefix('toy.')}")(params)
            self.hook(f"after {what}")
            await self._clock.sleep(self._seconds / 2)
            if error is not None:
                raise error
        finally:
            self.at_once -= 1
        return {"Name": params["Name"]}

    def _make(self, params: Mapping[str, Any]) -> None:
        name, token = params["Name"], params["Token"]
        if name in self.toys and self.toys[name].token == token:
            return
        assert name not in self.toys, f"{name} would be made twice"
        self.toys[name] = Toy(token, self._clock.now() + params.get("Settles", 0.0), params.get("Broken", False))
        self.effects.append(f"make {name}")

    def _remove(self, params: Mapping[str, Any]) -> None:
        if self.toys.pop(params["Name"], None):
            self.effects.append(f"remove {params['Name']}")

    def _tend(self, params: Mapping[str, Any]) -> None:
        """Changes nothing: the toy is as it should be."""

    async def pages(self, operation: str, /, **params: Any) -> AsyncIterator[dict[str, Any]]:
        """One toy that is not there fails the whole look, as AWS does it with lists of ids."""
        names = list(params["Names"])
        self.looks.append(names)
        self.hook(f"look {','.join(names)}")
        await self._clock.sleep(self._seconds)
        if absent := [name for name in names if name not in self.toys]:
            raise NotFound(operation, "InvalidToy.NotFound", f"{absent[0]} does not exist")
        yield {"Toys": [{"Name": name, "State": self._state(self.toys[name])} for name in names]}

    def _state(self, toy: Toy) -> str:
        if toy.broken:
            return "broken"
        return "ready" if self._clock.now() >= toy.ready_at else "pending"


class Make(Step):
    """Makes a toy, waits until it is ready, and takes it away again."""

    action = "toy.make"
    subject = "toy"
    phase = "prepare"
    calls: ClassVar[Calls] = reading("toy.make", "toy.describe", "toy.remove", "toy.tend")

    def __init__(self) -> None:
        self.runs: list[Run] = []
        self.undone_with: list[tuple[str, Result | None]] = []

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        return Draft({"Name": resource.ref.id}, "Make a toy.")

    async def do(self, run: Run) -> Result:
        self.runs.append(run)
        await run.cloud.call("toy.make", Token=run.token, **run.params)
        name, settles = run.params["Name"], "Settles" in run.params
        return {"counterpart": f"twin of {run.subject.id}", "name": name, "watch": settles}

    def watch(self, result: Result) -> Watch | None:
        if not result["watch"]:
            return None
        return Watch("toy.describe", (result["name"],), by="list:Names", items="Toys[]", key="Name")

    def verdict(self, result: Result, seen: Seen) -> Verdict:
        state = seen.get(result["name"], {}).get("State", "pending")
        if state == "broken":
            return broken(f"{result['name']} broke: mend it, then retry.")
        return settled(state=state) if state == "ready" else pending()

    async def undo(self, run: Run, result: Result | None) -> None:
        self.undone_with.append((run.subject.id, result))
        await run.cloud.call("toy.remove", Name=run.params["Name"])


class Tend(Make):
    """Looks after its toy once a minute, with two calls; `trouble` is what it finds, by toy."""

    action = "toy.tend"
    keeps_every = 60.0

    def __init__(self) -> None:
        super().__init__()
        self.trouble: dict[str, str] = {}
        self.kept_with: list[tuple[str, Result]] = []

    async def keep(self, run: Run, result: Result) -> None:
        self.kept_with.append((run.subject.id, result))
        for _ in range(2):
            await run.cloud.call("toy.tend", Name=run.params["Name"])
        if reason := self.trouble.get(run.subject.id):
            raise StepBroken(reason, "not_kept")


def toy(
    name: str, *needs: str, phase: str = "prepare", hold: float = 0.0, until: Iterable[str] | None = None, **params: Any
) -> PlannedStep:
    """The step that makes the toy `name` after those it needs, and tends it `until` others are made, if told so."""
    return PlannedStep(
        id=f"toy.make/toy:{name}",
        action="toy.make" if until is None else "toy.tend",
        kept_until=tuple(sorted(f"toy.make/toy:{end}" for end in until or ())),
        subject=f"toy:{name}",
        phase=phase,
        needs=tuple(sorted(f"toy.make/toy:{need}" for need in needs)),
        params={"Name": name, **params},
        reversible=True,
        estimate={"seconds": 1.0, "calls": 1},
        explanation=f"Make {name}.",
        hold_seconds=hold,
    )


class Playroom:
    """Steps, the account they work on, and drives over one journal."""

    def __init__(self, *steps: PlannedStep, journal: MemoryJournal | None = None, step: Make | None = None) -> None:
        self.world = World()
        self.clock = WorldClock(self.world)
        self.cloud = ToyCloud(self.clock)
        self.make = step or Make()
        self.tend = Tend()
        self.steps = steps
        self.journal = journal or MemoryJournal()
        self.control = Control()
        self.gates: Sequence[str] = ()
        self.left_over: list[str] = []
        self._start = self.clock.now()

    @property
    def seconds(self) -> float:
        """How long it has been since the beginning."""
        return round(self.clock.now() - self._start, 3)

    def executor(self) -> Executor:
        return Executor(
            job_id="job_1",
            steps=self.steps,
            actions={"toy.make": self.make, "toy.tend": self.tend},
            journal=self.journal,
            cloud=self.cloud,
            clock=self.clock,
            gates=self.gates,
            control=self.control,
        )

    def advance(self, *plans: tuple[float, Callable[[], None]]) -> Outcome:
        """Drive forward; each of `plans` is what a person does, so many seconds from now."""
        return self._drive(self.executor().advance(), plans)

    def keep(self, *plans: tuple[float, Callable[[], None]]) -> bool:
        """Keep at a gate."""
        self.control.wait_at_gate(True)
        return self._drive(self.executor().keep(), plans)

    def retreat(self, *plans: tuple[float, Callable[[], None]]) -> Outcome:
        return self._drive(self.executor().retreat(), plans)

    def state(self, name: str) -> str:
        return self.journal.lines.get(f"toy.make/toy:{name}", Entry()).state

    def entry(self, name: str) -> Entry:
        return self.journal.lines[f"toy.make/toy:{name}"]

    @property
    def trace(self) -> list[str]:
        """Moves as "name state"."""
        return [f"{id_.partition(':')[2]} {state}" for id_, state in self.journal.trace]

    def _drive(self, drive: Coroutine[Any, Any, T], plans: Iterable[tuple[float, Callable[[], None]]]) -> T:
        """Each drive is another worker's: nothing is left of the one before but journal and account."""

        async def main() -> T:
            loop = asyncio.get_running_loop()
            for seconds, act in plans:
                loop.call_later(seconds, act)
            try:
                return await drive
            finally:
                await asyncio.sleep(0)
                others = asyncio.all_tasks() - {asyncio.current_task()}
                self.left_over = [str(task) for task in others]

        try:
            return run(self.world, main())
        finally:
            self.control = Control()
