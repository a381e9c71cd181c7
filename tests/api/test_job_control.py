"""What people may ask of a job, and when."""

import asyncio
from typing import Any

import pytest

from app.db import Database
from app.manners.principals import Role
from tests.api.conftest import Client, ClientFor
from tests.api.fakes import FakeDoorbell
from tests.api.jobs import (
    AUTHORIZE_DB,
    CREATE_DB,
    CREATE_WEB,
    a_job,
    an_approved_plan,
    events,
    hold,
    set_status,
    set_step,
)
from tests.api.shop import execute

Job = dict[str, Any]

GATES = {"settings": {"gates": ["before:instances"]}}
WISHES = ("pause", "resume", "cancel", "undo")
ALLOWED = {
    "queued": {"pause", "cancel"},
    "running": {"pause", "cancel", "undo"},
    "paused": {"resume", "cancel", "undo"},
    "waiting_for_approval": {"pause", "resume", "cancel", "undo"},
    "halted": {"resume", "cancel", "undo"},
    "succeeded": {"undo"},
    "cancelled": {"undo"},
    "undoing": set(),
    "undone": set(),
    "undo_failed": {"undo"},
}


@pytest.fixture
async def job(admin: Client, client_for: ClientFor, database: Database, doorbell: FakeDoorbell) -> Job:
    """An execute job of the shop, queued; nobody has been rung since."""
    made = await a_job(admin, await an_approved_plan(admin, client_for, database, **GATES))
    doorbell.rung.clear()
    return made


async def ask(client: Client, job: Job, wish: str) -> Job:
    answer = await client.post(f"/v1/jobs/{job['id']}/{wish}")
    assert answer.status_code == 202, answer.text
    body: Job = answer.json()
    return body


@pytest.mark.parametrize("status", sorted(ALLOWED))
async def test_a_status_admits_what_its_links_say_and_nothing_else(
    admin: Client, database: Database, job: Job, status: str
) -> None:
    await set_status(database, job, status)
    links = (await admin.get(job["links"]["self"])).json()["links"]
    assert set(WISHES) & links.keys() == ALLOWED[status]
    for wish in set(WISHES) - ALLOWED[status]:
        refused = await admin.post(f"/v1/jobs/{job['id']}/{wish}")
        assert (refused.status_code, refused.json()["code"]) == (409, "job_state")
        assert all(other in refused.json()["detail"] for other in ALLOWED[status])
    assert (await admin.get(job["links"]["self"])).json()["status"] == status
    assert await events(admin, job) == ["job.queued"]


async def test_a_queued_job_that_nobody_holds_is_paused_and_cancelled_at_once(
    admin: Client, database: Database, job: Job, doorbell: FakeDoorbell
) -> None:
    assert (await ask(admin, job, "pause"))["status"] == "paused"
    ended = await ask(admin, job, "cancel")
    assert (ended["status"], ended["done"]) == ("cancelled", True)
    assert ended["finished_at"]
    assert await events(admin, job) == ["job.queued", "job.paused", "job.cancelled"]
    assert doorbell.rung == []


@pytest.mark.parametrize("status", ["queued", "running"])
async def test_a_worker_that_holds_the_job_is_asked(admin: Client, database: Database, job: Job, status: str) -> None:
    await set_status(database, job, status)
    await hold(database, job)
    asked = await ask(admin, job, "pause")
    assert (asked["status"], asked["requested"]) == (status, "pause")
    assert await ask(admin, job, "pause") == asked
    assert (await ask(admin, job, "cancel"))["requested"] == "cancel"
    weaker = await admin.post(f"/v1/jobs/{job['id']}/pause")
    assert (weaker.status_code, weaker.json()["code"]) == (409, "job_state")
    assert await events(admin, job) == ["job.queued", "job.pause_requested", "job.cancel_requested"]


async def test_a_lease_that_ran_out_holds_nothing(admin: Client, database: Database, job: Job) -> None:
    await hold(database, job, seconds=-1)
    assert (await ask(admin, job, "cancel"))["status"] == "cancelled"


async def test_a_paused_job_goes_on_and_rings(
    admin: Client, database: Database, job: Job, doorbell: FakeDoorbell
) -> None:
    await set_status(database, job, "paused")
    assert (await ask(admin, job, "resume"))["status"] == "running"
    assert doorbell.rung == [("job", job["id"])]
    assert (await events(admin, job))[-1] == "job.resumed"


