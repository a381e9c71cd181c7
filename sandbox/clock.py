"""The sandbox's own time: it can run at any scale or stand still and be stepped."""

import heapq
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

START = datetime(2021, 6, 1, 9, 0, tzinfo=UTC)


@dataclass(order=True)
class Timer:
    """Something that will happen; `cancel` makes it not happen."""

    due: datetime
    order: int
    action: Callable[[], None] = field(compare=False)
    cancelled: bool = field(default=False, compare=False)

    def cancel(self) -> None:
        self.cancelled = True


class Clock:
    """`scale` seconds pass here in one real second; 0 stands still and moves by `advance` alone.

    What is due runs in order of time, and while it runs `now()` is the moment it was due, so that
    a recorded moment does not depend on when somebody happened to look.
    """

    def __init__(self, scale: float = 0.0, start: datetime = START) -> None:
        self._scale = scale
        self._base = start
        self._anchor = time.monotonic()
        self._running_at: datetime | None = None
        self._timers: list[Timer] = []
        self._order = itertools.count()

    @property
    def scale(self) -> float:
        return self._scale

    def set_scale(self, scale: float) -> None:
        """Raises ValueError for a negative scale."""
        if scale < 0:
            raise ValueError("a clock cannot run backwards: scale must be 0 or more")
        self._base, self._anchor, self._scale = self._flowing(), time.monotonic(), scale

    def now(self) -> datetime:
        return self._running_at or self._flowing()

    def after(self, seconds: float, action: Callable[[], None]) -> Timer:
        """Have `action` run `seconds` (of this clock) from now."""
        timer = Timer(self.now() + timedelta(seconds=seconds), next(self._order), action)
        heapq.heappush(self._timers, timer)
        return timer

    def advance(self, seconds: float) -> None:
        """Step forward and run what falls due on the way. Raises ValueError for a negative step."""
        if seconds < 0:
            raise ValueError("a clock cannot run backwards: advance by 0 seconds or more")
        self._base += timedelta(seconds=seconds)
        self.run_due()

    def run_due(self) -> None:
        """Run, in order, everything due by now. Not re-entered from inside an action."""
        if self._running_at is not None:
            return
        limit = self._flowing()
        try:
            while self._timers and self._timers[0].due <= limit:
                timer = heapq.heappop(self._timers)
                if not timer.cancelled:
                    self._running_at = timer.due
                    timer.action()
        finally:
            self._running_at = None

    def next_due(self) -> datetime | None:
        """When the next thing happens, for whoever steps the clock."""
        while self._timers and self._timers[0].cancelled:
            heapq.heappop(self._timers)
        return self._timers[0].due if self._timers else None

    def _flowing(self) -> datetime:
        if not self._scale:
            return self._base
        return self._base + timedelta(seconds=(time.monotonic() - self._anchor) * self._scale)
