"""The budget in Postgres: several workers book from one bucket and never more than it holds."""

import asyncio
import random

from sqlalchemy import text

from app.db import Database
from app.execution.pacing import HEADROOM, Bucket, MemoryBudget
from app.jobs.budget import PostgresBudget

BUCKET = Bucket("images", 20, 5)
NOW = 1_000_000.0


def most_overdrawn(times: list[float], burst: float) -> float:
    """How far a token bucket that was full at NOW would have been overdrawn by calls at `times`."""
    level, at, worst = burst, NOW, 0.0
    for time in sorted(times):
        level = min(burst, level + (time - at) * BUCKET.rate) - 1
        at, worst = time, min(worst, level)
    return -worst


async def test_two_workers_never_overdraw_a_bucket(database: Database, database_url: str) -> None:
    other = Database(database_url)
    chance = random.Random(7)

    async def book(budget: PostgresBudget, calls: int, now: float) -> list[float]:
        wait = await budget.reserve("k", calls, BUCKET, now)
        return [now + max(0.0, wait + place / BUCKET.rate) for place in range(calls)]

    times: list[float] = []
    for round_ in range(5):
        now = NOW + round_ * chance.uniform(0.0, 8.0)
        booked = (book(PostgresBudget(each), chance.randint(1, 12), now) for each in (database, other) * 4)
        times += [time for found in await asyncio.gather(*booked) for time in found]
    await other.close()

    assert most_overdrawn(times, BUCKET.burst * HEADROOM) < 1e-6


async def test_it_tells_what_the_budget_of_one_process_tells(database: Database) -> None:
    shared, alone = PostgresBudget(database), MemoryBudget()
    chance = random.Random(3)
    now = NOW

    for _ in range(30):
        calls, now = chance.randint(1, 9), now + chance.uniform(0.0, 4.0)
        told = await shared.reserve("k", calls, BUCKET, now)
        assert abs(told - await alone.reserve("k", calls, BUCKET, now)) < 1e-6


async def test_each_key_is_a_bucket_of_its_own(database: Database) -> None:
    budget = PostgresBudget(database)
    first = await budget.reserve("one", 100, BUCKET, NOW)

    assert await budget.reserve("two", 1, BUCKET, NOW) == first
    assert await budget.reserve("one", 1, BUCKET, NOW) == first + 100 / BUCKET.rate


async def test_what_a_dead_worker_booked_stays_booked(database: Database) -> None:
    await PostgresBudget(database).reserve("k", 50, BUCKET, NOW)

    async with database.reading() as session:
        rows = (await session.execute(text("select key, tat from pacing"))).all()
    assert [(row.key, row.tat) for row in rows] == [("k", NOW + 10)]