async def test_a_halted_job_goes_on_once_what_failed_is_retried_or_skipped(
    admin: Client, database: Database, job: Job
) -> None:
    await set_status(database, job, "halted")
    await execute(database, """update jobs set error = '{"code": "step_failed", "detail": "x"}'""")
    for step in (CREATE_DB, CREATE_WEB):
        await set_step(database, job, step, "failed")
    refused = await admin.post(f"/v1/jobs/{job['id']}/resume")
    assert (refused.status_code, refused.json()["code"]) == (409, "job_state")
    assert CREATE_DB in refused.json()["detail"]
    retried = await admin.post(f"{job['links']['steps']}/{CREATE_DB}/retry")
    assert retried.status_code == 200
    assert {k: retried.json().get(k) for k in ("id", "state", "attempts", "error")} == {
        "id": CREATE_DB,
        "state": "pending",
        "attempts": 2,
        "error": None,
    }
    skipped = await admin.post(f"{job['links']['steps']}/{CREATE_WEB}/skip")
    assert skipped.json()["state"] == "skipped"
    assert (await admin.get(job["links"]["self"])).json()["progress"] == {
        "total": 4, "done": 1, "running": 0, "waiting": 0, "failed": 0, "undone": 0,
    }  # fmt: skip
    resumed = await ask(admin, job, "resume")
    assert resumed["status"] == "running"
    assert "error" not in resumed
    assert await events(admin, job) == ["job.queued", "step.retried", "step.skipped", "job.resumed"]


@pytest.mark.parametrize(
    ("status", "state", "decision"),
    [
        ("halted", "pending", "retry"),
        ("halted", "succeeded", "retry"),
        ("halted", "succeeded", "skip"),
        ("halted", "failed", "accept-drift"),
        ("running", "failed", "retry"),
        ("running", "pending", "skip"),
        ("cancelled", "failed", "retry"),
    ],
)
async def test_a_step_that_may_not_be_decided_on_stays_as_it_is(
    admin: Client, database: Database, job: Job, status: str, state: str, decision: str
) -> None:
    await set_status(database, job, status)
    await set_step(database, job, AUTHORIZE_DB, state)
    refused = await admin.post(f"{job['links']['steps']}/{AUTHORIZE_DB}/{decision}")
    assert (refused.status_code, refused.json()["code"]) == (409, "job_state")
    assert await events(admin, job) == ["job.queued"]


async def test_a_step_that_the_job_has_not_got_is_not_found(admin: Client, job: Job) -> None:
    answer = await admin.post(f"{job['links']['steps']}/a.b/c:d/retry")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_a_gate_is_approved_by_an_approver_and_the_waiting_job_goes_on(
    client_for: ClientFor, admin: Client, database: Database, job: Job, doorbell: FakeDoorbell
) -> None:
    await set_status(database, job, "waiting_for_approval")
    link = (await admin.get(job["links"]["self"])).json()["links"]["approve_gate"]
    operator, approver = await client_for(Role.OPERATOR), await client_for(Role.APPROVER)
    assert (await operator.post(link)).status_code == 403
    approved = await approver.post(link)
    assert approved.status_code == 200
    assert approved.json()["status"] == "running"
    assert approved.json()["gates"] == [{"gate": "before:instances", "approved": True}]
    assert doorbell.rung == [("job", job["id"])]
    assert await events(admin, job) == ["job.queued", "gate.approved", "job.resumed"]


async def test_a_job_that_keeps_at_its_gate_is_stopped_by_its_worker(
    admin: Client, database: Database, job: Job, doorbell: FakeDoorbell
) -> None:
    await set_status(database, job, "waiting_for_approval")
    await execute(database, "update jobs set wake_at = now() where id = :job", job=job["id"])
    asked = await ask(admin, job, "pause")
    assert (asked["status"], asked["requested"]) == ("waiting_for_approval", "pause")
    assert doorbell.rung == [("job", job["id"])]
    assert await events(admin, job) == ["job.queued", "job.pause_requested"]

    approved = await admin.post(f"/v1/jobs/{job['id']}/gates/before:instances/approve")
    assert (approved.json()["status"], approved.json()["requested"]) == ("waiting_for_approval", "pause")


