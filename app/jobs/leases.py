"""A worker's hold on a job: taken with a higher fence, renewed while it lives, given back at the end."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.accounts.models import Account
from app.accounts.ports import CloudFactory
from app.cloud import Cloud
from app.db import Database
from app.execution.attempts import Control
from app.execution.checked import CheckedCloud
from app.execution.journal import LeaseLost

log = structlog.get_logger("landbridge.leases")

LOOK_SECONDS = 0.5  # how soon a worker hears of pause, cancel, undo and approved gates

_CLAIM = text(
    """
    update jobs set fence = fence + 1, lease_holder = :holder,
                    lease_expires_at = clock_timestamp() + make_interval(secs => :seconds)
    where id = :job
      and (status in ('queued', 'running', 'undoing')
           or (status = 'waiting_for_approval' and wake_at <= clock_timestamp()))
      and (lease_expires_at is null or lease_expires_at < clock_timestamp())
    returning fence
    """
)
_RENEW = text(
    """
    update jobs set lease_expires_at = clock_timestamp() + make_interval(secs => :seconds)
    where id = :job and fence = :fence returning id
    """
)
_LOOK = text("select status, requested, approved_gates from jobs where id = :job and fence = :fence")
_RELEASE = text("update jobs set lease_holder = null, lease_expires_at = null where id = :job and fence = :fence")


@dataclass
class Lease:
    """`fence` goes with every write. `good_until` is on this process's monotonic clock."""

    job_id: str
    fence: int
    seconds: float
    good_until: float

    @property
    def alive(self) -> bool:
        return time.monotonic() < self.good_until

    def require(self) -> None:
        """Raises LeaseLost once it has run out: a worker that was stopped and wakes up is too late."""
        if not self.alive:
            raise LeaseLost(self.job_id)


async def claim(database: Database, job_id: str, holder: str, seconds: float) -> Lease | None:
    """The lease, or None where somebody else holds the job or there is nothing to do."""
    asked = time.monotonic()
    async with database.transaction() as session:
        params = {"job": job_id, "holder": holder, "seconds": seconds}
        fence = (await session.execute(_CLAIM, params)).scalar_one_or_none()
    return None if fence is None else Lease(job_id, fence, seconds, asked + seconds)


async def release(database: Database, lease: Lease) -> None:
    """Let the next worker take the job at once. Quiet where the lease was lost."""
    async with database.transaction() as session:
        await session.execute(_RELEASE, {"job": lease.job_id, "fence": lease.fence})


@asynccontextmanager
async def kept(database: Database, lease: Lease, heartbeat: float, control: Control) -> AsyncIterator[None]:
    """Renew the lease and pass on what a person asks for, while the block runs.

    A lease that cannot be renewed stops the drive: whoever holds the job now must be alone.
    """
    keeper = asyncio.create_task(_keep(database, lease, heartbeat, control))
    try:
        yield
    finally:
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)


async def _keep(database: Database, lease: Lease, heartbeat: float, control: Control) -> None:
    renew_at = time.monotonic() + heartbeat
    while True:
        await asyncio.sleep(min(LOOK_SECONDS, heartbeat))
        try:
            if time.monotonic() >= renew_at:
                asked = time.monotonic()
                if not await _renewed(database, lease):
                    log.warning("lease.lost", job=lease.job_id)
                    lease.good_until = 0.0
                else:
                    lease.good_until, renew_at = asked + lease.seconds, asked + heartbeat
            await _listen(database, lease, control)
        except (DBAPIError, OSError) as error:
            log.warning("lease.unreachable", job=lease.job_id, error=type(error).__name__)
        if not lease.alive:
            control.stop()
            return


async def _renewed(database: Database, lease: Lease) -> bool:
    async with database.transaction() as session:
        params = {"job": lease.job_id, "fence": lease.fence, "seconds": lease.seconds}
        return (await session.execute(_RENEW, params)).first() is not None


async def _listen(database: Database, lease: Lease, control: Control) -> None:
    async with database.reading() as session:
        row = (await session.execute(_LOOK, {"job": lease.job_id, "fence": lease.fence})).first()
    if row is None:
        return
    if row.requested in ("pause", "cancel", "undo"):
        control.stop()
    for gate in row.approved_gates:
        if gate not in control.approved_gates:
            control.approve(gate)
    control.wait_at_gate(row.status == "waiting_for_approval")


@dataclass(frozen=True)
class LeasedClouds:
    """Opens accounts for one holder. The lease is looked at right before a call goes out: a call that
    waits for its turn in the pacing budget may wait for longer than the lease lasts."""

    clouds: CloudFactory
    lease: Lease

    def open(self, account: Account, region: str, name: str) -> Cloud:
        return CheckedCloud(self.clouds.open(account, region, name), self.lease.require)
