"""The API's own clock jumps an hour: approvals, tokens and keys last by the database's."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from app.db import Database
from tests.api.conftest import Client, ClientFor
from tests.api.jobs import a_job, an_approved_plan
from tests.api.shop import execute
from tests.api.test_accounts import SHOP

HOUR = timedelta(hours=1)
WAYS = pytest.mark.parametrize("way", [HOUR, -HOUR], ids=["forward", "back"])

Jump = Callable[[timedelta], None]


@pytest.fixture
def jump() -> Iterator[Jump]:
    """Sets this process's clock forward or back."""
    with time_machine.travel(datetime.now(UTC), tick=True) as traveller:
        yield traveller.shift


@WAYS
async def test_an_approval_expires_when_its_time_is_over_and_not_before(
    admin: Client, client_for: ClientFor, database: Database, jump: Jump, way: timedelta
) -> None:
    expires = "update plans set approval_expires_at = now() + make_interval(mins => :minutes)"
    plan = await an_approved_plan(admin, client_for, database)
    jump(way)

    await execute(database, expires, minutes=-30)
    refused = await admin.post("/v1/jobs", json={"plan_id": plan["id"], "action": "execute"})
    assert (refused.status_code, refused.json()["code"]) == (409, "plan_not_approved")

    await execute(database, expires, minutes=30)
    await a_job(admin, plan)


@WAYS
async def test_a_token_is_good_until_its_time_is_over(
    admin: Client, anonymous: Client, database: Database, jump: Jump, way: timedelta
) -> None:
    soon = (datetime.now(UTC) + timedelta(minutes=30)).isoformat()
    jump(way)

    made = await admin.post("/v1/tokens", json={"name": "t", "role": "viewer", "expires_at": soon})
    assert made.status_code == 201, made.text
    bearer = {"Authorization": f"Bearer {made.json()['token']}"}
    assert (await anonymous.get("/v1/plans", headers=bearer)).status_code == 200

    await execute(database, "update tokens set expires_at = now() - interval '30 minutes' where name = 't'")
    assert (await anonymous.get("/v1/plans", headers=bearer)).status_code == 401


@WAYS
async def test_a_key_is_kept_for_its_day(admin: Client, database: Database, jump: Jump, way: timedelta) -> None:
    aged = "update idempotency_keys set created_at = now() - make_interval(mins => :minutes)"
    key = {"Idempotency-Key": "k-1"}
    await admin.post("/v1/accounts", json=SHOP, headers=key)
    jump(way)

    await execute(database, aged, minutes=23 * 60 + 30)
    again = await admin.post("/v1/accounts", json=SHOP, headers=key)
    assert again.headers["Idempotency-Replayed"] == "true"

    await execute(database, aged, minutes=24 * 60 + 30)
    anew = await admin.post("/v1/accounts", json=SHOP | {"name": "other"}, headers=key)
    assert anew.status_code == 201, anew.text
