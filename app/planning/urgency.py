"""Which steps lie inside an outage: those that a counterpart still waits for once its source is down."""

from collections.abc import Sequence

from app.planning.graph import in_order, schedule
from app.planning.plan import PlannedStep, StepId

UP = "in_service "


def urgent(steps: Sequence[PlannedStep]) -> frozenset[StepId]:
    """Steps that somebody is out of service for, by the steps' needs and their estimated times.

    Each step is walked over once: whoever is down the longest comes first, and all that others wait for
    beyond that lies in his outage too.
    """
    ordered = in_order(steps)
    known = {step.id: step for step in ordered}
    times = schedule(ordered)
    down: dict[str, float] = {}
    for step in ordered:
        for ref in step.interrupts:
            down[ref] = min(down.get(ref, times[step.id][0]), times[step.id][0])
    ups = [
        (down[ref], step.id)
        for step in ordered
        for milestone in step.reaches
        if (ref := milestone.removeprefix(UP)) != milestone and ref in down
    ]
    found: set[StepId] = set()
    for since, up in sorted(ups):
        stack = [up]
        while stack:
            id_ = stack.pop()
            if id_ not in found and times[id_][1] > since:
                found.add(id_)
                stack += [need for need in known[id_].needs if need in known]
    return frozenset(found)
