"""Jobs over HTTP: what may be queued, and how a job is read."""

import asyncio

import pytest

from app.db import Database
from app.manners.principals import Role
from tests.api.conftest import Client, ClientFor
from tests.api.fakes import FakeDoorbell
from tests.api.jobs import CREATE_WEB, STEPS, a_job, an_approved_plan, events, set_status, set_step
from tests.api.shop import a_plan, execute, pointers

GATES = {"settings": {"gates": ["before:instances", "before:finalize"], "on_failure": "undo"}}


async def test_a_job_is_queued_with_its_steps_and_rings_for_a_worker(
    admin: Client, client_for: ClientFor, database: Database, doorbell: FakeDoorbell
) -> None:
    plan = await an_approved_plan(admin, client_for, database, **GATES)
    made = await admin.post("/v1/jobs", json={"plan_id": plan["id"], "action": "execute"})
    assert made.status_code == 202
    job = made.json()
    assert (job["status"], job["done"], job["on_failure"]) == ("queued", False, "undo")
    assert made.headers["Location"] == job["links"]["self"]
    assert made.headers["Retry-After"] == "2"
    assert job["gates"] == [{"gate": "before:instances", "approved": False}]
    assert job["estimate"] == plan["estimate"]
    assert job["progress"]["total"] == 4
    assert doorbell.rung == [("job", job["id"])]
    steps = (await admin.get(job["links"]["steps"])).json()["items"]
    assert [step["id"] for step in steps] == STEPS
    assert {(step["state"], step["attempts"]) for step in steps} == {("pending", 1)}
    assert await events(admin, job) == ["job.queued"]


async def test_a_draft_can_be_rehearsed_but_not_executed(admin: Client, database: Database) -> None:
    plan = await a_plan(admin, database, **GATES)
    job = await a_job(admin, plan, "dry_run")
    assert job["gates"] == []
    assert "estimate" not in job
    for action in ("execute", "finalize"):
        refused = await admin.post("/v1/jobs", json={"plan_id": plan["id"], "action": action})
        assert (refused.status_code, refused.json()["code"]) == (409, "plan_not_approved")


async def test_a_plan_that_changed_after_its_approval_is_not_executed(
    admin: Client, client_for: ClientFor, database: Database
) -> None:
    plan = await an_approved_plan(admin, client_for, database)
    await admin.patch(plan["links"]["self"], json={"name": "other"}, headers={"If-Match": plan["etag"]})
    refused = await admin.post("/v1/jobs", json={"plan_id": plan["id"], "action": "execute"})
    assert refused.json()["code"] == "plan_not_approved"


async def test_finalizing_comes_after_a_job_that_succeeded(
    admin: Client, client_for: ClientFor, database: Database
) -> None:
    plan = await an_approved_plan(admin, client_for, database, **GATES)
    early = await admin.post("/v1/jobs", json={"plan_id": plan["id"], "action": "finalize"})
    assert (early.status_code, early.json()["code"]) == (409, "job_state")
    await set_status(database, await a_job(admin, plan), "succeeded")
    again = await admin.post("/v1/jobs", json={"plan_id": plan["id"], "action": "execute"})
    assert (again.status_code, again.json()["code"]) == (409, "job_state")
    job = await a_job(admin, plan, "finalize")
    assert job["gates"] == [{"gate": "before:finalize", "approved": False}]
    steps = (await admin.get(job["links"]["steps"])).json()["items"]
    assert {step["phase"] for step in steps} == {"finalize"}
    assert [step["seq"] for step in steps] == [1, 2, 3, 4]


async def test_a_second_changing_job_is_refused_and_told_who_holds_the_account(
    admin: Client, client_for: ClientFor, database: Database
) -> None:
    plan = await an_approved_plan(admin, client_for, database)
    job = await a_job(admin, plan)
    refused = await admin.post("/v1/jobs", json={"plan_id": plan["id"], "action": "execute"})
    assert (refused.status_code, refused.json()["code"]) == (409, "job_conflict")
    assert job["id"] in refused.json()["detail"]
    await a_job(admin, plan, "dry_run")
    await set_status(database, job, "undone")
    await a_job(admin, plan)


async def test_of_two_jobs_made_at_once_one_is_refused(
    admin: Client, client_for: ClientFor, database: Database
) -> None:
    plan = await an_approved_plan(admin, client_for, database)
    body = {"plan_id": plan["id"], "action": "execute"}
    answers = await asyncio.gather(*(admin.post("/v1/jobs", json=body) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [202, 409, 409, 409]
    [job] = (await admin.get("/v1/jobs")).json()["items"]
    assert all(job["id"] in answer.json()["detail"] for answer in answers if answer.status_code == 409)


async def test_a_repeated_request_makes_one_job_and_rings_once(
    admin: Client, client_for: ClientFor, database: Database, doorbell: FakeDoorbell
) -> None:
    plan = await an_approved_plan(admin, client_for, database)
    body, key = {"plan_id": plan["id"], "action": "execute"}, {"Idempotency-Key": "k"}
    first, again = [await admin.post("/v1/jobs", json=body, headers=key) for _ in range(2)]
    assert (first.status_code, again.content) == (202, first.content)
    assert len(doorbell.rung) == 1


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"plan_id": "plan_nobody"}, ("/plan_id", "unknown_plan")),
        ({"action": "hope"}, ("/action", "literal_error")),
        ({"surprise": 1}, ("/surprise", "extra_forbidden")),
    ],
)
async def test_a_wrong_job_is_pointed_at(
    admin: Client, database: Database, change: dict[str, object], expected: tuple[str, str]
) -> None:
    plan = await a_plan(admin, database)
    answer = await admin.post("/v1/jobs", json={"plan_id": plan["id"], "action": "dry_run"} | change)
    assert answer.status_code == 422
    assert pointers(answer.json()) == [expected]


