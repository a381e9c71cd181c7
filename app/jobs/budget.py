"""The pacing budget in Postgres: one row a bucket, shared by all workers, booked in one statement."""

from sqlalchemy import text

from app.db import Database
from app.execution.pacing import Bucket, lead

_BOOK = text(
    """
    with clock as (select extract(epoch from clock_timestamp())::float8 * cast(:scale as float8) as now)
    insert into pacing as p (key, tat) select :key, clock.now + cast(:add as float8) from clock
    on conflict (key) do update set tat = greatest(p.tat, (select now from clock)) + cast(:add as float8)
    returning tat, (select now from clock) as now
    """
)


class PostgresBudget:
    """Arrival times outlive a worker, so that one that takes over does not overdraw either.

    They are on Postgres' clock, at `scale` seconds in one of ours: a worker whose own clock is an hour ahead
    would make all the others wait for an hour.
    """

    def __init__(self, database: Database, scale: float = 1.0) -> None:
        self._database = database
        self._scale = scale

    async def reserve(self, key: str, calls: int, bucket: Bucket, now: float) -> float:
        """See Budget.reserve; `now` is of no use here. Raises what the driver raises when Postgres is away."""
        add = calls / bucket.rate
        async with self._database.reading() as session:
            booked = (await session.execute(_BOOK, {"key": key, "scale": self._scale, "add": add})).one()
        return lead(float(booked.tat) - add, bucket, float(booked.now))
