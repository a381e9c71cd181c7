"""An event loop on which waiting costs nothing: when everybody waits, the world's clock is stepped."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

from sandbox.world import World

T = TypeVar("T")

RESOLUTION = 1e-5  # seconds; a datetime holds whole microseconds


class _Stepping(selectors.DefaultSelector):
    """Instead of blocking for a time, step the world by it."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            raise RuntimeError("everybody waits for something that no clock brings about")
        self._world.clock.advance(max(timeout, RESOLUTION))
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """Its time is the world's (stepped) clock. Nothing in it may do real I/O or use threads."""

    def __init__(self, world: World) -> None:
        self._world = world
        super().__init__(_Stepping(world))
        self._clock_resolution = RESOLUTION

    def time(self) -> float:
        return self._world.clock.now().timestamp()


class WorldClock:
    """The execution's clock, on a VirtualLoop."""

    def __init__(self, world: World) -> None:
        self._world = world

    def now(self) -> float:
        return self._world.clock.now().timestamp()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))


def run(world: World, main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end on the world's time."""
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(world)) as runner:
        return runner.run(main)