async def test_waiting_ends_when_the_job_changes(admin: Client, database: Database) -> None:
    job = await a_job(admin, await a_plan(admin, database), "dry_run")
    waiting = asyncio.create_task(admin.get(job["links"]["self"], headers={"Prefer": "wait=20"}))
    await set_status(database, job, "succeeded")
    async with asyncio.timeout(10):
        answer = await waiting
    assert (answer.json()["status"], answer.json()["done"]) == ("succeeded", True)
    assert "Retry-After" not in answer.headers


async def test_a_reader_who_has_the_newest_version_is_told_so(admin: Client, database: Database) -> None:
    job = await a_job(admin, await a_plan(admin, database), "dry_run")
    tag = (await admin.get(job["links"]["self"])).headers["ETag"]
    assert (await admin.get(job["links"]["self"], headers={"If-None-Match": tag})).status_code == 304
    await set_status(database, job, "running")
    assert (await admin.get(job["links"]["self"], headers={"If-None-Match": tag})).status_code == 200


async def test_steps_are_listed_in_order_page_by_page_and_by_state(admin: Client, database: Database) -> None:
    job = await a_job(admin, await a_plan(admin, database), "dry_run")
    await set_step(database, job, CREATE_WEB, "failed")
    first = (await admin.get(job["links"]["steps"], params={"limit": 3})).json()
    rest = await admin.get(job["links"]["steps"], params={"limit": 3, "cursor": first["next_cursor"]})
    assert [step["id"] for step in first["items"] + rest.json()["items"]] == STEPS
    [failed] = (await admin.get(job["links"]["steps"], params={"state": "failed"})).json()["items"]
    assert failed["error"] == {"code": "step_broken", "detail": "It is full."}


async def test_jobs_are_listed_newest_first_and_by_plan_and_status(admin: Client, database: Database) -> None:
    one, two = await a_plan(admin, database), await a_plan(admin, database, account="other")
    jobs = [(await a_job(admin, plan, "dry_run"))["id"] for plan in (one, two)]
    await execute(database, "update jobs set status = 'paused' where id = :job", job=jobs[1])
    assert [job["id"] for job in (await admin.get("/v1/jobs")).json()["items"]] == jobs[::-1]
    for query, expected in (({"plan_id": one["id"]}, jobs[:1]), ({"status": "paused"}, jobs[1:])):
        assert [job["id"] for job in (await admin.get("/v1/jobs", params=query)).json()["items"]] == expected


@pytest.mark.parametrize("accept", ["text/plain", "text/markdown"])
async def test_a_job_has_a_summary_for_a_chat(admin: Client, database: Database, accept: str) -> None:
    job = await a_job(admin, await a_plan(admin, database), "dry_run")
    error = '{"code": "step_failed", "detail": "<!channel> *now*"}'
    await execute(database, "update jobs set status = 'halted', error = cast(:error as jsonb)", error=error)
    answer = await admin.get(job["links"]["self"], headers={"Accept": accept})
    assert answer.headers["content-type"] == f"{accept}; charset=utf-8"
    assert "0 of 4 steps done" in answer.text
    assert "You may resume or cancel." in answer.text
    assert ("<!channel>" in answer.text) == (accept == "text/plain")


async def test_a_plan_that_a_job_is_built_on_stays_as_it_is(
    admin: Client, client_for: ClientFor, database: Database
) -> None:
    plan = await an_approved_plan(admin, client_for, database)
    here, seen = plan["links"]["self"], {"If-Match": plan["etag"]}
    job = await a_job(admin, plan)
    await set_status(database, job, "succeeded")
    for refused in (await admin.patch(here, json={"name": "x"}, headers=seen), await admin.delete(here)):
        assert (refused.status_code, refused.json()["code"]) == (409, "wrong_state")
        assert job["id"] in refused.json()["detail"]
    await set_status(database, job, "undone")
    assert (await admin.patch(here, json={"name": "x"}, headers=seen)).status_code == 409
    assert (await admin.delete(here)).status_code == 204


async def test_a_dry_run_that_is_over_binds_no_plan(admin: Client, database: Database) -> None:
    plan = await a_plan(admin, database)
    job = await a_job(admin, plan, "dry_run")
    seen = {"If-Match": plan["etag"]}
    assert (await admin.patch(plan["links"]["self"], json={"name": "x"}, headers=seen)).status_code == 409
    await set_status(database, job, "succeeded")
    assert (await admin.patch(plan["links"]["self"], json={"name": "x"}, headers=seen)).status_code == 200


async def test_viewers_read_jobs_and_operators_run_them(
    admin: Client, client_for: ClientFor, database: Database
) -> None:
    plan = await a_plan(admin, database)
    body = {"plan_id": plan["id"], "action": "dry_run"}
    for role in (Role.VIEWER, Role.PLANNER, Role.APPROVER):
        assert (await (await client_for(role)).post("/v1/jobs", json=body)).status_code == 403
    made = await (await client_for(Role.OPERATOR)).post("/v1/jobs", json=body)
    assert made.status_code == 202
    viewer = await client_for(Role.VIEWER)
    for reading in ("self", "steps", "report"):
        assert (await viewer.get(made.json()["links"][reading])).status_code == 200


@pytest.mark.parametrize("reading", ["", "/steps", "/events", "/report"])
async def test_a_job_that_is_not_there_is_not_found(admin: Client, reading: str) -> None:
    assert (await admin.get(f"/v1/jobs/job_nobody{reading}")).json()["code"] == "not_found"
