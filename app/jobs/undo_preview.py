"""What an undo would do, from the plan and the journal alone: the executor's own rule of what it passes over, and its
order.

Which flows it would interrupt is not foretold: the judge of plans proves the way forward from what steps do, and
nobody has declared what their undo does. What the plan knows is which source a step put out of service, and which
counterpart serves through it: that is told, in the order in which it would be turned round.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.execution.journal import Entry
from app.execution.way_back import undo_seconds, way_back
from app.jobs.models import JobStep
from app.jobs.undo_schemas import FinalizedStep, UndoStep, UntouchedStep
from app.planning.plan import PlannedStep, StepId
from app.planning.urgency import UP
from app.plans.irreversible_schemas import Irreversible


@dataclass(frozen=True)
class WayBack:
    """What would be taken back, what of it would stay, and what would be left alone."""

    steps: list[UndoStep]
    irreversible: list[Irreversible]
    untouched: list[UntouchedStep]
    seconds: float


def foretold(steps: Sequence[PlannedStep], entries: Mapping[StepId, Entry]) -> WayBack:
    """The way back of a job of these steps, as its journal stands."""
    untouched = {step.id for step in steps if entries[step.id].untouched}
    turns = way_back(steps, untouched)
    by_id = {step.id: step for step in steps}
    never_done = [step for step in steps if step.id in untouched and entries[step.id].state != "undone"]
    return WayBack(
        steps=[_taken_back(by_id[id_], entries[id_].state, turn.level) for id_, turn in turns.items()],
        irreversible=[Irreversible.of(step) for step in steps if step.id in turns and step.stays],
        untouched=[_untouched(step, entries[step.id].state) for step in never_done],
        seconds=round(max((turn.ends for turn in turns.values()), default=0.0), 1),
    )


def _taken_back(step: PlannedStep, state: str, level: int) -> UndoStep:
    return UndoStep(
        id=step.id,
        action=step.action,
        subject=step.subject,
        phase=step.phase,
        state=state,
        level=level,
        estimated_seconds=undo_seconds(step),
        explanation=step.explanation,
        serves_again=list(step.interrupts),
        serves_no_more=[milestone.removeprefix(UP) for milestone in step.reaches if milestone.startswith(UP)],
    )


def _untouched(step: PlannedStep, state: str) -> UntouchedStep:
    return UntouchedStep(
        id=step.id,
        action=step.action,
        subject=step.subject,
        phase=step.phase,
        state=state,
        explanation=step.explanation,
    )


def destroyed(rows: Sequence[JobStep], planned: Mapping[StepId, PlannedStep]) -> list[FinalizedStep]:
    """What finalize jobs have destroyed, in words."""
    return [
        FinalizedStep(
            job_id=row.job_id,
            id=row.step_id,
            action=row.action,
            subject=row.subject,
            state=row.state,
            explanation=planned[row.step_id].explanation,
        )
        for row in rows
    ]
