"""When a resource and its counterpart are in service while a plan runs, told from the plan's steps alone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from app.planning.graph import in_order, schedule
from app.planning.plan import PlannedStep, StepId

Edge = tuple[StepId, Literal["start", "end"]]
Doors = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Surroundings:
    """What the account is like before the plan runs.

    `doors`: per instance, the addresses by which outsiders reach it. `out`: refs not in service.
    `linked`: instances that ClassicLink has linked. `in_vpc`: refs that are in the VPC already.
    `linkable`: the kinds that ClassicLink can link at all (aws-facts A1: instances alone).
    """

    doors: Doors = field(default_factory=dict)
    out: frozenset[str] = frozenset()
    linked: frozenset[str] = frozenset()
    in_vpc: frozenset[str] = frozenset()
    linkable: frozenset[str] = frozenset({"instance"})


class Lives:
    """The steps that put things in and out of service, and the order that the graph forces on them."""

    def __init__(self, steps: Sequence[PlannedStep]) -> None:
        ordered = in_order([step for step in steps if step.phase != "finalize"])
        self._steps = {step.id: step for step in ordered}
        self._times = schedule(ordered)
        self._downs: dict[str, list[StepId]] = {}
        self._reached: dict[str, list[StepId]] = {}
        self._known: dict[tuple[StepId, StepId], bool] = {}
        for step in ordered:
            for ref in step.interrupts:
                self._downs.setdefault(ref, []).append(step.id)
            for milestone in step.reaches:
                self._reached.setdefault(milestone, []).append(step.id)

    def downs(self, refs: Iterable[str]) -> list[StepId]:
        """Steps at whose start one of the sources stops serving, the earliest first."""
        found = [id_ for ref in refs for id_ in self._downs.get(ref, ())]
        return sorted(found, key=lambda id_: (self._times[id_][0], id_))

    def ups(self, refs: Iterable[str]) -> list[StepId]:
        """Steps that must all have ended before the counterparts are in service, the last one last."""
        found = [id_ for ref in refs for id_ in self._reached.get(f"in_service {ref}", ())]
        return sorted(found, key=lambda id_: (self._times[id_][1], id_))

    def links(self, ref: str) -> tuple[StepId, ...]:
        return tuple(self._reached.get(f"linked {ref}", ()))

    def leaves(self, ref: str) -> Edge | None:
        """When the source has nothing to do any more: as it stops, or (what is never stopped, as a load
        balancer) when its counterpart has taken over. None: it stays."""
        if downs := self.downs([ref]):
            return downs[0], "start"
        if ups := self.ups([ref]):
            return ups[-1], "end"
        return None

    def enters(self, ref: str) -> Edge | None:
        """When the counterpart is in service. None: there is none."""
        ups = self.ups([ref])
        return (ups[-1], "end") if ups else None

    def before(self, earlier: StepId, later: StepId) -> bool:
        """Whether `later` cannot start before `earlier` has ended, in whatever order steps run."""
        key = (earlier, later)
        if key not in self._known:
            self._known[key] = self._is_ancestor(earlier, later)
        return self._known[key]

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

    def time(self, edge: Edge) -> float:
        """Estimated seconds from the job's start. What a step only stands for after it settled does not
        count; that callers' caches lead the old way does."""
        id_, side = edge
        if side == "start":
            return self._times[id_][0]
        step = self._steps[id_]
        return self._times[id_][1] - (step.hold_seconds - step.lingering_seconds)

    @property
    def last(self) -> StepId:
        """The step that ends last: what lasts for good lasts until then at least."""
        return max(self._times, key=lambda id_: (self._times[id_][1], id_))


def together(spans: Iterable[tuple[float, float]]) -> float:
    """The time that at least one of the spans is open."""
    total, until = 0.0, float("-inf")
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, until))
        until = max(until, end)
    return total
