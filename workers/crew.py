"""What one worker process has in hand: it attends to what it is told of and to what it finds lying about.

Jobs live here, not in arq's tasks: losing Redis ends arq's worker and must not touch a job.
"""

import asyncio
import os
import socket
import uuid

import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.accounts.ports import CloudFactory
from app.db import Database
from app.execution.attempts import Control
from app.execution.clock import ScaledClock
from app.inventories.runner import DiscoveryRunner
from app.jobs import outcomes
from app.jobs.budget import PostgresBudget
from app.jobs.runner import JobRunner, Terms
from app.settings import Settings

log = structlog.get_logger("landbridge.crew")

AT_ONCE = 100  # jobs and discoveries in one process
GRACE_SECONDS = 20.0

# Whatever should be worked on and is held by nobody alive.
_UNATTENDED = text(
    """
    select 'job' as kind, id from jobs
    where status in ('queued', 'running', 'undoing')
      and (lease_expires_at is null or lease_expires_at < clock_timestamp())
    union all
    select 'inventory', id from inventories
    where status in ('pending', 'running') and (lease_expires_at is null or lease_expires_at < clock_timestamp())
    limit 100
    """
)


class Crew:
    """One process's work in hand."""

    def __init__(self, settings: Settings, database: Database, clouds: CloudFactory) -> None:
        holder = f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex[:8]}"
        clock = ScaledClock(settings.time_scale)
        budget = PostgresBudget(database)
        terms = Terms(holder, settings.lease_seconds, settings.heartbeat_seconds)
        self._database = database
        self._jobs = JobRunner(database, clouds, budget, clock, terms)
        self._discoveries = DiscoveryRunner(database, clouds, budget, clock, holder)
        self._sweep_every = settings.heartbeat_seconds
        self._at_work: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._controls: dict[str, Control] = {}
        self._sweeper: asyncio.Task[None] | None = None

    def attend(self, kind: str, id_: str) -> None:
        """Take up a job or discovery in the background; quiet where it is in hand already."""
        key = (kind, id_)
        if key in self._at_work or len(self._at_work) >= AT_ONCE:
            return
        task = self._at_work[key] = asyncio.create_task(self._attend(kind, id_))
        task.add_done_callback(lambda _: self._at_work.pop(key, None))

    async def _attend(self, kind: str, id_: str) -> None:
        try:
            if kind == "inventory":
                await self._discoveries.attend(id_)
            else:
                control = self._controls[id_] = Control()
                await self._jobs.attend(id_, control)
        except Exception as error:
            log.exception("crew.crashed", kind=kind, id=id_)
            # Postgres away is no bug: the lease runs out, and the job is taken up where it stood.
            if kind == "job" and not _postgres_is_away(error):
                await outcomes.crashed(self._database, id_)
        finally:
            self._controls.pop(id_, None)

    async def sweep(self) -> None:
        """Take up what nobody holds: new work whose ring was lost, and the jobs of dead workers."""
        async with self._database.reading() as session:
            for row in (await session.execute(_UNATTENDED)).all():
                self.attend(row.kind, row.id)

    def start(self) -> None:
        """Sweep from now on."""
        self._sweeper = asyncio.create_task(self._sweep_forever())

    async def _sweep_forever(self) -> None:
        while True:
            try:
                await self.sweep()
            except Exception:
                log.warning("crew.sweep_failed", exc_info=True)
            await asyncio.sleep(self._sweep_every)

    async def stop(self) -> None:
        """Let calls in flight come back, give the leases back, and stop."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        for control in self._controls.values():
            control.stop()
        tasks = list(self._at_work.values())
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=GRACE_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)


def _postgres_is_away(error: Exception) -> bool:
    """Connections refused, broken, or ended by a server that stops or starts (SQLSTATE 08… and 57P…)."""
    if isinstance(error, DBAPIError):
        state = str(getattr(error.orig, "sqlstate", None) or "")
        return error.connection_invalidated or state.startswith(("08", "57P"))
    return isinstance(error, OSError)
