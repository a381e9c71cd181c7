"""The time steps live in: AWS's, which a sandbox may run faster than ours."""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Seconds of AWS's time. `now` counts from anywhere: it is for telling how long ago something was, in this
    process alone. It never jumps, whatever becomes of the machine's clock."""

    def now(self) -> float: ...
    async def sleep(self, seconds: float) -> None: ...


class ScaledClock:
    """`scale` seconds pass in one of ours; 1 against real AWS."""

    def __init__(self, scale: float = 1.0) -> None:
        self._scale = scale

    def now(self) -> float:
        return time.monotonic() * self._scale

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds) / self._scale)
