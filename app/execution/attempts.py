"""How long one step goes on trying, by what an error means (aws-facts, "What an error means")."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from app.cloud import Capacity, CloudError, Conflict, NotFound, Throttled, UnknownOutcome
from app.execution.clock import Clock
from app.execution.step import Run, StepBroken
from app.planning.inventory import Json

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds of AWS's time: the first pause, the longest, and when to give up."""

    first: float
    longest: float
    total: float


PATIENCE: Mapping[type[CloudError], Patience] = {
    Throttled: Patience(2, 60, 1800),
    UnknownOutcome: Patience(2, 60, 900),
    Conflict: Patience(5, 30, 600),
    Capacity: Patience(60, 300, 1800),
}
# An id that this job made may take up to five minutes to be visible everywhere (aws-facts).
NOT_YET_VISIBLE = Patience(2, 30, 300)
# AWS promises no bound; five minutes is what its own guides and aws-facts work with.
CONSISTENCY_SECONDS = 300.0


class Interrupted(Exception):
    """The drive was stopped while a step was between two tries; it goes on when the job does."""


@dataclass
class Control:
    """What a person has said meanwhile; the worker keeps it up to date.

    `stopping`: end the drive at the next safe point (pause, cancel, shutdown, a lost lease).
    `at_gate`: the job waits for a person's approval; no more, once it has got it.
    """

    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    approved_gates: set[str] = field(default_factory=set)
    at_gate: bool = False

    def stop(self) -> None:
        self.stopping.set()
        self.changed.set()

    def approve(self, gate: str) -> None:
        self.approved_gates.add(gate)
        self.changed.set()

    def wait_at_gate(self, waits: bool) -> None:
        """Say whether the job's status is that it waits for approval."""
        if self.at_gate != waits:
            self.at_gate = waits
            self.changed.set()


class Attempts:
    """Repeats a step's do or undo while its error says that this may help. Each repeat is recovering."""

    def __init__(self, clock: Clock, control: Control) -> None:
        self._clock = clock
        self._control = control

    async def persist(self, run: Run, act: Callable[[Run], Awaitable[T]]) -> T:
        """What `act` returns in the end. Raises CloudError or StepBroken when patience is used up,
        Interrupted when the drive is stopped between two tries."""
        since, tries = self._clock.now(), 0
        while True:
            try:
                return await act(run)
            except CloudError as error:
                patience = _patience(error, run)
                if patience is None or self._clock.now() - since >= patience.total:
                    raise
                pause = min(patience.first * 2**tries, patience.longest)
            await self.sleep(pause)
            tries += 1
            run = replace(run, recovering=True, fresh=True, consistency=self.consistency)

    async def consistency(self) -> None:
        """Sleep until whatever an earlier try created must be visible. Raises Interrupted."""
        await self.sleep(CONSISTENCY_SECONDS)

    async def sleep(self, seconds: float) -> None:
        """Sleep, but not past a stop: raises Interrupted."""
        nap = asyncio.ensure_future(self._clock.sleep(seconds))
        stop = asyncio.ensure_future(self._control.stopping.wait())
        try:
            await asyncio.wait({nap, stop}, return_when=asyncio.FIRST_COMPLETED)
            if not nap.done():
                raise Interrupted
        finally:
            nap.cancel()
            stop.cancel()


def _patience(error: CloudError, run: Run) -> Patience | None:
    if isinstance(error, NotFound):
        return NOT_YET_VISIBLE if run.fresh else None
    return next((found for type_, found in PATIENCE.items() if isinstance(error, type_)), None)


def failure(error: CloudError | StepBroken) -> dict[str, Json]:
    """The error as the journal and the API show it: `code`, `detail`, and AWS's own words apart."""
    if isinstance(error, StepBroken):
        return {"code": error.code, "detail": error.reason, **error.more}
    return {
        "code": f"aws_{type(error).__name__.lower()}",
        "detail": f"{error.operation} was refused ({error.code}). Mend the cause in AWS, then retry or skip the step, "
        "or undo.",
        "aws_code": error.code,
        "aws_message": error.message,
        "aws_request_id": error.request_id or "",
    }
