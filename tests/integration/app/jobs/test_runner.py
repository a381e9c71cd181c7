"""Before its first change a job looks whether it may: at its plan's approval, and at the account."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from app.accounts.models import Account
from app.cloud import Cloud
from app.db import Database
from app.execution.attempts import Control
from app.execution.clock import ScaledClock
from app.execution.pacing import MemoryBudget, is_read
from app.execution.step import Result, Run, Step
from app.jobs.models import Job, JobStep
from app.jobs.runner import JobRunner, Terms
from app.planning.context import Context
from app.planning.inventory import Resource
from app.planning.plan import Draft
from app.plans.models import Plan, PlanDocument
from tests.integration.app.jobs.conftest import JOB, Stored, planned
from tests.integration.app.jobs.test_drift import Planned
from tests.integration.app.test_discovery_runner import INVENTORY

NOW = datetime.now(UTC)
NEXT_YEAR = NOW + timedelta(days=365)


class Change(Step):
    """Makes a key pair: a change that is quickly seen."""

    action = "toy.make"
    subject = "toy"
    phase = "prepare"
    calls = {"ec2.create_key_pair": ()}  # noqa: RUF012 - as the port has it

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        return Draft({}, "Make a key pair.")

    async def do(self, run: Run) -> Result:
        await run.cloud.call("ec2.create_key_pair", KeyName="made")
        return {}

    async def undo(self, run: Run, result: Result | None) -> None:
        await run.cloud.call("ec2.delete_key_pair", KeyName="made")


class Changed:
    """A cloud that remembers what was changed through it; an account that opens itself."""

    region = "us-east-1"

    def __init__(self, cloud: Cloud | None = None) -> None:
        self._cloud = cloud
        self.changes: list[str] = []
        self.named: set[str] = set()

    def open(self, account: Account, region: str, name: str) -> Cloud:
        self.named.add(name)
        return self

    async def call(self, operation: str, /, **params: Any) -> dict[str, Any]:
        if not is_read(operation):
            self.changes.append(operation)
        return await self._cloud.call(operation, **params) if self._cloud else {}

    async def pages(self, operation: str, /, **params: Any) -> AsyncIterator[dict[str, Any]]:
        if self._cloud:
            async for page in self._cloud.pages(operation, **params):
                yield page


async def attend(database: Database, account: Changed) -> None:
    """One worker's turn at the job."""
    terms, actions = Terms("worker-1", lease_seconds=30.0, heartbeat_seconds=5.0), {Change.action: Change()}
    runner = JobRunner(database, account, MemoryBudget(), ScaledClock(), terms, actions)
    await runner.attend(JOB, Control())


@pytest.mark.parametrize(
    "approval",
    [
        {"approved_hash": None, "approval_expires_at": None},
        {"approved_hash": "of what the plan was before", "approval_expires_at": NEXT_YEAR},
        {"approved_hash": "h", "approval_expires_at": NOW - timedelta(seconds=1)},
    ],
    ids=["none", "void", "expired"],
)
async def test_a_job_without_a_live_approval_is_halted_before_its_first_change(
    stored: Stored, approval: dict[str, Any]
) -> None:
    await stored.make(steps=1, status="queued")
    step = planned(0)
    async with stored.database.transaction() as session:
        await session.execute(update(PlanDocument).values(steps=[step.as_json()]))
        await session.execute(update(Plan).values(**approval))
    account = Changed()

    await attend(stored.database, account)

    job = await stored.job()
    assert job.status == "halted"
    assert job.error is not None
    assert job.error["code"] == "not_approved"
    assert account.changes == []
    assert (await stored.steps())[step.id].state == "pending"


class Approved(Planned):
    """A discovered account, and a job of an approved plan for one of its groups."""

    async def prepare(self) -> None:
        await super().prepare()
        step = replace(planned(0), subject=str(self.app))
        names = {"account_id": "acct_1", "region": "us-east-1"}
        plan: dict[str, Any] = {"name": "p", "strategy": "incremental", "target": {}, "counts": {}, "author": "ann"}
        approval = {"plan_hash": "h", "approved_hash": "h", "approval_expires_at": NEXT_YEAR}
        line = {"action": step.action, "subject": step.subject, "phase": step.phase}
        async with self.database.transaction() as session:
            session.add(Plan(id="plan_1", inventory_id=INVENTORY, estimate={}, **plan, **approval, **names))
            await session.flush()
            session.add(PlanDocument(plan_id="plan_1", steps=[step.as_json()], findings=[], flows=[]))
            session.add(Job(id=JOB, plan_id="plan_1", action="execute", created_by="ann", **names))
            await session.flush()
            session.add(JobStep(job_id=JOB, step_id=step.id, seq=0, **line))

    async def attend(self) -> tuple[Job, list[str]]:
        """The job after one worker's turn, and what was changed."""
        async with self.database.reading() as session:
            account = Changed(self.clouds.open(await session.get_one(Account, "acct_1"), "us-east-1", JOB))
        await attend(self.database, account)
        assert account.named == {JOB}  # so AWS's own trail says whose calls they were
        return await Stored(self.database).job(), account.changes


@pytest.fixture
async def site(database: Database) -> Approved:
    site = Approved(database)
    await site.prepare()
    return site


async def test_a_job_whose_account_has_drifted_is_halted_before_its_first_change(site: Approved) -> None:
    site.open_port(site.app, 22)

    job, changes = await site.attend()

    assert job.status == "halted"
    assert job.error is not None
    assert job.error["code"] == "drifted"
    assert str(site.app) in str(job.error["detail"])
    assert changes == []


async def test_a_job_whose_account_is_as_it_was_planned_for_goes_on(site: Approved) -> None:
    job, changes = await site.attend()

    assert (job.status, job.error) == ("succeeded", None)
    assert changes == ["ec2.create_key_pair"]
