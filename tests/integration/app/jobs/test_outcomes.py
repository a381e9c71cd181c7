"""What becomes of a job at the end of a drive: what happened, what a person asked for, the plan's own policy."""

from datetime import UTC, datetime
from typing import get_args

import pytest

from app.db import Database
from app.execution.executor import Outcome
from app.execution.journal import LeaseLost
from app.execution.pacing import Calls
from app.execution.states import JOB_MOVES
from app.jobs import outcomes
from app.jobs.leases import claim, release
from app.jobs.models import JobCalls
from tests.integration.app.jobs.conftest import JOB, Stored, planned


async def test_a_job_starts_once(stored: Stored, database: Database) -> None:
    await stored.make()
    lease = await stored.lease()

    assert await outcomes.started(database, lease)
    assert await outcomes.started(database, lease)

    job = await stored.job()
    assert (job.status, job.started_at is not None, job.finished_at) == ("running", True, None)
    assert [type_ for _, type_, _ in await stored.events()] == ["job.started"]


@pytest.mark.parametrize(("wish", "status"), [("pause", "paused"), ("cancel", "cancelled")])
async def test_a_job_that_is_not_wanted_any_more_does_not_start(
    stored: Stored, database: Database, wish: str, status: str
) -> None:
    await stored.make(requested=wish)

    assert not await outcomes.started(database, await stored.lease())

    job = await stored.job()
    assert (job.status, job.requested) == (status, None)
    assert (job.finished_at is not None) == (status == "cancelled")


@pytest.mark.parametrize(
    ("status", "outcome", "requested", "on_failure", "becomes"),
    [
        ("running", "succeeded", None, "halt", "succeeded"),
        ("running", "succeeded", "pause", "halt", "succeeded"),
        ("running", "succeeded", "cancel", "halt", "succeeded"),
        ("running", "succeeded", "undo", "halt", "undoing"),
        ("running", "halted", None, "halt", "halted"),
        ("running", "halted", None, "undo", "undoing"),
        ("running", "halted", "pause", "undo", "halted"),
        ("running", "halted", "cancel", "halt", "cancelled"),
        ("running", "halted", "undo", "halt", "undoing"),
        ("running", "stopped", "pause", "halt", "paused"),
        ("running", "stopped", "cancel", "halt", "cancelled"),
        ("running", "stopped", "undo", "halt", "undoing"),
        ("running", "stopped", None, "undo", "running"),
        ("running", "waiting_for_approval", None, "halt", "waiting_for_approval"),
        ("running", "waiting_for_approval", "pause", "halt", "paused"),
        ("running", "waiting_for_approval", "cancel", "halt", "cancelled"),
        ("undoing", "undone", None, "halt", "undone"),
        ("undoing", "undo_failed", None, "halt", "undo_failed"),
        ("undoing", "stopped", None, "halt", "undoing"),
    ],
)
async def test_the_end_of_a_drive_hears_what_a_person_asked_for(
    stored: Stored,
    database: Database,
    status: str,
    outcome: Outcome,
    requested: str | None,
    on_failure: str,
    becomes: str,
) -> None:
    await stored.make(status=status, requested=requested, on_failure=on_failure)

    now = await outcomes.settle(database, await stored.lease(), outcome)

    job = await stored.job()
    assert job.status == becomes
    stays = outcome == "stopped" and requested is None
    assert now == (None if stays else becomes)
    assert job.requested is None
    assert (job.finished_at is not None) == (becomes in ("succeeded", "cancelled", "undone", "undo_failed"))
    events = [(seq, type_) for seq, type_, _ in await stored.events()]
    assert events == ([] if stays else [(1, f"job.{becomes}")])


def test_every_outcome_is_among_those_above() -> None:
    told = {"succeeded", "halted", "stopped", "waiting_for_approval", "undone", "undo_failed"}
    assert set(get_args(Outcome)) == told


@pytest.mark.parametrize("keeping", [True, False])
async def test_a_job_that_keeps_at_a_gate_wants_a_worker_while_it_waits(
    stored: Stored, database: Database, keeping: bool
) -> None:
    await stored.make(status="running", approved_gates=["before:link"])
    at_gate = outcomes.AtGate(heard=frozenset({"before:link"}), keeping=keeping)
    lease = await stored.lease()

    assert await outcomes.settle(database, lease, "waiting_for_approval", at_gate) == "waiting_for_approval"
    await release(database, lease)

    assert ((await stored.job()).wake_at is not None) == keeping
    assert (await claim(database, JOB, "worker-2", 30.0) is not None) == keeping


