"""A job that waits at a gate keeps what it made true, whoever's worker it is, and hears a person as any job does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from app.accounts.models import Account
from app.cloud import Cloud
from app.execution.attempts import Control
from app.execution.clock import ScaledClock
from app.execution.pacing import MemoryBudget
from app.execution.step import Result, Run, Step
from app.jobs import control, stepping
from app.jobs.models import Job, JobStep
from app.jobs.runner import JobRunner, Terms
from app.planning.context import Context
from app.planning.inventory import Resource
from app.planning.plan import Draft
from app.plans.models import Plan, PlanDocument
from tests.integration.app.jobs.conftest import JOB, Stored, planned

FASTER = 600.0  # seconds of AWS's time in one of ours: a round every tenth of a second
GATE = "before:link"
NEXT_YEAR = datetime.now(UTC) + timedelta(days=365)


class Rung:
    """A doorbell that nobody answers."""

    async def ring(self, kind: str, id: str) -> None:
        """Nobody is in."""

    async def ping(self) -> bool:
        return True

    async def close(self) -> None:
        """Nothing to give back."""


class Visited:
    """An account that counts its calls and tells when there were so many; and opens itself."""

    region = "us-east-1"

    def __init__(self) -> None:
        self.calls: list[str] = []
        self._called = asyncio.Condition()

    def open(self, account: Account, region: str, name: str) -> Cloud:
        return self

    async def call(self, operation: str, /, **params: Any) -> dict[str, Any]:
        async with self._called:
            self.calls.append(operation)
            self._called.notify_all()
        return {}

    async def pages(self, operation: str, /, **params: Any) -> AsyncIterator[dict[str, Any]]:
        yield await self.call(operation, **params)

    async def called(self, more: int) -> None:
        """Wait until there have been so many more calls."""
        wanted = len(self.calls) + more
        async with asyncio.timeout(20), self._called:
            await self._called.wait_for(lambda: len(self.calls) >= wanted)


class Tend(Step):
    """Looks after its toy once a minute."""

    action = "toy.make"
    subject = "toy"
    phase = "prepare"
    keeps_every = 60.0

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        return Draft({}, "Make a toy.")

    async def do(self, run: Run) -> Result:
        await run.cloud.call("toy.make")
        return {}

    async def keep(self, run: Run, result: Result) -> None:
        await run.cloud.call("toy.tend")

    async def undo(self, run: Run, result: Result | None) -> None:
        await run.cloud.call("toy.remove")


class Careless(Tend):
    """Keeps nothing."""

    keeps_every = 0.0


class Scene:
    """A job whose first step is done and whose second lies behind a gate, in a real database."""

    def __init__(self, stored: Stored) -> None:
        self.stored = stored
        self.account = Visited()
        self.step: Step = Tend()

    async def make(self) -> None:
        await self.stored.make(steps=2, status="running", gates=[GATE])
        first, second = planned(0), planned(1)
        second = replace(second, needs=(first.id,), phase="link")
        first = replace(first, kept_until=(second.id,))
        async with self.stored.database.transaction() as session:
            bodies = [step.as_json() for step in (first, second)]
            await session.execute(update(PlanDocument).values(steps=bodies))
            await session.execute(update(Plan).values(approved_hash="h", approval_expires_at=NEXT_YEAR))
            done = update(JobStep).where(JobStep.step_id == first.id)
            await session.execute(done.values(state="succeeded", result={}))

    @asynccontextmanager
    async def worker(self, name: str = "worker-1", stop: Control | None = None) -> AsyncIterator["asyncio.Task[None]"]:
        """A worker that attends to the job; it is gone, without a word, when the block ends."""
        terms, clock = Terms(name, lease_seconds=30.0, heartbeat_seconds=0.05), ScaledClock(FASTER)
        actions = {self.step.action: self.step}
        runner = JobRunner(self.stored.database, self.account, MemoryBudget(), clock, terms, actions)
        task = asyncio.create_task(runner.attend(JOB, stop or Control()))
        try:
            async with asyncio.timeout(30):
                yield task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def ask(self, wish: str) -> Job:
        async with self.stored.database.transaction() as session:
            return await control.ask(session, JOB, wish, "ann", Rung())

    async def approve(self) -> Job:
        async with self.stored.database.transaction() as session:
            return await stepping.approve_gate(session, JOB, GATE, "ann", Rung())

    async def events(self) -> list[str]:
        return [type_ for _, type_, _ in await self.stored.events()]


@pytest.fixture
async def scene(stored: Stored) -> Scene:
    made = Scene(stored)
    await made.make()
    return made


async def test_a_job_that_waits_at_a_gate_keeps_until_it_is_approved_and_then_goes_on(scene: Scene) -> None:
    async with scene.worker() as work:
        await scene.account.called(4)
        assert (await scene.stored.job()).status == "waiting_for_approval"

        await scene.approve()
        await work

    job = await scene.stored.job()
    assert (job.status, job.lease_holder, job.wake_at) == ("succeeded", None, None)
    assert scene.account.calls[-2:] == ["toy.tend", "toy.make"]
    assert await scene.events() == [
        "job.waiting_for_approval",
        "gate.approved",
        "job.resumed",
        "step.running",
        "step.succeeded",
        "job.succeeded",
    ]


@pytest.mark.parametrize(("wish", "becomes"), [("pause", "paused"), ("cancel", "cancelled")])
async def test_a_job_at_a_gate_is_paused_or_cancelled_once_no_round_is_under_way(
    scene: Scene, wish: str, becomes: str
) -> None:
    async with scene.worker() as work:
        await scene.account.called(3)

        asked = await scene.ask(wish)
        assert (asked.status, asked.requested) == ("waiting_for_approval", wish)
        await work

    job = await scene.stored.job()
    assert (job.status, job.requested, job.lease_holder, job.wake_at) == (becomes, None, None, None)
    assert (await scene.events())[-2:] == [f"job.{wish}_requested", f"job.{becomes}"]


async def test_a_job_at_a_gate_is_undone_at_once_by_the_worker_that_keeps(scene: Scene) -> None:
    async with scene.worker() as work:
        await scene.account.called(3)
        await scene.ask("undo")
        await work

    assert (await scene.stored.job()).status == "undone"
    assert scene.account.calls[-1] == "toy.remove"


async def test_a_job_that_was_paused_at_its_gate_keeps_again_when_it_goes_on(scene: Scene) -> None:
    async with scene.worker() as work:
        await scene.account.called(2)
        await scene.ask("pause")
        await work

    await scene.ask("resume")
    async with scene.worker("worker-2"):
        await scene.account.called(3)
        assert (await scene.stored.job()).status == "waiting_for_approval"


async def test_to_resume_at_a_gate_changes_nothing(scene: Scene) -> None:
    async with scene.worker() as work:
        await scene.account.called(2)

        assert (await scene.ask("resume")).status == "running"
        async with asyncio.timeout(20):
            while (await scene.events()).count("job.waiting_for_approval") < 2:
                await scene.account.called(1)

        await scene.account.called(2)
        assert not work.done()


async def test_an_approval_does_not_undo_the_wish_to_pause(scene: Scene) -> None:
    async with scene.worker() as work:
        await scene.account.called(2)
        await scene.ask("pause")
        await scene.approve()
        await work

    job = await scene.stored.job()
    assert (job.status, job.approved_gates) == ("paused", [GATE])


async def test_the_keeping_of_a_dead_worker_is_taken_over(scene: Scene) -> None:
    async with scene.worker():
        await scene.account.called(3)
    await scene.stored.expire()

    async with scene.worker("worker-2"):
        await scene.account.called(3)
        job = await scene.stored.job()
    assert (job.status, job.lease_holder) == ("waiting_for_approval", "worker-2")
    assert await scene.events() == ["job.waiting_for_approval"]


async def test_a_worker_that_is_sent_away_leaves_the_keeping_to_the_next(scene: Scene) -> None:
    stop = Control()
    async with scene.worker(stop=stop) as work:
        await scene.account.called(3)
        stop.stop()
        await work
    assert (await scene.stored.job()).status == "waiting_for_approval"

    async with scene.worker("worker-2"):
        await scene.account.called(2)


async def test_a_wish_that_a_dead_worker_did_not_hear_is_heard_by_the_next_before_it_keeps(scene: Scene) -> None:
    async with scene.worker():
        await scene.account.called(3)
    assert (await scene.ask("pause")).requested == "pause"
    await scene.stored.expire()
    before = len(scene.account.calls)

    async with scene.worker("worker-2") as work:
        await work

    assert (await scene.stored.job()).status == "paused"
    assert len(scene.account.calls) == before


async def test_a_void_approval_halts_what_waits_before_another_worker_keeps_it(scene: Scene) -> None:
    async with scene.worker():
        await scene.account.called(3)
    await scene.stored.expire()
    async with scene.stored.database.transaction() as session:
        await session.execute(update(Plan).values(approved_hash=None))
    before = len(scene.account.calls)

    async with scene.worker("worker-2") as work:
        await work

    assert (await scene.stored.job()).status == "halted"
    assert len(scene.account.calls) == before


async def test_a_job_that_keeps_nothing_is_given_up_at_its_gate_and_paused_at_once(scene: Scene) -> None:
    scene.step = Careless()
    async with scene.worker() as work:
        await work

    job = await scene.stored.job()
    assert (job.status, job.lease_holder, job.wake_at) == ("waiting_for_approval", None, None)
    assert (await scene.ask("pause")).status == "paused"
    assert scene.account.calls == []
