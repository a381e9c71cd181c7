"""What changes in the account while a job runs halts it before the step that relies on it; a person may accept that."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.accounts.models import Account
from app.db import Database
from app.errors import Conflict
from app.execution.attempts import Control
from app.execution.clock import ScaledClock
from app.execution.pacing import MemoryBudget
from app.execution.step import Result, Run, Step
from app.jobs import control, stepping
from app.jobs.models import Job, JobStep
from app.jobs.runner import JobRunner, Terms
from app.planning.context import Context
from app.planning.inventory import Resource
from app.planning.plan import Draft, PlannedStep
from app.plans.models import Plan, PlanDocument
from tests.api.fakes import FakeDoorbell
from tests.integration.app.jobs.conftest import JOB, Stored, planned
from tests.integration.app.jobs.test_drift import Planned
from tests.integration.app.jobs.test_runner import Change, Changed
from tests.integration.app.test_discovery_runner import INVENTORY

NEXT_YEAR = datetime.now(UTC) + timedelta(days=365)


class Disturb(Step):
    """Stands for somebody who opens a port of another step's subject while the job runs."""

    action = "toy.disturb"
    subject = "toy"
    phase = "prepare"
    calls = {"ec2.authorize_security_group_ingress": ()}  # noqa: RUF012 - as the port has it

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        return None

    async def do(self, run: Run) -> Result:
        rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "192.0.2.0/24"}]}
        await run.cloud.call("ec2.authorize_security_group_ingress", GroupId=run.params["group"], IpPermissions=[rule])
        return {}

    async def undo(self, run: Run, result: Result | None) -> None:
        """It is nobody's of ours."""


class Disturbed(Planned):
    """A job of two steps: while the first runs, the subject of the second is changed."""

    async def prepare(self) -> None:
        await super().prepare()
        first = replace(
            planned(0),
            id=f"{Disturb.action}/{self.web}",
            action=Disturb.action,
            subject="toy:0",
            params={"group": self.app.id},
        )
        self.second = replace(planned(1), id=f"toy.make/{self.app}", subject=str(self.app), needs=(first.id,))
        await self._store([first, self.second])

    async def _store(self, steps: list[PlannedStep]) -> None:
        names = {"account_id": "acct_1", "region": "us-east-1"}
        plan: dict[str, Any] = {"name": "p", "strategy": "incremental", "target": {}, "counts": {}, "author": "ann"}
        approval = {"plan_hash": "h", "approved_hash": "h", "approval_expires_at": NEXT_YEAR}
        async with self.database.transaction() as session:
            session.add(Plan(id="plan_1", inventory_id=INVENTORY, estimate={}, **plan, **approval, **names))
            await session.flush()
            documents = [step.as_json() for step in steps]
            session.add(PlanDocument(plan_id="plan_1", steps=documents, findings=[], flows=[]))
            session.add(Job(id=JOB, plan_id="plan_1", action="execute", created_by="ann", **names))
            await session.flush()
            for seq, step in enumerate(steps):
                line = {"action": step.action, "subject": step.subject, "phase": step.phase}
                session.add(JobStep(job_id=JOB, step_id=step.id, seq=seq, attempts=1, **line))

    async def attend(self) -> tuple[str, list[str]]:
        """One worker's turn: the job's status after it, and what was changed."""
        async with self.database.reading() as session:
            account = Changed(self.clouds.open(await session.get_one(Account, "acct_1"), "us-east-1", JOB))
        terms = Terms("worker-1", lease_seconds=30.0, heartbeat_seconds=5.0)
        actions = {Change.action: Change(), Disturb.action: Disturb()}
        await JobRunner(self.database, account, MemoryBudget(), ScaledClock(), terms, actions).attend(JOB, Control())
        return (await Stored(self.database).job()).status, account.changes

    async def line(self) -> JobStep:
        return (await Stored(self.database).steps())[self.second.id]

    async def decide(self, decision: stepping.Decision) -> None:
        """A person's decision, and the job resumed."""
        async with self.database.transaction() as session:
            await stepping.decide(session, JOB, self.second.id, decision, "ben")
            await control.ask(session, JOB, "resume", "ben", FakeDoorbell())


@pytest.fixture
async def site(database: Database) -> Disturbed:
    site = Disturbed(database)
    await site.prepare()
    return site


async def test_a_step_whose_subject_changed_meanwhile_does_not_begin_and_says_what_changed(site: Disturbed) -> None:
    assert await site.attend() == ("halted", ["ec2.authorize_security_group_ingress"])

    line = await site.line()
    error: Any = line.error
    assert (line.state, line.attempts) == ("failed", 1)
    assert error["code"] == "drifted"
    assert [(each["ref"], each["fact"]) for each in error["changed"]] == [(str(site.app), "rules")]
    assert error["planning_anew"] == "would_do"
    assert "planning anew would do" in error["detail"]


async def test_tried_again_as_things_stand_it_halts_again(site: Disturbed) -> None:
    await site.attend()
    await site.decide("retry")

    assert await site.attend() == ("halted", [])
    assert (await site.line()).attempts == 1  # it has not begun yet


async def test_once_a_person_accepts_the_change_the_job_goes_on(site: Disturbed) -> None:
    await site.attend()
    await site.decide("accept-drift")

    assert await site.attend() == ("succeeded", ["ec2.create_key_pair"])
    assert [type_ for _, type_, _ in await Stored(site.database).events() if type_.startswith("step.drift")] == [
        "step.drift_accepted"
    ]


async def test_what_was_accepted_is_that_state_and_no_other(site: Disturbed) -> None:
    await site.attend()
    await site.decide("accept-drift")
    site.open_port(site.app, 23)

    assert await site.attend() == ("halted", [])


async def test_a_step_that_failed_for_another_reason_has_no_drift_to_accept(site: Disturbed) -> None:
    await site.attend()
    async with site.database.transaction() as session:
        line = await session.get_one(JobStep, (JOB, site.second.id))
        line.error = {"code": "step_broken", "detail": "x"}

    with pytest.raises(Conflict, match="retry or skip"):
        await site.decide("accept-drift")
    assert (await site.line()).state == "failed"