async def test_a_gate_approved_while_the_drive_came_to_it_is_open(stored: Stored, database: Database) -> None:
    await stored.make(status="running", approved_gates=["before:link"])
    at_gate = outcomes.AtGate(heard=frozenset(), keeping=True)

    assert await outcomes.settle(database, await stored.lease(), "waiting_for_approval", at_gate) == "running"

    assert ((await stored.job()).status, await stored.events()) == ("running", [])


async def test_a_bug_met_at_a_gate_asks_for_a_person(stored: Stored, database: Database) -> None:
    await stored.make(status="waiting_for_approval", lease_holder="worker-1", wake_at=datetime.now(UTC))

    await outcomes.crashed(database, JOB, "worker-1")

    job = await stored.job()
    assert (job.status, job.wake_at) == ("halted", None)


async def test_a_halted_job_names_the_steps_that_failed(stored: Stored, database: Database) -> None:
    await stored.make(steps=3, status="running")
    await stored.fail(1, detail="no capacity")
    await stored.fail(2)

    await outcomes.settle(database, await stored.lease(), "halted")

    error = (await stored.job()).error
    wanted = {"code": "step_failed", "detail": f"{planned(1).id}: no capacity"}
    assert error == {**wanted, "steps": [planned(1).id, planned(2).id]}


async def test_a_refused_job_is_halted_with_the_reason(stored: Stored, database: Database) -> None:
    await stored.make(status="running")

    await outcomes.refuse(database, await stored.lease(), {"code": "drifted", "detail": "The account changed."})

    job = await stored.job()
    assert (job.status, job.error) == ("halted", {"code": "drifted", "detail": "The account changed."})


async def test_an_older_holder_settles_nothing(stored: Stored, database: Database) -> None:
    await stored.make(status="running")
    old = await stored.lease()
    await stored.expire()
    await stored.lease("worker-2")

    for act in (outcomes.started(database, old), outcomes.settle(database, old, "succeeded")):
        with pytest.raises(LeaseLost):
            await act
    assert ((await stored.job()).status, await stored.events()) == ("running", [])


@pytest.mark.parametrize(
    ("status", "becomes"), [("queued", "halted"), ("running", "halted"), ("undoing", "undo_failed")]
)
async def test_a_bug_asks_for_a_person(stored: Stored, database: Database, status: str, becomes: str) -> None:
    await stored.make(status=status, lease_holder="worker-1")

    await outcomes.crashed(database, JOB, "worker-1")

    job = await stored.job()
    assert job.status == becomes
    assert (job.error or {})["code"] == "internal_error"


@pytest.mark.parametrize("status", sorted(JOB_MOVES.keys() - {"queued", "running", "undoing"}))
async def test_a_job_that_no_worker_drove_is_left_alone(stored: Stored, database: Database, status: str) -> None:
    await stored.make(status=status, lease_holder="worker-1")

    await outcomes.crashed(database, JOB, "worker-1")

    assert (await stored.job()).status == status


async def test_a_bug_in_a_worker_that_lost_the_job_is_nothing_to_the_job(stored: Stored, database: Database) -> None:
    await stored.make(status="running", lease_holder="worker-2")

    await outcomes.crashed(database, JOB, "worker-1")

    assert ((await stored.job()).status, await stored.events()) == ("running", [])


async def test_a_bug_of_one_worker_says_nothing_of_a_job_that_another_drives(
    stored: Stored, database: Database
) -> None:
    await stored.make(status="running", lease_holder="worker-2")

    await outcomes.crashed(database, JOB, "worker-1")

    assert (await stored.job()).status == "running"


async def test_calls_of_several_drives_add_up(stored: Stored, database: Database) -> None:
    await stored.make()
    calls = Calls()
    calls.made.update({"ec2.create_image": 3, "ec2.describe_images": 5})
    calls.throttled.update({"ec2.create_image": 1})
    calls.failed.update({"ec2.describe_images": 2})

    for _ in range(2):
        await outcomes.count_calls(database, JOB, calls)
    await outcomes.count_calls(database, JOB, Calls())

    async with database.reading() as session:
        image = await session.get_one(JobCalls, (JOB, "ec2.create_image"))
        looks = await session.get_one(JobCalls, (JOB, "ec2.describe_images"))
    assert (image.made, image.throttled, image.failed) == (6, 2, 0)
    assert (looks.made, looks.throttled, looks.failed) == (10, 0, 4)
