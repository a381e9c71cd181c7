"""Workers that the machine starts, stops at any of their calls, freezes, wakes and kills."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.db import Database
from app.execution.attempts import Control
from app.execution.pacing import Calls
from app.jobs.leases import Lease
from app.jobs.runner import JobRunner, Terms
from tests.races.aws import Handle, HurriedClock, Shop
from tests.races.valve import PATIENCE_SECONDS, Valve, ValvedBudget, stillness

LEASE_SECONDS = 60.0
HEARTBEAT_SECONDS = 0.03
RUN_OUT = text(
    "update jobs set lease_expires_at = clock_timestamp() - interval '1 second' "
    "where id = :job and lease_holder = :holder"
)


class Hands(Database):
    """One worker's way to a shared pool of connections: it can be cut off, and tells whether it is busy."""

    def __init__(self, database: Database) -> None:
        self.engine = database.engine
        self._reading = database.engine.execution_options(isolation_level="AUTOCOMMIT")
        self.awake = asyncio.Event()
        self.awake.set()
        self.busy = 0
        self._free = asyncio.Event()
        self._free.set()

    async def idle(self) -> None:
        """Return when it has nothing under way with Postgres. Raises TimeoutError."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self._free.wait()

    @contextmanager
    def _under_way(self) -> Iterator[None]:
        self.busy += 1
        self._free.clear()
        try:
            yield
        finally:
            self.busy -= 1
            if not self.busy:
                self._free.set()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """As the database's, once awake."""
        await self.awake.wait()
        with self._under_way():
            async with super().transaction() as session:
                yield session

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """As the database's, once awake."""
        await self.awake.wait()
        with self._under_way():
            async with super().reading() as session:
                yield session


class Runner(JobRunner):
    """A job runner that shows its lease."""

    lease: Lease | None = None

    async def _drive(self, lease: Lease, control: Control, calls: Calls) -> bool:
        self.lease = lease
        return await super()._drive(lease, control, calls)


class Worker:
    """One turn of one worker at one job."""

    def __init__(self, shop: Shop, name: str, job: str, approved: bool) -> None:
        self.name = name
        self.job = job
        self._shop = shop
        self.valve = Valve()
        self._hands = Hands(shop.database)
        handle = Handle(shop, name, job, approved, self.valve)
        terms = Terms(name, LEASE_SECONDS, HEARTBEAT_SECONDS)
        clock = HurriedClock(shop.world)
        self._runner = Runner(self._hands, handle, ValvedBudget(self.valve), clock, terms)
        self._task: asyncio.Task[None] | None = None

    @property
    def done(self) -> bool:
        return self._task is not None and self._task.done()

    @property
    def frozen(self) -> bool:
        return not self._hands.awake.is_set()

    async def begin(self) -> None:
        """Take the job, and come to the first change, or to the end."""
        self._task = asyncio.create_task(self._runner.attend(self.job, Control()))
        await self.still()

    async def go_on(self, which: int) -> None:
        """Let one of its calls go on, and come to the next point where it stands still."""
        if self.valve.waiting:
            self.valve.let(which)
        await self.still()

    async def still(self) -> None:
        """Wait until it stands at the valve, or is at its end."""
        assert self._task is not None
        await stillness(lambda: not self.done and not self.frozen and (not self.valve.waiting or self._hands.busy > 0))
        if self.done:
            self._task.result()

    async def to_end(self) -> None:
        """Let it drive as far as it goes. Raises what it met."""
        assert self._task is not None
        self.valve.open()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self._task

    async def freeze(self) -> None:
        """It stands still for longer than its lease lasts."""
        await self._hands.idle()
        self._hands.awake.clear()
        await self.lease_runs_out()

    async def wake(self) -> None:
        """It goes on, as if no time had passed."""
        self._hands.awake.set()
        await self.still()

    async def die(self) -> None:
        """It ends here and now, and gives nothing back. Its lease runs on."""
        assert self._task is not None
        await self._hands.idle()
        self._task.cancel()
        self.valve.kill()
        self._hands.awake.set()
        await asyncio.gather(self._task, return_exceptions=True)

    async def lease_runs_out(self) -> None:
        """Time passes, for Postgres and for the worker alike."""
        if self._runner.lease is not None:
            self._runner.lease.good_until = 0.0
        async with self._shop.database.transaction() as session:
            await session.execute(RUN_OUT, {"job": self.job, "holder": self.name})
