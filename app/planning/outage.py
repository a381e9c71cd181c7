"""Judges a plan: which flows stay up in whatever order its concurrent steps may run, and which do not.

Nothing of the planner is in here: it reads the steps' needs and what each step does to what is in
service, and judges plans however they were made.

A target is interrupted when a step that stops its source can start before every step that puts its
counterpart in service has ended; that is, when one of the latter is no ancestor of the former.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from app.planning.graph import in_order, schedule
from app.planning.plan import Flow, Interruption, PlannedStep, StepId

Doors = Mapping[str, tuple[str, ...]]
Window = tuple[StepId, StepId]  # from the start of the first to the end of the second


class Judge:
    """`doors`: per instance, the addresses outsiders reach it by. `out`: refs not in service to begin with."""

    def __init__(self, steps: Sequence[PlannedStep], doors: Doors, out: frozenset[str] = frozenset()) -> None:
        ordered = in_order([step for step in steps if step.phase != "finalize"])
        self._steps = {step.id: step for step in ordered}
        self._times = schedule(ordered)
        self._doors = doors
        self._out = out
        self._downs: dict[str, list[StepId]] = {}
        self._ups: dict[str, list[StepId]] = {}
        for step in ordered:
            for ref in step.interrupts:
                self._downs.setdefault(ref, []).append(step.id)
            for milestone in step.reaches:
                name, _, ref = milestone.partition(" ")
                if name == "in_service":
                    self._ups.setdefault(ref, []).append(step.id)

    def judge(self, flows: Iterable[Flow]) -> tuple[Flow, ...]:
        """Each flow with its verdict, reason and interruptions."""
        flows = tuple(flows)
        backing = {
            source: flow.targets for flow in flows for source in flow.sources if source.startswith("load_balancer:")
        }
        return tuple(self._judged(flow, backing) for flow in flows)

    def _judged(self, flow: Flow, backing: Mapping[str, tuple[str, ...]]) -> Flow:
        alive = [ref for ref in flow.targets if ref not in self._out]
        if not alive or all(ref in self._out for ref in flow.sources):
            return replace(flow, verdict="already_broken", reason="One side was not in service when discovered.")
        windows: dict[Window, list[str]] = {}
        outside = any(source.startswith("cidr:") for source in flow.sources)
        for target in alive:
            if flow.sources == (target,):  # nobody has to be able to call himself
                continue
            window = self._balanced(target, backing.get(target, ())) or self._window(target, outside)
            if window:
                windows.setdefault(window, []).append(target)
        return self._interrupted(flow, windows) if windows else flow

    def _interrupted(self, flow: Flow, windows: Mapping[Window, list[str]]) -> Flow:
        interruptions = tuple(
            Interruption(flow.sources, tuple(targets), first, last, round(self._seconds((first, last)), 1))
            for (first, last), targets in sorted(windows.items())
        )
        worst = max(interruptions, key=lambda found: found.estimated_seconds)
        reason = f"{worst.targets[0]} serves nobody from '{worst.from_step}' until '{worst.to_step}' has ended."
        return replace(
            flow,
            verdict="interrupted",
            reason=reason,
            interruptions=interruptions,
            outage_seconds=round(self._together(windows), 1),
        )

    def _span(self, window: Window) -> tuple[float, float]:
        """When a window opens and closes; what a step only stands for afterwards is no outage."""
        first, last = window
        step = self._steps[last]
        return self._times[first][0], self._times[last][1] - (step.hold_seconds - step.lingering_seconds)

    def _seconds(self, window: Window) -> float:
        start, end = self._span(window)
        return max(0.0, end - start)

    def _together(self, windows: Iterable[Window]) -> float:
        """The time that at least one of the windows is open."""
        total, until = 0.0, float("-inf")
        for start, end in sorted(map(self._span, windows)):
            total += max(0.0, end - max(start, until))
            until = max(until, end)
        return total

    def _window(self, target: str, outside: bool) -> Window | None:
        refs = (target, *self._doors.get(target, ())) if outside else (target,)
        downs = [down for ref in refs for down in self._downs.get(ref, ())]
        ups = [up for ref in refs for up in self._ups.get(ref, ())]
        if not downs or not ups:
            return None
        late = [up for up in ups if any(not self._before(up, down) for down in downs)]
        if not late:
            return None
        first = min(downs, key=lambda id_: (self._times[id_][0], id_))
        last = max(late, key=lambda id_: (self._times[id_][1], id_))
        return first, last

    def _balanced(self, target: str, behind: tuple[str, ...]) -> Window | None:
        """A load balancer serves while one of its members does: down when all of them are at once."""
        windows = [self._window(member, outside=False) for member in behind if member not in self._out]
        down = [window for window in windows if window]
        if not down or len(down) < len(windows):
            return None
        first = max(down, key=lambda window: self._times[window[0]][0])[0]
        ups = [window[1] for window in down]
        back = min(ups, key=lambda id_: self._times[id_][1])
        last = max([back, *self._ups.get(target, ())], key=lambda id_: self._times[id_][1])
        return (first, last) if self._seconds((first, last)) > 0 else None

    def _before(self, earlier: StepId, later: StepId) -> bool:
        """Whether `later` cannot start before `earlier` has ended."""
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
