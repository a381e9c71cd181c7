"""What a plan's graph forces: which steps have ended whenever another starts, and when by the schedule."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Literal

from app.planning.graph import in_order, schedule
from app.planning.plan import PlannedStep, StepId

Edge = tuple[StepId, Literal["start", "end"]]


class Ordering:
    """`marked` steps have a bit each, so that "have all of these ended by then" is one operation on integers."""

    def __init__(self, steps: Sequence[PlannedStep], marked: Iterable[StepId]) -> None:
        ordered = in_order([step for step in steps if step.phase != "finalize"])
        self._steps = {step.id: step for step in ordered}
        self._times = schedule(ordered)
        self._befores: dict[tuple[StepId, StepId], bool] = {}
        self._bits = {id_: 1 << place for place, id_ in enumerate(marked)}
        self._ended: dict[StepId, int] = {}
        for step in ordered:
            ended = 0
            for need in step.needs:
                if need in self._ended:
                    ended |= self._ended[need] | self._bits.get(need, 0)
            self._ended[step.id] = ended

    def bit(self, step: StepId) -> int:
        return self._bits[step]

    def ended(self, edge: Edge | None) -> int:
        """The marked steps that have ended by then, in whatever order steps run; none from the beginning (None)."""
        if edge is None:
            return 0
        id_, side = edge
        return self._ended[id_] | (self._bits.get(id_, 0) if side == "end" else 0)

    def before(self, earlier: StepId, later: StepId) -> bool:
        """Whether `later` cannot start before `earlier` has ended, in whatever order steps run."""
        if earlier in self._bits:
            return bool(self._ended[later] & self._bits[earlier])
        key = (earlier, later)
        if key not in self._befores:
            self._befores[key] = self._is_ancestor(earlier, later)
        return self._befores[key]

    def _is_ancestor(self, earlier: StepId, later: StepId) -> bool:
        # Whatever lies between the two ends no earlier than the first: that keeps the search short.
        horizon = self._times[earlier][1]
        seen: set[StepId] = set()
        stack = [later]
        while stack:
            for need in self._steps[stack.pop()].needs:
                if need == earlier:
                    return True
                if need in self._steps and need not in seen and self._times[need][1] >= horizon:
                    seen.add(need)
                    stack.append(need)
        return False

    def by(self, earlier: StepId, later: StepId) -> bool:
        """Whether `earlier` has ended whenever `later` has."""
        return earlier == later or self.before(earlier, later)

    def time(self, edge: Edge) -> float:
        """Estimated seconds from the job's start. What a step only stands for after it settled does not
        count; that callers' caches lead the old way does."""
        id_, side = edge
        if side == "start":
            return self._times[id_][0]
        step = self._steps[id_]
        return self._times[id_][1] - (step.hold_seconds - step.lingering_seconds)

    def seconds(self, opens: Edge, closes: Edge) -> float:
        return max(0.0, self.time(closes) - self.time(opens))

    def starts(self, steps: Iterable[StepId]) -> list[StepId]:
        """By when they start, the earliest first."""
        return sorted(steps, key=lambda id_: (self._times[id_][0], id_))

    def ends(self, steps: Iterable[StepId]) -> list[StepId]:
        """By when they end, the last one last."""
        return sorted(steps, key=lambda id_: (self._times[id_][1], id_))

    @cached_property
    def last(self) -> Edge:
        """The end of the step that ends last: what lasts for good lasts until then at least."""
        return max(self._times, key=lambda id_: (self._times[id_][1], id_)), "end"
