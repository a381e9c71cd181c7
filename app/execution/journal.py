"""The journal: where each step of a job stands. What it says has happened is committed."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from app.execution.states import DRIFTED, STEP_MOVES, UNTOUCHED, StepState, check_move
from app.planning.inventory import Json
from app.planning.plan import PlannedStep, StepId


@dataclass(frozen=True, slots=True)
class Entry:
    """One step's line. `attempt` counts a person's retries, not crashes; `result` is what do() returned."""

    state: StepState = "pending"
    attempt: int = 1
    result: Mapping[str, Json] | None = None
    error: Mapping[str, Json] | None = None

    @property
    def untouched(self) -> bool:
        """Whether undo has nothing to do for it. What failed may have taken effect in part, also where a person has
        it tried again, or skipped, since; but for what halted before it began, because the account had drifted."""
        if self.state == "undone":
            return True
        drifted = self.error is not None and self.error.get("code") == DRIFTED
        still = self.state in UNTOUCHED or (self.state == "failed" and drifted)
        return still and self.attempt == 1 and (self.error is None or drifted)

    @property
    def tried(self) -> bool:
        """Whether do() may have taken effect already: its worker died, or it failed and a person has it tried again."""
        return self.state == "running" or self.attempt > 1

    def moved(self, to: StepState, result: Mapping[str, Json] | None, error: Mapping[str, Json] | None) -> "Entry":
        """The line after a move: results stay, errors go. Raises IllegalMove."""
        check_move(STEP_MOVES, self.state, to)
        return replace(self, state=to, result=self.result if result is None else result, error=error)


class LeaseLost(Exception):
    """Somebody else holds the job now: write nothing, call nothing, stop."""


class Journal(Protocol):
    """Every call returns after its commit, which many steps may share. Raises LeaseLost."""

    async def entries(self) -> dict[StepId, Entry]:
        """Where every step stands."""
        ...

    async def move(
        self,
        step: PlannedStep,
        to: StepState,
        *,
        result: Mapping[str, Json] | None = None,
        error: Mapping[str, Json] | None = None,
    ) -> None: ...


class MemoryJournal:
    """The journal as a dict: for tests, and for whoever runs a plan in one process and may lose it."""

    def __init__(self, entries: Mapping[StepId, Entry] | None = None) -> None:
        self.lines: dict[StepId, Entry] = dict(entries or {})
        self.trace: list[tuple[StepId, str]] = []

    async def entries(self) -> dict[StepId, Entry]:
        return dict(self.lines)

    async def move(
        self,
        step: PlannedStep,
        to: StepState,
        *,
        result: Mapping[str, Json] | None = None,
        error: Mapping[str, Json] | None = None,
    ) -> None:
        self.lines[step.id] = self.lines.get(step.id, Entry()).moved(to, result, error)
        self.trace.append((step.id, to))
