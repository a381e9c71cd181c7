"""Virtual time for what also talks to a real database: the world's clock stands while the database is at work."""

import asyncio
import selectors
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import Executor
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar, TypeVarTuple, Unpack

from sqlalchemy.ext.asyncio import AsyncSession

from app.db import Database
from sandbox.virtual_time import RESOLUTION
from sandbox.world import World

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

PACE = (
    600.0  # seconds of AWS's time in one of ours: what runs on our time (leases, a look for wishes) is not all there is
)
HANGS_AFTER = 30.0  # real seconds


class Work:
    """How much is under way that no clock brings about."""

    def __init__(self) -> None:
        self.under_way = 0

    @contextmanager
    def going_on(self) -> Iterator[None]:
        self.under_way += 1
        try:
            yield
        finally:
            self.under_way -= 1


class TimedDatabase(Database):
    """A database that says when it is at work."""

    def __init__(self, url: str, work: Work) -> None:
        super().__init__(url, pool_size=3)
        self._work = work

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        with self._work.going_on():
            async with super().transaction() as session:
                yield session

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        with self._work.going_on():
            async with super().reading() as session:
                yield session

    async def close(self) -> None:
        with self._work.going_on():
            await super().close()


class _Stepping(selectors.DefaultSelector):
    """Where only clocks are waited for, steps the world; else waits for what is at work."""

    def __init__(self, world: World, work: Work) -> None:
        super().__init__()
        self._world = world
        self._work = work

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if self._work.under_way:
            ready = super().select(HANGS_AFTER)
            if not ready:
                raise RuntimeError(f"nothing was heard of the database for {HANGS_AFTER:.0f} s")
            return ready
        if timeout is None:
            raise RuntimeError("everybody waits for something that neither a clock nor the database brings about")
        self._world.clock.advance(max(timeout * PACE, RESOLUTION))
        return ready


class _Loop(asyncio.SelectorEventLoop):
    """Its time is the world's (stepped) clock, slowed down by PACE."""

    def __init__(self, world: World, work: Work) -> None:
        self._world = world
        self._work = work
        super().__init__(_Stepping(world, work))
        self._clock_resolution = RESOLUTION / PACE

    def time(self) -> float:
        return self._world.clock.now().timestamp() / PACE

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Ts]], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """A thread is at work, too."""
        future = super().run_in_executor(executor, func, *args)
        self._work.under_way += 1
        future.add_done_callback(self._thread_ended)
        return future

    def _thread_ended(self, _: Any) -> None:
        self._work.under_way -= 1


class PacedWorldClock:
    """The execution's clock on such a loop."""

    def __init__(self, world: World) -> None:
        self._world = world

    def now(self) -> float:
        return self._world.clock.now().timestamp()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds) / PACE)


def run_with_database(world: World, url: str, main: Callable[[Database], Coroutine[Any, Any, T]]) -> T:
    """What `main` returns, run to its end on the world's time with a database."""
    work = Work()

    async def whole() -> T:
        database = TimedDatabase(url, work)
        try:
            return await main(database)
        finally:
            await database.close()
            work.under_way += 1  # the loop's own end waits for its threads

    with asyncio.Runner(loop_factory=lambda: _Loop(world, work)) as runner:
        return runner.run(whole())
