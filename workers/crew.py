"""What one worker process has in hand: it attends to what it is told of and to what it finds lying about.

Jobs live here, not in arq's tasks: losing Redis ends arq's worker and must not touch a job.
"""

import asyncio
import os
import socket
import time
import uuid

import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from app.accounts.ports import CloudFactory
from app.db import Database
from app.execution.attempts import Control
from app.execution.clock import ScaledClock
from app.inventories.runner import DiscoveryRunner
from app.jobs import outcomes
from app.jobs.budget import PostgresBudget
from app.jobs.runner import JobRunner, Terms
from app.manners.doorbell import Doorbell
from app.manners.idempotency import forget_old_keys
from app.settings import Settings

log = structlog.get_logger("landbridge.crew")

AT_ONCE = 100  # jobs and discoveries in one process
GRACE_SECONDS = 20.0
TIDY_EVERY_SECONDS = 600.0

# Whatever should be worked on and is held by nobody alive.
_UNATTENDED = text(
    """
    select 'job' as kind, id from jobs
    where (status in ('queued', 'running', 'undoing')
           or (status = 'waiting_for_approval' and wake_at <= clock_timestamp()))
      and (lease_expires_at is null or lease_expires_at < clock_timestamp())
    union all
    select 'inventory', id from inventories
    where status in ('pending', 'running') and (lease_expires_at is null or lease_expires_at < clock_timestamp())
    limit 100
    """
)


class Crew:
    """One process's work in hand. `doorbell` tells the other workers of what this one leaves behind."""

    def __init__(self, settings: Settings, database: Database, clouds: CloudFactory, doorbell: Doorbell) -> None:
        self._holder = f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex[:8]}"
        clock = ScaledClock(settings.time_scale)
        budget = PostgresBudget(database, settings.time_scale)
        terms = Terms(self._holder, settings.lease_seconds, settings.heartbeat_seconds)
        self._settings = settings
        self._database = database
        self._doorbell = doorbell
        self._jobs = JobRunner(database, clouds, budget, clock, terms)
        self._discoveries = DiscoveryRunner(database, clouds, budget, clock, self._holder)
        self._at_work: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._controls: dict[str, Control] = {}
        self._sweeper: asyncio.Task[None] | None = None
        self._tidied = float("-inf")

    def attend(self, kind: str, id_: str) -> None:
        """Take up a job or discovery in the background; quiet where it is in hand already."""
        key = (kind, id_)
        if key in self._at_work or len(self._at_work) >= AT_ONCE:
            return
        task = self._at_work[key] = asyncio.create_task(self._attend(kind, id_))
        task.add_done_callback(lambda _: self._at_work.pop(key, None))

    async def _attend(self, kind: str, id_: str) -> None:
        try:
            await self._work(kind, id_)
        except Exception as error:
            if is_away(error):
                # No bug and no lost job: its lease runs out, and the sweep takes it up again.
                log.warning("crew.no_database", kind=kind, id=id_, error=type(error).__name__)
                return
            log.exception("crew.crashed", kind=kind, id=id_)
            if kind == "job":
                await self._give_up(id_)

    async def _work(self, kind: str, id_: str) -> None:
        if kind == "inventory":
            await self._discoveries.attend(id_)
            return
        control = self._controls[id_] = Control()
        try:
            await self._jobs.attend(id_, control)
        finally:
            self._controls.pop(id_, None)

    async def _give_up(self, job_id: str) -> None:
        try:
            await outcomes.crashed(self._database, job_id, self._holder)
        except Exception:
            log.exception("crew.could_not_halt", id=job_id)

    async def sweep(self) -> None:
        """Take up what nobody holds: new work whose ring was lost, and the jobs of dead workers."""
        async with self._database.reading() as session:
            for row in (await session.execute(_UNATTENDED)).all():
                self.attend(row.kind, row.id)

    async def tidy(self) -> None:
        """Forget what is past its time, every ten minutes; how often, and by which worker, matters little."""
        if time.monotonic() < self._tidied + TIDY_EVERY_SECONDS:
            return
        async with self._database.transaction() as session:
            await forget_old_keys(session, self._settings.idempotency_hours)
        self._tidied = time.monotonic()

    def start(self) -> None:
        """Sweep from now on."""
        self._sweeper = asyncio.create_task(self._sweep_forever())

    async def _sweep_forever(self) -> None:
        while True:
            try:
                await self.sweep()
                await self.tidy()
            except Exception:
                log.warning("crew.sweep_failed", exc_info=True)
            await asyncio.sleep(self._settings.heartbeat_seconds)

    async def stop(self) -> None:
        """Let calls in flight come back, give the leases back, tell the other workers, and stop."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        in_hand = dict(self._at_work)
        for control in self._controls.values():
            control.stop()
        if in_hand:
            _, late = await asyncio.wait(in_hand.values(), timeout=GRACE_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        for kind, id_ in in_hand:
            await self._doorbell.ring(kind, id_)  # else they would find it with their next sweep only


def is_away(error: Exception) -> bool:
    """Whether this says that Postgres cannot be reached, and not that something is wrong with us."""
    if isinstance(error, DBAPIError):
        if error.connection_invalidated or isinstance(error, OperationalError | InterfaceError):
            return True
        # A server that stops or starts (57P…), or ended a transaction left open (25P03), comes as a plain DBAPIError.
        return str(getattr(error.orig, "sqlstate", None) or "").startswith(("08", "57P", "25P03"))
    return isinstance(error, OSError)
