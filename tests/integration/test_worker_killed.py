"""Workers that die, freeze or are sent away in the middle of the shop's move: real processes, real servers."""

import asyncio
import os
import random
import signal
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from app.db import Database
from landbridge.dev import Stack, StackOptions
from landbridge.processes import Child
from tests.kit.shop_over_http import Mover, Watched

LEASE_SECONDS = 2.0
DEATHS = 4


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """Everything but workers: those are each test's own."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("LANDBRIDGE_")}
    environ = {**ours, "LANDBRIDGE_LEASE_SECONDS": str(LEASE_SECONDS), "LANDBRIDGE_HEARTBEAT_SECONDS": "0.5"}
    with Stack(StackOptions(time_scale=200, workers=0, use_redis=False), environ=environ) as started:
        yield started


@pytest.fixture
def mover(stack: Stack, workers: dict[int, Child]) -> Iterator[Mover]:
    """Plans are made once two workers are there to discover."""
    made = Mover(stack)
    yield made
    made.close()


@pytest.fixture
def workers(stack: Stack) -> Iterator[dict[int, Child]]:
    """Two workers by process id; whatever lives at the end of the test is ended."""
    crew = {worker.pid: worker for worker in (stack.start_worker(), stack.start_worker())}
    for worker in crew.values():
        worker.wait_until(lambda worker=worker: "worker.ready" in worker.log.read_text(), 30)  # type: ignore[misc]
    yield crew
    for worker in crew.values():
        finish(worker)


def finish(worker: Child) -> None:
    """kill -9, as far as it is still there."""
    if worker.alive:
        os.kill(worker.pid, signal.SIGKILL)
    worker.end()


def holder(stack: Stack, job: Watched) -> int | None:
    """The process id of the job's holder, from the row of the job itself."""

    async def ask() -> str | None:
        database = Database(stack.database_url, pool_size=1)
        async with database.reading() as session:
            found = await session.scalar(text("select lease_holder from jobs where id = :id"), {"id": job.id})
        await database.close()
        return None if found is None else str(found)

    found = asyncio.run(ask())
    return int(found.split("/")[1]) if found else None


def freeze(pid: int, job: Watched) -> None:
    """SIGSTOP while all that is under way waits for AWS: a change on its way to the wire cannot be held back."""

    def frozen_in_time() -> bool:
        job.wait_until(lambda: job.progress()["running"] == 0)
        os.kill(pid, signal.SIGSTOP)
        if job.progress()["running"] == 0:
            return True
        os.kill(pid, signal.SIGCONT)
        return False

    job.wait_until(frozen_in_time)


def taken(worker: Child, job: Watched) -> int:
    """How often the worker took the job."""
    lines = worker.log.read_text().splitlines()
    return sum("job.taken" in line and job.id in line for line in lines)


def test_a_worker_killed_at_random_moments_leaves_nothing_twice_and_nothing_behind(
    stack: Stack, mover: Mover, workers: dict[int, Child]
) -> None:
    seed = random.randrange(10_000)
    print(f"seed {seed}")
    chance = random.Random(seed)
    job = mover.start(mover.plan())
    for moment in sorted(chance.sample(range(1, 70), DEATHS)):
        job.wait_until_done(of=moment)
        time.sleep(chance.random() * 0.3)  # anywhere between two commits, not right after one
        dead = holder(stack, job)
        if dead not in workers:  # nobody holds it just now: taken over a moment later
            continue
        finish(workers.pop(dead))
        fresh = stack.start_worker()
        workers[fresh.pid] = fresh
    job.succeeds()
    assert not job.wrongs()


def test_one_of_two_workers_drives_and_one_that_is_sent_away_hands_over_at_once(
    stack: Stack, mover: Mover, workers: dict[int, Child]
) -> None:
    job = mover.start(mover.plan())
    job.wait_until_done(of=20)
    assert sorted(taken(worker, job) for worker in workers.values()) == [0, 1]

    old = holder(stack, job)
    assert old is not None
    heir = next(worker for pid, worker in workers.items() if pid != old)
    os.kill(old, signal.SIGTERM)
    began = time.monotonic()
    job.wait_until(lambda: holder(stack, job) == heir.pid)
    handed_over = time.monotonic() - began

    job.succeeds()
    assert handed_over < LEASE_SECONDS / 2
    assert workers[old].code == 0
    assert not job.wrongs()


def test_a_worker_that_wakes_up_after_its_lease_writes_and_calls_nothing_more(
    stack: Stack, mover: Mover, workers: dict[int, Child]
) -> None:
    job = mover.start(mover.plan())
    job.wait_until_done(of=25)
    frozen = holder(stack, job)
    assert frozen is not None
    freeze(frozen, job)
    try:
        heir = next(pid for pid in workers if pid != frozen)
        job.wait_until(lambda: holder(stack, job) == heir)
        job.succeeds()
        changes, events = mover.changes(), job.events()
    finally:
        os.kill(frozen, signal.SIGCONT)
    log = workers[frozen].log
    job.wait_until(lambda: "job.lost" in log.read_text())
    finish(workers.pop(heir))  # what is called from here on would be the frozen one's
    os.kill(frozen, signal.SIGTERM)
    job.wait_until(lambda: not workers[frozen].alive)

    assert "crew.crashed" not in log.read_text()
    assert (mover.changes(), job.events()) == (changes, events)
    assert not job.wrongs()
