"""Idempotency-Key: one key makes one thing, whatever the client repeats."""

import asyncio
from datetime import timedelta

from sqlalchemy import func, select, update

from app.db import Database
from app.manners.idempotency import forget_old_keys
from app.manners.models import IdempotencyKey
from app.manners.principals import Role
from tests.api.conftest import Client, ClientFor
from tests.api.test_accounts import SHOP

KEY = {"Idempotency-Key": "k-1"}


async def names(client: Client) -> list[str]:
    return [account["name"] for account in (await client.get("/v1/accounts")).json()["items"]]


async def test_a_repeated_request_gets_the_first_answer_again(admin: Client) -> None:
    first = await admin.post("/v1/accounts", json=SHOP, headers=KEY)
    again = await admin.post("/v1/accounts", json=SHOP, headers=KEY)
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["ETag"] == first.headers["ETag"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert await names(admin) == ["shop"]


async def test_a_key_with_another_body_is_refused(admin: Client) -> None:
    await admin.post("/v1/accounts", json=SHOP, headers=KEY)
    other = await admin.post("/v1/accounts", json=SHOP | {"name": "other"}, headers=KEY)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
    assert await names(admin) == ["shop"]


async def test_two_requests_with_one_key_at_once_make_one_thing(admin: Client) -> None:
    answers = await asyncio.gather(
        *(admin.post("/v1/accounts", json=SHOP, headers=KEY) for _ in range(5)),
    )
    made = [answer for answer in answers if answer.status_code == 201]
    running = [answer for answer in answers if answer.status_code == 409]
    assert len({answer.content for answer in made}) == 1
    assert len(made) + len(running) == 5
    assert {answer.json()["code"] for answer in running} <= {"idempotency_in_progress"}
    assert {answer.headers["Retry-After"] for answer in running} <= {"1"}
    assert await names(admin) == ["shop"]


async def test_a_request_whose_first_one_still_runs_is_told_to_come_back(admin: Client, database: Database) -> None:
    whoever = (await admin.post("/v1/tokens", json={"name": "x", "role": "viewer"})).json()["created_by"]
    async with database.transaction() as session:
        await session.execute(func.pg_advisory_xact_lock(func.hashtextextended(f"{whoever} k-1", 0)).select())
        answer = await admin.post("/v1/accounts", json=SHOP, headers=KEY)
        assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_in_progress")
    assert (await admin.post("/v1/accounts", json=SHOP, headers=KEY)).status_code == 201


async def test_a_refused_request_does_not_use_its_key_up(admin: Client) -> None:
    assert (await admin.post("/v1/accounts", json={}, headers=KEY)).status_code == 422
    assert (await admin.post("/v1/accounts", json=SHOP, headers=KEY)).status_code == 201


async def test_keys_of_different_callers_are_different_keys(client_for: ClientFor) -> None:
    one, two = await client_for(Role.ADMIN), await client_for(Role.ADMIN)
    await one.post("/v1/accounts", json=SHOP, headers=KEY)
    other = await two.post("/v1/accounts", json=SHOP | {"name": "other"}, headers=KEY)
    assert other.status_code == 201


async def test_a_key_is_forgotten_after_a_day(admin: Client, database: Database) -> None:
    await admin.post("/v1/accounts", json=SHOP, headers=KEY)
    async with database.transaction() as session:
        old = func.now() - timedelta(hours=25)
        await session.execute(update(IdempotencyKey).values(created_at=old))
    answer = await admin.post("/v1/accounts", json=SHOP | {"name": "other"}, headers=KEY)
    assert answer.status_code == 201


async def test_old_keys_are_swept_away_and_young_ones_kept(admin: Client, database: Database) -> None:
    await admin.post("/v1/accounts", json=SHOP, headers={"Idempotency-Key": "old"})
    async with database.transaction() as session:
        await session.execute(update(IdempotencyKey).values(created_at=func.now() - timedelta(hours=25)))
    await admin.post("/v1/accounts", json=SHOP | {"name": "b"}, headers={"Idempotency-Key": "young"})
    async with database.transaction() as session:
        await forget_old_keys(session, hours=24)
    async with database.reading() as session:
        assert (await session.scalars(select(IdempotencyKey.key))).all() == ["young"]
