"""What an undo would do, asked before anybody asks for it."""

from typing import Any

import pytest

from app.audit.chain import Line, append
from app.db import Database
from app.manners.principals import Role
from tests.api.conftest import Client, ClientFor
from tests.api.fakes import FakeDoorbell
from tests.api.jobs import (
    AUTHORIZE_DB,
    AUTHORIZE_WEB,
    CREATE_DB,
    CREATE_WEB,
    STEPS,
    a_job,
    an_approved_plan,
    events,
    hold,
    set_status,
    set_step,
)
from tests.api.shop import execute

Job = dict[str, Any]
STATUSES = {
    "queued": False,
    "running": True,
    "paused": True,
    "waiting_for_approval": True,
    "halted": True,
    "succeeded": True,
    "cancelled": True,
    "undoing": False,
    "undone": False,
    "undo_failed": True,
}
CLEAR_DB, DELETE_DB = "security_group.clear/security_group:sg-db", "security_group.delete/security_group:sg-db"


@pytest.fixture
async def job(admin: Client, client_for: ClientFor, database: Database, doorbell: FakeDoorbell) -> Job:
    """An execute job of the shop, queued; nobody has been rung since."""
    made = await a_job(admin, await an_approved_plan(admin, client_for, database))
    doorbell.rung.clear()
    return made


async def preview(client: Client, job: Job) -> dict[str, Any]:
    answer = await client.get(job["links"]["undo_preview"])
    assert answer.status_code == 200, answer.text
    assert answer.headers["Vary"] == "Accept"
    body: dict[str, Any] = answer.json()
    return body


async def have_done(database: Database, job: Job, *steps: str) -> None:
    for step in steps:
        await set_step(database, job, step, "succeeded", result="{}")


@pytest.mark.parametrize("status", sorted(STATUSES))
async def test_it_says_what_asking_for_undo_would_answer(
    admin: Client, database: Database, job: Job, status: str
) -> None:
    await set_status(database, job, status)
    told = await preview(admin, job)
    assert (told["status"], told["possible"]) == (status, STATUSES[status])
    asked = await admin.post(f"/v1/jobs/{job['id']}/undo")
    assert asked.status_code == (202 if told["possible"] else 409)
    refused = {key: asked.json()[key] for key in ("code", "detail")} if asked.status_code == 409 else None
    assert told.get("refusal") == refused


async def test_it_tells_the_steps_in_the_order_in_which_they_would_be_taken_back(
    admin: Client, database: Database, job: Job
) -> None:
    await set_status(database, job, "succeeded")
    await have_done(database, job, *STEPS)
    told = await preview(admin, job)
    assert [step["level"] for step in told["steps"]] == [1, 1, 2, 2]
    assert {step["id"] for step in told["steps"][:2]} == {AUTHORIZE_WEB, AUTHORIZE_DB}
    assert {step["id"] for step in told["steps"][2:]} == {CREATE_WEB, CREATE_DB}
    assert told["estimated_seconds"] == 2.0
    assert (told["untouched"], told["irreversible"], told["finalized"], told["at_work"]) == ([], [], [], False)
    [created] = [step for step in told["steps"] if step["id"] == CREATE_WEB]
    assert created["explanation"].endswith(".")
    assert (created["state"], created["serves_again"], created["serves_no_more"]) == ("succeeded", [], [])


async def test_what_was_never_done_is_left_and_what_was_tried_is_not(
    admin: Client, database: Database, job: Job
) -> None:
    await set_status(database, job, "halted")
    await have_done(database, job, CREATE_DB)
    await set_step(database, job, CREATE_WEB, "failed")
    await admin.post(f"{job['links']['steps']}/{CREATE_WEB}/skip")
    await admin.post(f"{job['links']['steps']}/{AUTHORIZE_WEB}/skip")
    told = await preview(admin, job)
    assert {(step["id"], step["state"]) for step in told["steps"]} == {
        (CREATE_DB, "succeeded"),
        (CREATE_WEB, "skipped"),
    }
    assert {(step["id"], step["state"]) for step in told["untouched"]} == {
        (AUTHORIZE_DB, "pending"),
        (AUTHORIZE_WEB, "skipped"),
    }


