"""The audit trail as its readers see it: every change that somebody asked for, and nothing else."""

from typing import Any

from app.db import Database
from app.manners.principals import Role
from tests.api.conftest import Client, ClientFor
from tests.api.jobs import a_job, an_approved_plan


async def lines(client: Client, **filters: str) -> list[dict[str, Any]]:
    answer = await client.get("/v1/audit", params=filters)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


ACCOUNT = {"name": "shop", "aws_account_id": "123456789012", "regions": ["us-east-1"]}


async def test_every_change_is_taken_down_with_who_asked(admin: Client) -> None:
    made = await admin.post("/v1/accounts", json=ACCOUNT, headers={"X-Request-Id": "req_by_me"})
    assert made.status_code == 201
    await admin.get("/v1/accounts")
    [line] = await lines(admin)
    assert line["event"] == "api.create_account"
    assert line["actor"].startswith("tok_")
    assert line["data"]["request_id"] == "req_by_me"
    assert line["data"]["role"] == "admin"
    assert line["data"]["status"] == 201
    assert "123456789012" not in str(line["data"])  # the body itself stays out


async def test_what_was_refused_changed_nothing_and_is_not_in_it(admin: Client, client_for: ClientFor) -> None:
    viewer = await client_for(Role.VIEWER)
    assert (await viewer.post("/v1/accounts", json=ACCOUNT)).status_code == 403
    assert (await admin.post("/v1/accounts", json=ACCOUNT | {"regions": []})).status_code == 422
    assert await lines(admin) == []


async def test_a_repeated_request_is_one_line(admin: Client) -> None:
    for _ in range(2):
        await admin.post("/v1/accounts", json=ACCOUNT, headers={"Idempotency-Key": "once"})
    assert len(await lines(admin)) == 1


async def test_a_jobs_lines_are_found_by_its_id(admin: Client, client_for: ClientFor, database: Database) -> None:
    job = await a_job(admin, await an_approved_plan(admin, client_for, database))
    await admin.post(f"/v1/jobs/{job['id']}/pause")
    assert [line["event"] for line in await lines(admin, job_id=job["id"])] == ["api.create_job", "api.pause_job"]
    assert [line["event"] for line in await lines(admin, event="api.approve_plan")] == ["api.approve_plan"]
    assert await lines(admin, actor="tok_nobody") == []


async def test_it_comes_in_pages_oldest_first(admin: Client) -> None:
    for number in range(3):
        await admin.post("/v1/accounts", json=ACCOUNT | {"name": f"shop-{number}"})
    first = (await admin.get("/v1/audit", params={"limit": 2})).json()
    second = (await admin.get("/v1/audit", params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert [line["seq"] for page in (first, second) for line in page["items"]] == [1, 2, 3]
    assert "next_cursor" not in second


async def test_it_verifies(admin: Client) -> None:
    await admin.post("/v1/accounts", json=ACCOUNT)
    [line] = await lines(admin)
    assert (await admin.get("/v1/audit/verify")).json() == {"verified": True, "lines": 1, "head": line["hash"]}


async def test_only_approvers_and_admins_read_it(client_for: ClientFor) -> None:
    for role in Role:
        answer = await (await client_for(role)).get("/v1/audit")
        assert answer.status_code == (200 if role in (Role.APPROVER, Role.ADMIN) else 403)


async def test_a_secret_in_an_answer_is_not_in_it(admin: Client) -> None:
    secret = (await admin.post("/v1/tokens", json={"name": "bot", "role": "viewer"})).json()["token"]
    assert secret not in str(await lines(admin))
