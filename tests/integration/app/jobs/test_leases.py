"""A job has one holder; a holder that fell silent writes nothing, calls nothing, and is told so."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.accounts.models import Account
from app.db import Database
from app.execution.attempts import Control
from app.execution.journal import LeaseLost
from app.execution.pacing import Bucket, PacedCloud
from app.jobs.leases import Lease, LeasedClouds, claim, kept, release
from tests.integration.app.jobs.conftest import JOB, Stored

HEARTBEAT = 0.1


class Reads:
    """A cloud that counts what reaches it."""

    region = "us-east-1"

    def __init__(self) -> None:
        self.calls: list[str] = []

    async def call(self, operation: str, /, **params: Any) -> dict[str, Any]:
        self.calls.append(operation)
        return {}

    async def pages(self, operation: str, /, **params: Any) -> AsyncIterator[dict[str, Any]]:
        self.calls.append(operation)
        yield {}


async def soon(event: asyncio.Event) -> None:
    async with asyncio.timeout(5):
        await event.wait()


async def test_of_two_that_claim_at_once_one_gets_the_job(stored: Stored, database: Database) -> None:
    await stored.make()

    found = await asyncio.gather(*(claim(database, JOB, f"worker-{n}", 30.0) for n in range(5)))

    (lease,) = [lease for lease in found if lease]
    job = await stored.job()
    assert (lease.fence, job.fence) == (1, 1)
    assert job.lease_holder == f"worker-{found.index(lease)}"


async def test_a_job_that_is_held_cannot_be_claimed_until_the_lease_is_over(stored: Stored, database: Database) -> None:
    await stored.make()
    first = await stored.lease()
    assert await claim(database, JOB, "worker-2", 30.0) is None

    await stored.expire()
    second = await stored.lease("worker-2")

    assert second.fence == first.fence + 1


async def test_a_lease_that_was_given_back_is_free_at_once(stored: Stored, database: Database) -> None:
    await stored.make()
    await release(database, await stored.lease())

    assert (await stored.lease("worker-2")).fence == 2


async def test_giving_back_a_lost_lease_takes_it_from_nobody(stored: Stored, database: Database) -> None:
    await stored.make()
    old = await stored.lease()
    await stored.expire()
    await stored.lease("worker-2")

    await release(database, old)

    assert (await stored.job()).lease_holder == "worker-2"


@pytest.mark.parametrize("status", ["paused", "halted", "succeeded", "cancelled", "undone", "waiting_for_approval"])
async def test_a_job_that_needs_no_worker_cannot_be_claimed(stored: Stored, database: Database, status: str) -> None:
    await stored.make(status=status)

    assert await claim(database, JOB, "worker-1", 30.0) is None


async def test_a_lease_is_kept_for_longer_than_it_lasts(stored: Stored, database: Database) -> None:
    await stored.make()
    lease, control = await stored.lease(seconds=0.6), Control()
    begun = time.monotonic()

    async with kept(database, lease, HEARTBEAT, control):
        while time.monotonic() < begun + 1.5:
            await asyncio.sleep(HEARTBEAT)
            assert await claim(database, JOB, "worker-2", 30.0) is None

    assert lease.alive
    assert not control.stopping.is_set()


async def test_a_holder_that_lost_the_job_is_stopped(stored: Stored, database: Database) -> None:
    await stored.make()
    lease, control = await stored.lease(), Control()

    async with kept(database, lease, HEARTBEAT, control):
        await stored.expire()
        await stored.lease("worker-2")
        await soon(control.stopping)

    assert not lease.alive


async def test_a_holder_that_cannot_reach_postgres_stops_when_its_lease_is_over(
    stored: Stored, database_url: str
) -> None:
    await stored.make()
    lease, control = await stored.lease(seconds=0.5), Control()
    nowhere = Database(database_url.replace("landbridge_test", "landbridge_nowhere"))

    async with kept(nowhere, lease, HEARTBEAT, control):
        await soon(control.stopping)

    assert not lease.alive
    await nowhere.close()


@pytest.mark.parametrize("wish", ["pause", "cancel", "undo"])
async def test_what_a_person_asks_for_stops_the_drive(stored: Stored, database: Database, wish: str) -> None:
    await stored.make()
    lease, control = await stored.lease(), Control()

    async with kept(database, lease, HEARTBEAT, control):
        assert not control.stopping.is_set()
        await stored.set(requested=wish)
        await soon(control.stopping)

    assert lease.alive


async def test_an_approved_gate_is_passed_on(stored: Stored, database: Database) -> None:
    await stored.make()
    lease, control = await stored.lease(), Control()

    async with kept(database, lease, HEARTBEAT, control):
        await stored.set(approved_gates=["before:link"])
        await soon(control.changed)

    assert control.approved_gates == {"before:link"}
    assert not control.stopping.is_set()


async def test_a_leased_cloud_calls_nothing_once_the_lease_is_over() -> None:
    reads = Reads()
    lease = Lease("job_1", 1, 30.0, time.monotonic() + 30.0)
    cloud = LeasedClouds(Opens(reads), lease).open(Account(), "us-east-1", "job_1")
    await cloud.call("ec2.create_image")
    assert [page async for page in cloud.pages("ec2.describe_images")] == [{}]

    lease.good_until = time.monotonic() - 0.001

    with pytest.raises(LeaseLost):
        await cloud.call("ec2.create_image")
    with pytest.raises(LeaseLost):
        await anext(aiter(cloud.pages("ec2.describe_images")))
    assert reads.calls == ["ec2.create_image", "ec2.describe_images"]
    assert cloud.region == "us-east-1"


class Opens:
    """Opens every account as the same cloud."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads

    def open(self, account: Account, region: str, name: str) -> Reads:
        return self._reads


class SlowTurn:
    """A budget under which everybody's turn comes a second later."""

    async def reserve(self, key: str, calls: int, bucket: Bucket, now: float) -> float:
        return 1.0


class Frozen:
    """A clock on which the lease runs out while somebody sleeps."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease

    def now(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        self._lease.good_until = 0.0


async def test_a_call_that_waited_for_its_turn_longer_than_the_lease_does_not_go_out() -> None:
    reads, lease = Reads(), Lease("job_1", 1, 30.0, time.monotonic() + 30.0)
    leased = LeasedClouds(Opens(reads), lease).open(Account(), "us-east-1", "job_1")
    paced = PacedCloud(leased, SlowTurn(), Frozen(lease), "scope")

    with pytest.raises(LeaseLost):
        await paced.call("ec2.create_image")
    assert reads.calls == []
