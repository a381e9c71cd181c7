"""A job in a real database: its account, plan, steps, and what the tests read back."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from sqlalchemy import select, text, update

from app.accounts.models import Account
from app.db import Database
from app.inventories.models import Inventory
from app.jobs.leases import Lease, claim
from app.jobs.models import Job, JobEvent, JobStep
from app.planning.plan import PlannedStep
from app.plans.models import Plan, PlanDocument

JOB = "job_1"


def planned(number: int) -> PlannedStep:
    """Step `number` of the job."""
    return PlannedStep(
        id=f"toy.make/toy:{number:04}",
        action="toy.make",
        subject=f"toy:{number:04}",
        phase="prepare",
        needs=(),
        params={},
        reversible=True,
        estimate={"seconds": 1.0, "calls": 1},
        explanation="Make a toy.",
    )


class Stored:
    """The job as it is stored, for the tests' own hand."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def make(self, steps: int = 0, **columns: Any) -> None:
        """A job with so many pending steps."""
        async with self.database.transaction() as session:
            names = {"account_id": "acct_1", "region": "us-east-1"}
            session.add(
                Account(id="acct_1", name="a", aws_account_id="123456789012", external_id="e", regions=["us-east-1"])
            )
            await session.flush()
            session.add(Inventory(id="inv_1", status="ready", **names))
            await session.flush()
            plan = {"name": "p", "strategy": "incremental", "target": {}, "plan_hash": "h", "counts": {}}
            session.add(Plan(id="plan_1", inventory_id="inv_1", estimate={}, author="ann", **plan, **names))
            await session.flush()
            session.add(PlanDocument(plan_id="plan_1", steps=[], findings=[], flows=[]))
            session.add(Job(id=JOB, plan_id="plan_1", action="execute", created_by="ann", **{**names, **columns}))
            await session.flush()
            session.add_all(
                JobStep(
                    job_id=JOB,
                    step_id=(step := planned(number)).id,
                    seq=number,
                    action=step.action,
                    subject=step.subject,
                    phase=step.phase,
                )
                for number in range(steps)
            )

    async def lease(self, holder: str = "worker-1", seconds: float = 30.0) -> Lease:
        """Claim the job; it must be free."""
        lease = await claim(self.database, JOB, holder, seconds)
        assert lease is not None
        return lease

    async def set(self, **columns: Any) -> None:
        async with self.database.transaction() as session:
            await session.execute(update(Job).where(Job.id == JOB).values(**columns))

    async def expire(self) -> None:
        """The holder has been silent for longer than its lease."""
        async with self.database.transaction() as session:
            await session.execute(text("update jobs set lease_expires_at = clock_timestamp() - interval '1 second'"))

    async def job(self) -> Job:
        async with self.database.reading() as session:
            return await session.get_one(Job, JOB)

    async def events(self) -> Sequence[tuple[int, str, Mapping[str, Any]]]:
        async with self.database.reading() as session:
            rows = await session.execute(select(JobEvent.seq, JobEvent.type, JobEvent.data).order_by(JobEvent.seq))
            return [(row.seq, row.type, row.data) for row in rows]

    async def steps(self) -> dict[str, JobStep]:
        async with self.database.reading() as session:
            return {step.step_id: step for step in await session.scalars(select(JobStep))}

    async def fail(self, number: int, state: str = "failed", detail: str = "no") -> None:
        """Put a step where a drive left it."""
        async with self.database.transaction() as session:
            change = update(JobStep).where(JobStep.step_id == planned(number).id)
            await session.execute(change.values(state=state, error={"code": "x", "detail": detail}))


@pytest.fixture
def stored(database: Database) -> Stored:
    return Stored(database)