async def test_what_would_not_be_put_back_is_told_of_what_was_done_alone(
    admin: Client, database: Database, job: Job
) -> None:
    lost = """
        update plan_documents set steps = (select jsonb_agg(jsonb_set(e, '{not_undone}', '"All is lost."') order by n)
            from jsonb_array_elements(steps) with ordinality as t(e, n))
        """
    await execute(database, lost)
    await set_status(database, job, "halted")
    await have_done(database, job, CREATE_DB)
    told = await preview(admin, job)
    assert told["irreversible"] == [
        {
            "step": CREATE_DB,
            "subject": "security_group:sg-db",
            "phase": "prepare",
            "extent": "partly",
            "explanation": "All is lost.",
        }
    ]


async def test_while_it_is_undone_it_tells_what_is_left_to_take_back(
    admin: Client, database: Database, job: Job
) -> None:
    await set_status(database, job, "undo_failed")
    await have_done(database, job, CREATE_DB, CREATE_WEB)
    await set_step(database, job, AUTHORIZE_DB, "undone")
    await set_step(database, job, AUTHORIZE_WEB, "undo_failed")
    told = await preview(admin, job)
    assert {step["id"] for step in told["steps"]} == {CREATE_DB, CREATE_WEB, AUTHORIZE_WEB}
    assert (told["possible"], told["untouched"]) == (True, [])


async def test_a_job_at_work_comes_to_a_safe_point_first(admin: Client, database: Database, job: Job) -> None:
    await set_status(database, job, "running")
    await hold(database, job)
    told = await preview(admin, job)
    assert (told["possible"], told["at_work"]) == (True, True)


async def test_it_is_told_who_holds_the_account(admin: Client, database: Database, job: Job) -> None:
    await set_status(database, job, "cancelled")
    await have_done(database, job, CREATE_DB)
    other = await a_job(admin, {"id": job["plan_id"]})
    told = await preview(admin, job)
    assert (told["possible"], told["refusal"]["code"]) == (False, "job_conflict")
    assert other["id"] in told["refusal"]["detail"]
    assert [step["id"] for step in told["steps"]] == [CREATE_DB]  # it would, once the account is free


@pytest.fixture
async def finalize(admin: Client, database: Database, job: Job) -> Job:
    """A finalize job, queued, of a job that has moved everything."""
    await set_status(database, job, "succeeded")
    await have_done(database, job, *STEPS)
    return await a_job(admin, {"id": job["plan_id"]}, "finalize")


async def mean(database: Database, job: Job, step: str) -> None:
    """The intent of a changing call goes into the trail."""
    async with database.transaction() as session:
        await append(session, [Line("worker:1", "aws.intent", {"operation": "ec2.any"}, job["id"], step)])


@pytest.mark.parametrize("status", ["halted", "cancelled", "succeeded"])
async def test_once_a_source_is_destroyed_there_is_no_way_back_and_nothing_is_lost_by_asking(
    admin: Client, database: Database, job: Job, finalize: Job, status: str
) -> None:
    await have_done(database, finalize, CLEAR_DB)
    await set_step(database, finalize, DELETE_DB, "failed")
    await mean(database, finalize, DELETE_DB)
    await set_status(database, finalize, status)
    before = (await admin.get(job["links"]["steps"])).json()
    told = await preview(admin, job)
    assert (told["possible"], told["refusal"]["code"]) == (False, "job_state")
    assert finalize["id"] in told["refusal"]["detail"]
    assert (told["steps"], told["irreversible"], told["estimated_seconds"]) == ([], [], 0.0)
    assert [(step["job_id"], step["id"], step["state"]) for step in told["finalized"]] == [
        (finalize["id"], CLEAR_DB, "succeeded"),
        (finalize["id"], DELETE_DB, "failed"),
    ]
    assert all(step["explanation"].endswith(".") for step in told["finalized"])
    refused = await admin.post(f"/v1/jobs/{job['id']}/undo")
    assert refused.status_code == 409
    assert {key: refused.json()[key] for key in ("code", "detail")} == told["refusal"]
    assert (await admin.get(job["links"]["steps"])).json() == before
    assert (await admin.get(job["links"]["self"])).json()["status"] == "succeeded"
    assert (await preview(admin, finalize))["finalized"] == told["finalized"]


