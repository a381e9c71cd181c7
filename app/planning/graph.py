"""The graph of steps: a stable order in which each comes after what it needs, and times along it."""

import heapq
from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from app.planning.plan import PHASES, PlannedStep, StepId


def find_cycle(needs: Mapping[StepId, frozenset[StepId]]) -> list[StepId]:
    """The steps of one loop, or an empty list."""
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def comes_after(later: StepId, earlier: StepId, needs: Mapping[StepId, frozenset[StepId]]) -> bool:
    """Whether `later` needs `earlier`, directly or through others."""
    seen: set[StepId] = set()
    stack = [later]
    while stack:
        found = needs[stack.pop()] - seen
        if earlier in found:
            return True
        seen |= found
        stack.extend(found)
    return False


def in_order(steps: Sequence[PlannedStep]) -> list[PlannedStep]:
    """Each step after what it needs; among the free ones by phase, then by id. The needs must be acyclic."""
    by_id = {step.id: step for step in steps}
    waiting = {step.id: sum(need in by_id for need in step.needs) for step in steps}
    dependents = dependents_of(steps)
    free = [(PHASES.index(by_id[id_].phase), id_) for id_, count in waiting.items() if count == 0]
    heapq.heapify(free)
    ordered: list[PlannedStep] = []
    while free:
        _, id_ = heapq.heappop(free)
        ordered.append(by_id[id_])
        for dependent in dependents[id_]:
            waiting[dependent] -= 1
            if waiting[dependent] == 0:
                heapq.heappush(free, (PHASES.index(by_id[dependent].phase), dependent))
    return ordered


def dependents_of(steps: Sequence[PlannedStep]) -> dict[StepId, list[StepId]]:
    """Who needs whom, the other way round."""
    found: dict[StepId, list[StepId]] = {step.id: [] for step in steps}
    for step in steps:
        for need in step.needs:
            if need in found:
                found[need].append(step.id)
    return found


def schedule(ordered: Sequence[PlannedStep]) -> dict[StepId, tuple[float, float]]:
    """Earliest start and end of each step, in estimated seconds from the job's start.

    `ordered` as `in_order` gives it. Nothing but the graph delays a step here.
    """
    times: dict[StepId, tuple[float, float]] = {}
    for step in ordered:
        start = max((times[need][1] for need in step.needs if need in times), default=0.0)
        times[step.id] = (start, start + step.estimate["seconds"] + step.hold_seconds)
    return times
