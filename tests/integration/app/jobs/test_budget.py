"""The budget in Postgres: several workers book from one bucket and never more than it holds."""

import asyncio
import random
import time

from sqlalchemy import text

from app.db import Database
from app.execution.pacing import HEADROOM, Bucket, MemoryBudget
from app.jobs.budget import PostgresBudget

# So slow that what the tests take themselves is next to nothing.
BUCKET = Bucket("images", 20, 0.05)
NEARLY = 0.2  # calls
START = 1_000_000.0


def most_overdrawn(times: list[float], burst: float) -> float:
    """How far a token bucket that was full at START would have been overdrawn by calls at `times`."""
    level, at, worst = burst, START, 0.0
    for moment in sorted(times):
        level = min(burst, level + (moment - at) * BUCKET.rate) - 1
        at, worst = moment, min(worst, level)
    return -worst


async def pass_by(database: Database, seconds: float) -> None:
    """So many seconds later: all bookings are so much older."""
    async with database.transaction() as session:
        await session.execute(text("update pacing set tat = tat - :seconds"), {"seconds": seconds})


async def test_two_workers_never_overdraw_a_bucket(database: Database, database_url: str) -> None:
    other = Database(database_url)
    chance = random.Random(7)

    async def book(budget: PostgresBudget, calls: int, now: float) -> list[float]:
        wait = await budget.reserve("k", calls, BUCKET, 0.0)
        return [now + max(0.0, wait + place / BUCKET.rate) for place in range(calls)]

    times: list[float] = []
    now = START
    for _ in range(5):
        booked = (book(PostgresBudget(each), chance.randint(1, 12), now) for each in (database, other) * 4)
        times += [moment for found in await asyncio.gather(*booked) for moment in found]
        passed = chance.uniform(0.0, 800.0)
        await pass_by(database, passed)
        now += passed
    await other.close()

    assert most_overdrawn(times, BUCKET.burst * HEADROOM) < NEARLY


async def test_it_tells_what_the_budget_of_one_process_tells(database: Database) -> None:
    shared, alone = PostgresBudget(database), MemoryBudget()
    chance = random.Random(3)
    passed = 0.0

    for _ in range(30):
        calls, now = chance.randint(1, 9), time.time() + passed
        told = await shared.reserve("k", calls, BUCKET, 0.0)
        assert abs(told - await alone.reserve("k", calls, BUCKET, now)) * BUCKET.rate < NEARLY
        later = chance.uniform(0.0, 400.0)
        await pass_by(database, later)
        passed += later


async def test_each_key_is_a_bucket_of_its_own(database: Database) -> None:
    budget = PostgresBudget(database)
    first = await budget.reserve("one", 100, BUCKET, 0.0)

    assert abs(await budget.reserve("two", 1, BUCKET, 0.0) - first) * BUCKET.rate < NEARLY
    assert abs(await budget.reserve("one", 1, BUCKET, 0.0) - first - 100 / BUCKET.rate) * BUCKET.rate < NEARLY


async def test_what_a_dead_worker_booked_stays_booked_at_the_scale_of_awss_time(database: Database) -> None:
    await PostgresBudget(database, scale=60.0).reserve("k", 50, BUCKET, 0.0)

    async with database.reading() as session:
        row = (await session.execute(text("select key, tat from pacing"))).one()
    assert row.key == "k"
    assert abs(row.tat - 50 / BUCKET.rate - time.time() * 60.0) < 60.0
