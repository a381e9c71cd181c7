"""What ran inside an outage: the chain of steps that led to its end, from the job's journal."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.planning.plan import Interruption, StepId
from benchmarks.outage.measuring import Moved, Span, Watched

SHOWN_FROM = 5.0  # shorter outages are changes of one moment


@dataclass(frozen=True)
class Part:
    """One step of the chain; `waited` is how long after the step before it did it begin."""

    step: StepId
    seconds: float
    waited: float


def longest(watched: Watched) -> Span:
    """The flow's longest time down."""
    return max(watched.downs, key=lambda down: down[1] - down[0])


def chain(moved: Moved, watched: Watched) -> Sequence[Part]:
    """The steps between the one that broke the flow and the one that mended it, each the last that the next
    one waited for; of the interruption that was foretold nearest to the flow's longest time down."""
    down = longest(watched)
    known = [one for one in watched.flow.interruptions if {one.from_step, one.to_step} <= moved.ran.keys()]
    if not known:
        return ()
    interruption = min(known, key=lambda one: _apart(_foretold(moved, one), down))
    return _chain(moved, interruption)


def _foretold(moved: Moved, interruption: Interruption) -> Span:
    return moved.ran[interruption.from_step][0], moved.ran[interruption.to_step][1]


def _apart(one: Span, other: Span) -> float:
    return abs(one[0] - other[0]) + abs(one[1] - other[1])


def _chain(moved: Moved, interruption: Interruption) -> Sequence[Part]:
    opened = moved.ran[interruption.from_step][0]
    parts: list[Part] = []
    step = interruption.to_step
    while True:
        began, ended = moved.ran[step]
        needs = [need for need in moved.steps[step].needs if need in moved.ran]
        before = max(needs, key=lambda need: (moved.ran[need][1], need), default=None)
        since = moved.ran[before][1] if before else began
        parts.insert(0, Part(step, ended - began, max(0.0, began - max(since, opened))))
        if before is None or since <= opened:
            return parts
        step = before
