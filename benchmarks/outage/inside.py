"""What ran inside an outage: the chain of steps that led to its end, from the job's journal."""

from collections.abc import Sequence

from app.planning.chain import Part, chain
from app.planning.plan import Interruption
from benchmarks.outage.measuring import Moved, Span, Watched

SHOWN_FROM = 5.0  # shorter outages are changes of one moment


def longest(watched: Watched) -> Span:
    """The flow's longest time down."""
    return max(watched.downs, key=lambda down: down[1] - down[0])


def inside(moved: Moved, watched: Watched) -> Sequence[Part]:
    """The steps between the one that broke the flow and the one that mended it, each the last that the next
    one waited for; of the interruption that was foretold nearest to the flow's longest time down."""
    down = longest(watched)
    known = [one for one in watched.flow.interruptions if {one.from_step, one.to_step} <= moved.ran.keys()]
    if not known:
        return ()
    interruption = min(known, key=lambda one: _apart(_foretold(moved, one), down))
    needs = {id_: step.needs for id_, step in moved.steps.items()}
    return chain(interruption.from_step, interruption.to_step, moved.ran, needs)


def _foretold(moved: Moved, interruption: Interruption) -> Span:
    return moved.ran[interruption.from_step][0], moved.ran[interruption.to_step][1]


def _apart(one: Span, other: Span) -> float:
    return abs(one[0] - other[0]) + abs(one[1] - other[1])
