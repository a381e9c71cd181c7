"""Jobs of the shop over HTTP, and what a worker would have written, by SQL."""

from typing import Any

from app.db import Database
from app.manners.principals import Role
from tests.api.conftest import Client, ClientFor
from tests.api.shop import a_plan, execute

CREATE_DB = "security_group.create/security_group:sg-db"
CREATE_WEB = "security_group.create/security_group:sg-web"
AUTHORIZE_DB = "security_group.authorize/security_group:sg-db"
AUTHORIZE_WEB = "security_group.authorize/security_group:sg-web"
STEPS = [CREATE_DB, CREATE_WEB, AUTHORIZE_DB, AUTHORIZE_WEB]


async def an_approved_plan(admin: Client, client_for: ClientFor, database: Database, **changed: Any) -> dict[str, Any]:
    plan = await a_plan(admin, database, **changed)
    approver = await client_for(Role.APPROVER)
    approved = await approver.post(f"{plan['links']['self']}/approve", headers={"If-Match": plan["etag"]})
    assert approved.status_code == 200, approved.text
    body: dict[str, Any] = approved.json()
    return body


async def a_job(client: Client, plan: dict[str, Any], action: str = "execute") -> dict[str, Any]:
    made = await client.post("/v1/jobs", json={"plan_id": plan["id"], "action": action})
    assert made.status_code == 202, made.text
    body: dict[str, Any] = made.json()
    return body


async def set_status(database: Database, job: dict[str, Any], status: str) -> None:
    """Put the job where a worker would have put it, begun and not held."""
    await execute(
        database,
        """
        update jobs set status = :status, version = version + 1, started_at = coalesce(started_at, now()),
            finished_at = case when :status in ('succeeded', 'cancelled', 'undone', 'undo_failed') then now() end
        where id = :job
        """,
        job=job["id"],
        status=status,
    )


async def hold(database: Database, job: dict[str, Any], seconds: int = 60) -> None:
    """Have a worker hold the job."""
    await execute(
        database,
        "update jobs set lease_holder = 'w', fence = fence + 1, "
        "lease_expires_at = now() + make_interval(secs => :seconds) where id = :job",
        job=job["id"],
        seconds=seconds,
    )


async def set_step(database: Database, job: dict[str, Any], step: str, state: str, result: str | None = None) -> None:
    """Put a step where a worker would have put it."""
    await execute(
        database,
        """
        update job_steps set state = :state, result = cast(:result as jsonb), started_at = now(), finished_at = now(),
            error = case when :state = 'failed' then '{"code": "step_broken", "detail": "It is full."}'::jsonb end
        where job_id = :job and step_id = :step
        """,
        job=job["id"],
        step=step,
        state=state,
        result=result,
    )


async def events(client: Client, job: dict[str, Any]) -> list[str]:
    """The types of what happened, which also have no gap."""
    answer = await client.get(job["links"]["events"], headers={"Accept": "application/json"})
    items = answer.json()["items"]
    assert [item["seq"] for item in items] == list(range(1, len(items) + 1))
    return [item["type"] for item in items]