@pytest.mark.parametrize("state", ["failed", "pending", "skipped"])
@pytest.mark.parametrize("meant", [False, True])
async def test_a_step_that_found_its_source_in_use_and_changed_nothing_closes_no_way_back(
    admin: Client, database: Database, job: Job, finalize: Job, state: str, meant: bool
) -> None:
    await set_step(database, finalize, DELETE_DB, state)
    await execute(
        database, "update job_steps set started_at = now(), attempts = 2 where step_id = :step", step=DELETE_DB
    )
    await mean(database, finalize, DELETE_DB if meant else CLEAR_DB.replace("sg-db", "sg-of-another-job"))
    await set_status(database, finalize, "cancelled")
    told = await preview(admin, job)
    assert told["possible"] is not meant
    assert [step["id"] for step in told["finalized"]] == ([DELETE_DB] if meant else [])
    assert (await admin.post(f"/v1/jobs/{job['id']}/undo")).status_code == (409 if meant else 202)


async def test_a_finalize_job_that_destroyed_nothing_closes_no_way_back(
    admin: Client, database: Database, job: Job, finalize: Job
) -> None:
    held = await preview(admin, job)
    assert (held["possible"], held["refusal"]["code"], held["finalized"]) == (False, "job_conflict", [])
    await set_status(database, finalize, "cancelled")  # begun, and refused before its first step
    told = await preview(admin, job)
    assert (told["possible"], len(told["steps"]), told["finalized"]) == (True, 4, [])
    assert (await admin.post(f"/v1/jobs/{job['id']}/undo")).status_code == 202


@pytest.mark.parametrize("action", ["dry_run", "finalize"])
async def test_of_a_dry_run_and_a_finalize_job_nothing_is_taken_back(
    admin: Client, database: Database, job: Job, action: str
) -> None:
    await set_status(database, job, "succeeded")
    other = await a_job(admin, {"id": job["plan_id"]}, action)
    await set_status(database, other, "halted")
    told = await preview(admin, other)
    assert (told["possible"], told["refusal"]["code"]) == (False, "job_state")
    assert (told["steps"], told["untouched"]) == ([], [])


async def test_a_finalize_job_halts_even_where_the_plan_says_undo(
    admin: Client, client_for: ClientFor, database: Database
) -> None:
    plan = await an_approved_plan(admin, client_for, database, settings={"on_failure": "undo"})
    moved = await a_job(admin, plan)
    await set_status(database, moved, "succeeded")
    finalize = await a_job(admin, plan, "finalize")
    assert (moved["on_failure"], finalize["on_failure"]) == ("undo", "halt")


async def test_asking_changes_nothing(admin: Client, database: Database, job: Job, doorbell: FakeDoorbell) -> None:
    await set_status(database, job, "succeeded")
    await have_done(database, job, *STEPS)
    before = (await admin.get(job["links"]["self"])).json()
    trail = (await admin.get("/v1/audit")).json()
    await preview(admin, job)
    assert (await admin.get(job["links"]["self"])).json() == before
    assert (await admin.get("/v1/audit")).json() == trail
    assert await events(admin, job) == ["job.queued"]
    assert doorbell.rung == []


async def test_whoever_may_read_jobs_may_ask(client_for: ClientFor, anonymous: Client, job: Job) -> None:
    for role in Role:
        assert (await (await client_for(role)).get(job["links"]["undo_preview"])).status_code == 200
    nobody = await anonymous.get(job["links"]["undo_preview"])
    assert (nobody.status_code, nobody.json()["code"]) == (401, "unauthorized")
    missing = await (await client_for(Role.VIEWER)).get("/v1/jobs/job_none/undo")
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")


async def test_it_comes_as_markdown_too(admin: Client, database: Database, job: Job, finalize: Job) -> None:
    link, marked = job["links"]["undo_preview"], {"Accept": "text/markdown"}
    await execute(database, "update jobs set status = 'cancelled', finished_at = now() where action = 'finalize'")
    possible = await admin.get(link, headers=marked)
    assert possible.headers["content-type"] == "text/markdown; charset=utf-8"
    assert f"# Undo of job `{job['id']}`: possible" in possible.text
    assert f"- 2: `{CREATE_WEB}`, about 1 s" in possible.text
    assert "Nothing: all is put back." in possible.text
    await have_done(database, finalize, CLEAR_DB)
    closed = (await admin.get(link, headers=marked)).text
    assert "not possible" in closed
    assert f"- `{CLEAR_DB}` of job `{finalize['id']}`, succeeded: " in closed
    unknown = await admin.get(link, headers={"Accept": "image/png"})
    assert (unknown.status_code, unknown.json()["code"]) == (406, "not_acceptable")
