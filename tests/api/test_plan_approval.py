"""Four eyes over HTTP."""

from typing import Any

from fastapi import FastAPI

from app.db import Database
from app.manners.principals import Role
from tests.api.conftest import Client, ClientFor
from tests.api.jobs import a_job, an_approved_plan, set_status
from tests.api.shop import CROWDED, SHOP, a_plan, execute


async def test_an_approval_is_bound_to_the_plan_as_it_is(
    admin: Client, client_for: ClientFor, database: Database
) -> None:
    plan = await a_plan(admin, database)
    approver = await client_for(Role.APPROVER)
    approved = await approver.post(f"{plan['links']['self']}/approve", headers={"If-Match": plan["etag"]})
    assert approved.status_code == 200
    body = approved.json()
    assert (body["status"], body["approved_hash"]) == ("approved", plan["plan_hash"])
    assert body["approved_by"] != plan["author"]
    assert body["etag"] != plan["etag"]
    again = await approver.post(f"{plan['links']['self']}/approve", headers={"If-Match": body["etag"]})
    assert again.json() == body


async def test_the_author_does_not_approve(admin: Client, database: Database) -> None:
    plan = await a_plan(admin, database)
    refused = await admin.post(f"{plan['links']['self']}/approve", headers={"If-Match": plan["etag"]})
    assert (refused.status_code, refused.json()["code"]) == (403, "self_approval")


async def test_a_deployment_may_let_authors_approve(admin: Client, database: Database, app: FastAPI) -> None:
    plan = await a_plan(admin, database)
    app.state.settings = app.state.settings.model_copy(update={"allow_self_approval": True})
    approved = await admin.post(f"{plan['links']['self']}/approve", headers={"If-Match": plan["etag"]})
    assert approved.json()["approved_by"] == plan["author"]


async def test_a_plan_with_a_blocker_is_not_approved(admin: Client, client_for: ClientFor, database: Database) -> None:
    plan = await a_plan(admin, database, resources=[*SHOP, CROWDED])
    approver = await client_for(Role.APPROVER)
    refused = await approver.post(f"{plan['links']['self']}/approve", headers={"If-Match": plan["etag"]})
    assert (refused.status_code, refused.json()["code"]) == (409, "plan_blocked")
    (error,) = refused.json()["errors"]
    assert (error["pointer"], error["code"]) == (CROWDED["ref"], "too_many_rules")
    assert "Merge rules" in error["detail"]
    findings = (await approver.get(f"{plan['links']['findings']}?level=blocker")).json()["items"]
    assert [finding["code"] for finding in findings] == ["too_many_rules"]


async def test_only_approvers_approve(admin: Client, client_for: ClientFor, database: Database) -> None:
    plan = await a_plan(admin, database)
    planner = await client_for(Role.PLANNER)
    refused = await planner.post(f"{plan['links']['self']}/approve", headers={"If-Match": plan["etag"]})
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


async def expire(database: Database, plan: dict[str, Any]) -> None:
    await execute(database, "update plans set approval_expires_at = now() where id = :plan", plan=plan["id"])


async def test_an_approval_expires_and_can_be_given_again(
    admin: Client, client_for: ClientFor, database: Database
) -> None:
    plan = await an_approved_plan(admin, client_for, database)
    assert plan["approval_expires_at"] > plan["approved_at"]
    await expire(database, plan)
    refused = await admin.post("/v1/jobs", json={"plan_id": plan["id"], "action": "execute"})
    assert (refused.status_code, refused.json()["code"]) == (409, "plan_not_approved")
    assert "expired" in refused.json()["detail"]
    approver = await client_for(Role.APPROVER)
    again = await approver.post(f"{plan['links']['self']}/approve", headers={"If-Match": plan["etag"]})
    assert again.json()["approval_expires_at"] > plan["approval_expires_at"]
    await a_job(admin, plan)


async def test_a_job_that_stood_still_goes_on_with_a_live_approval_alone(
    admin: Client, client_for: ClientFor, database: Database
) -> None:
    plan = await an_approved_plan(admin, client_for, database)
    job = await a_job(admin, plan)
    await set_status(database, job, "paused")
    await expire(database, plan)
    refused = await admin.post(f"/v1/jobs/{job['id']}/resume")
    assert (refused.status_code, refused.json()["code"]) == (409, "plan_not_approved")
    undone = await admin.post(f"/v1/jobs/{job['id']}/undo")
    assert undone.status_code == 202  # the way back needs nobody's approval
