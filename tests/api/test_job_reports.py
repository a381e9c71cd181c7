"""A job's report, at any time of its life."""

import json
from typing import Any

import pytest

from app.db import Database
from tests.api.conftest import Client, ClientFor
from tests.api.jobs import (
    AUTHORIZE_DB,
    AUTHORIZE_WEB,
    CREATE_DB,
    CREATE_WEB,
    STEPS,
    a_job,
    an_approved_plan,
    set_status,
    set_step,
)
from tests.api.shop import FLOW, execute

Job = dict[str, Any]


@pytest.fixture
async def job(admin: Client, client_for: ClientFor, database: Database) -> Job:
    """An execute job of a plan that interrupts a flow from one step to another."""
    plan = await an_approved_plan(admin, client_for, database)
    gap = {
        "sources": ["cidr:0.0.0.0/0"],
        "targets": ["instance:i-1"],
        "from_step": CREATE_DB,
        "to_step": AUTHORIZE_DB,
        "estimated_seconds": 40.0,
    }
    flow = FLOW | {"verdict": "interrupted", "reason": "stopped", "interruptions": [gap]}
    await execute(database, "update plan_documents set flows = cast(:flows as jsonb)", flows=json.dumps([flow]))
    return await a_job(admin, plan)


async def report(client: Client, job: Job) -> dict[str, Any]:
    answer = await client.get(job["links"]["report"])
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def test_before_it_begins_everything_is_left(admin: Client, job: Job) -> None:
    body = await report(admin, job)
    assert body["counterparts"] == []
    assert body["steps"] == {"pending": 4}
    assert body["left"] == {"steps": STEPS, "resources": ["security_group:sg-db", "security_group:sg-web"]}
    assert body["aws_calls"] == {"made": 0, "throttled": 0, "failed": 0, "by_operation": {}}
    assert "duration_seconds" not in body


async def test_half_way_it_tells_what_moved_and_what_is_left(admin: Client, database: Database, job: Job) -> None:
    await set_status(database, job, "halted")
    await set_step(database, job, CREATE_DB, "succeeded", '{"counterpart": "sg-new"}')
    await set_step(database, job, CREATE_WEB, "failed", '{"counterpart": "sg-half"}')
    body = await report(admin, job)
    assert body["counterparts"] == [{"source": "security_group:sg-db", "counterpart": "security_group:sg-new"}]
    assert body["left"] == {"steps": [CREATE_WEB, AUTHORIZE_DB, AUTHORIZE_WEB], "resources": ["security_group:sg-web"]}
    assert body["duration_seconds"] >= 0
    assert "measured_seconds" not in body["flows"][0]["interruptions"][0]


async def test_a_result_may_say_that_its_counterpart_is_of_another_kind(
    admin: Client, database: Database, job: Job
) -> None:
    await set_step(database, job, CREATE_DB, "succeeded", '{"counterpart": "x", "counterpart_kind": "other"}')
    assert (await report(admin, job))["counterparts"] == [{"source": "security_group:sg-db", "counterpart": "other:x"}]


async def test_an_interruption_is_foretold_and_measured(admin: Client, database: Database, job: Job) -> None:
    for step in STEPS:
        await set_step(database, job, step, "succeeded", '{"counterpart": "sg-x"}')
    await execute(
        database,
        "update job_steps set started_at = now() - interval '25 seconds' where step_id = :step",
        step=CREATE_DB,
    )
    await set_status(database, job, "succeeded")
    body = await report(admin, job)
    [interruption] = body["flows"][0]["interruptions"]
    assert interruption["estimated_seconds"] == 40
    assert 24 < interruption["measured_seconds"] < 30
    assert interruption["inside"][-1]["step"] == AUTHORIZE_DB
    assert body["left"] == {"steps": [], "resources": []}


async def test_calls_are_counted_in_all_and_by_operation(admin: Client, database: Database, job: Job) -> None:
    await execute(
        database,
        "insert into job_calls values (:job, 'ec2.run_instances', 3, 1, 0), (:job, 'ec2.describe_vpcs', 2, 0, 1)",
        job=job["id"],
    )
    calls = (await report(admin, job))["aws_calls"]
    assert {key: calls[key] for key in ("made", "throttled", "failed")} == {"made": 5, "throttled": 1, "failed": 1}
    assert calls["by_operation"]["ec2.run_instances"] == {"made": 3, "throttled": 1, "failed": 0}


async def test_what_was_undone_has_no_counterpart_and_leaves_nothing(
    admin: Client, database: Database, job: Job
) -> None:
    await set_step(database, job, CREATE_DB, "undone", '{"counterpart": "sg-new"}')
    await set_step(database, job, CREATE_WEB, "undo_failed", '{"counterpart": "sg-stuck"}')
    await set_status(database, job, "undo_failed")
    body = await report(admin, job)
    assert body["counterparts"] == [{"source": "security_group:sg-web", "counterpart": "security_group:sg-stuck"}]
    assert body["left"] == {"steps": [CREATE_WEB], "resources": []}


async def test_a_finalize_job_tells_what_the_job_before_it_moved(admin: Client, database: Database, job: Job) -> None:
    for step in (CREATE_DB, CREATE_WEB):
        await set_step(database, job, step, "succeeded", '{"counterpart": "sg-new"}')
    await set_status(database, job, "succeeded")
    body = await report(admin, await a_job(admin, {"id": job["plan_id"]}, "finalize"))
    assert len(body["counterparts"]) == 2
    assert len(body["left"]["steps"]) == 4


async def test_the_report_comes_as_markdown_in_which_names_stay_names(
    admin: Client, database: Database, job: Job
) -> None:
    await set_step(database, job, CREATE_DB, "succeeded", '{"counterpart": "a|b [x](y) <script>"}')
    answer = await admin.get(job["links"]["report"], headers={"Accept": "text/markdown"})
    assert answer.headers["content-type"] == "text/markdown; charset=utf-8"
    assert r"security\_group:a\|b \[x\]\(y\) \<script\>" in answer.text.replace(r"\:", ":")
    assert "foretold 40 s" in answer.text
    refused = await admin.get(job["links"]["report"], headers={"Accept": "text/html"})
    assert refused.status_code == 406
