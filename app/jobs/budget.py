"""The pacing budget in Postgres: one row a bucket, shared by all workers, booked in one statement."""

from sqlalchemy import text

from app.db import Database
from app.execution.pacing import Bucket, lead

_BOOK = text(
    """
    insert into pacing as p (key, tat) values (:key, cast(:now as float8) + cast(:add as float8))
    on conflict (key) do update set tat = greatest(p.tat, cast(:now as float8)) + cast(:add as float8)
    returning tat
    """
)


class PostgresBudget:
    """Arrival times outlive a worker, so that one that takes over does not overdraw either."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def reserve(self, key: str, calls: int, bucket: Bucket, now: float) -> float:
        """See Budget.reserve. Raises what the driver raises when Postgres is away."""
        add = calls / bucket.rate
        async with self._database.reading() as session:
            tat = (await session.execute(_BOOK, {"key": key, "now": now, "add": add})).scalar_one()
        return lead(float(tat) - add, bucket, now)