async def test_a_gate_can_be_approved_ahead_and_once(admin: Client, job: Job) -> None:
    link = f"/v1/jobs/{job['id']}/gates/before:instances/approve"
    first, again = await admin.post(link), await admin.post(link)
    assert first.json() == again.json()
    assert first.json()["status"] == "queued"
    assert await events(admin, job) == ["job.queued", "gate.approved"]
    unknown = await admin.post(f"/v1/jobs/{job['id']}/gates/before:lunch/approve")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")


async def test_a_job_that_is_over_comes_to_no_gate(admin: Client, database: Database, job: Job) -> None:
    await set_status(database, job, "succeeded")
    refused = await admin.post(f"/v1/jobs/{job['id']}/gates/before:instances/approve")
    assert (refused.status_code, refused.json()["code"]) == (409, "job_state")


async def test_a_succeeded_job_is_undone_and_holds_its_account_again(
    admin: Client, database: Database, job: Job, doorbell: FakeDoorbell
) -> None:
    await set_status(database, job, "succeeded")
    undone = await ask(admin, job, "undo")
    assert (undone["status"], undone["done"]) == ("undoing", False)
    assert "finished_at" not in undone
    assert doorbell.rung == [("job", job["id"])]
    again = await admin.post("/v1/jobs", json={"plan_id": job["plan_id"], "action": "execute"})
    assert again.json()["code"] == "job_conflict"


async def test_a_job_is_not_undone_while_another_holds_its_account(admin: Client, database: Database, job: Job) -> None:
    await set_status(database, job, "cancelled")
    other = await a_job(admin, {"id": job["plan_id"]})
    refused = await admin.post(f"/v1/jobs/{job['id']}/undo")
    assert (refused.status_code, refused.json()["code"]) == (409, "job_conflict")
    assert other["id"] in refused.json()["detail"]
    assert (await admin.get(job["links"]["self"])).json()["status"] == "cancelled"
    assert await events(admin, job) == ["job.queued"]


async def test_a_job_is_not_undone_once_its_sources_are_being_destroyed(
    admin: Client, database: Database, job: Job
) -> None:
    await set_status(database, job, "succeeded")
    finalize = await a_job(admin, {"id": job["plan_id"]}, "finalize")
    await set_status(database, finalize, "cancelled")
    await set_step(database, finalize, "security_group.clear/security_group:sg-db", "succeeded")
    refused = await admin.post(f"/v1/jobs/{job['id']}/undo")
    assert (refused.status_code, refused.json()["code"]) == (409, "job_state")
    assert finalize["id"] in refused.json()["detail"]


async def test_a_finalize_job_and_a_dry_run_are_not_undone(admin: Client, database: Database, job: Job) -> None:
    await set_status(database, job, "succeeded")
    for action in ("dry_run", "finalize"):
        other = await a_job(admin, {"id": job["plan_id"]}, action)
        await set_status(database, other, "halted")
        refused = await admin.post(f"/v1/jobs/{other['id']}/undo")
        assert (refused.status_code, refused.json()["code"]) == (409, "job_state")


async def test_wishes_at_once_leave_one_history_without_a_gap(admin: Client, database: Database, job: Job) -> None:
    await set_status(database, job, "running")
    await hold(database, job)
    links = [f"/v1/jobs/{job['id']}/{wish}" for wish in ("pause", "cancel", "undo") * 3]
    answers = await asyncio.gather(*(admin.post(link) for link in links))
    assert {answer.status_code for answer in answers} <= {202, 409}
    assert (await admin.get(job["links"]["self"])).json()["requested"] == "undo"
    told = await events(admin, job)
    assert told[-1] == "job.undo_requested"
    assert len(told) == len(set(told))


async def test_a_repeated_wish_is_heard_once(admin: Client, database: Database, job: Job) -> None:
    await set_status(database, job, "paused")
    key = {"Idempotency-Key": "k"}
    first, again = [await admin.post(f"/v1/jobs/{job['id']}/resume", headers=key) for _ in range(2)]
    assert (again.status_code, again.content) == (202, first.content)
    assert (await events(admin, job)).count("job.resumed") == 1


async def test_only_operators_ask(client_for: ClientFor, job: Job) -> None:
    approver = await client_for(Role.APPROVER)
    for wish in (*WISHES, f"steps/{CREATE_DB}/retry", f"steps/{CREATE_DB}/skip"):
        assert (await approver.post(f"/v1/jobs/{job['id']}/{wish}")).status_code == 403
