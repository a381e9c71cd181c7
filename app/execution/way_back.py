"""The order in which an undo takes steps back, foretold: the same graph and the same rule as the executor's."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from app.planning.graph import dependents_of, in_order
from app.planning.plan import PlannedStep, StepId


@dataclass(frozen=True, slots=True)
class Turn:
    """When a step is taken back: after all of lower levels that came after it. `ends`: seconds from the start."""

    level: int
    ends: float


def way_back(steps: Sequence[PlannedStep], untouched: Collection[StepId]) -> Mapping[StepId, Turn]:
    """The turns of all steps that are not `untouched`, in an order in which they can be taken back.

    Levels count from 1. `ends` is along the graph and by the plan's estimates; nothing else delays a step here.
    """
    dependents = dependents_of(steps)
    passed: dict[StepId, Turn] = {}
    for step in reversed(in_order(steps)):
        before = [passed[id_] for id_ in dependents[step.id]]
        level = max((turn.level for turn in before), default=0)
        ends = max((turn.ends for turn in before), default=0.0)
        back = step.id not in untouched
        passed[step.id] = Turn(level + 1, ends + undo_seconds(step)) if back else Turn(level, ends)
    found = {id_: turn for id_, turn in passed.items() if id_ not in untouched}
    return dict(sorted(found.items(), key=lambda item: item[1].level))


def undo_seconds(step: PlannedStep) -> float:
    """How long taking it back takes; plans of earlier releases know only how long doing it does."""
    return step.estimate.get("undo_seconds", step.estimate["seconds"] + step.hold_seconds)
