"""Tokens over HTTP, and what they open."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, update

from app.db import Database
from app.manners.models import IdempotencyKey
from app.manners.principals import Role
from app.tokens.models import Token
from tests.api.conftest import Client, ClientFor

BOT = {"name": "bot", "role": "viewer"}


async def status_with(client: Client, secret: str) -> int:
    answer = await client.get("/v1/accounts", headers={"Authorization": f"Bearer {secret}"})
    return answer.status_code


async def test_a_new_token_opens_what_its_role_may(admin: Client, anonymous: Client) -> None:
    made = await admin.post("/v1/tokens", json=BOT)
    assert made.status_code == 201
    secret = made.json()["token"]
    assert secret.startswith("lb_")
    assert await status_with(anonymous, secret) == 200
    refused = await anonymous.post("/v1/tokens", json=BOT, headers={"Authorization": f"Bearer {secret}"})
    assert refused.status_code == 403


async def test_a_secret_is_shown_once_and_stored_nowhere(admin: Client, database: Database) -> None:
    key = {"Idempotency-Key": "k"}
    secret = (await admin.post("/v1/tokens", json=BOT, headers=key)).json()["token"]
    again = await admin.post("/v1/tokens", json=BOT, headers=key)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "token" not in again.json()
    assert secret not in (await admin.get("/v1/tokens")).text
    async with database.reading() as session:
        bodies = (await session.scalars(select(IdempotencyKey.body))).all()
    assert all(secret.encode() not in body for body in bodies)


@pytest.mark.parametrize("header", [None, "Bearer lb_nobody", "Bearer x.y.z", "Basic abc", "Bearer"])
async def test_without_a_good_token_nothing_opens(anonymous: Client, header: str | None) -> None:
    answer = await anonymous.get("/v1/accounts", headers={"Authorization": header} if header else {})
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_a_revoked_token_opens_nothing_from_then_on(admin: Client, anonymous: Client) -> None:
    made = (await admin.post("/v1/tokens", json=BOT)).json()
    for _ in range(2):
        assert (await admin.delete(f"/v1/tokens/{made['id']}")).status_code == 204
    assert await status_with(anonymous, made["token"]) == 401
    listed = {token["id"]: token for token in (await admin.get("/v1/tokens")).json()["items"]}
    assert "revoked_at" in listed[made["id"]]
    assert (await admin.delete("/v1/tokens/tok_nobody")).status_code == 404


async def test_an_expired_token_opens_nothing(admin: Client, anonymous: Client, database: Database) -> None:
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    secret = (await admin.post("/v1/tokens", json=BOT | {"expires_at": soon})).json()["token"]
    assert await status_with(anonymous, secret) == 200
    async with database.transaction() as session:
        past = func.now() - timedelta(seconds=1)
        await session.execute(update(Token).where(Token.name == "bot").values(expires_at=past))
    assert await status_with(anonymous, secret) == 401


async def test_a_token_that_has_expired_already_is_not_made(admin: Client) -> None:
    answer = await admin.post("/v1/tokens", json=BOT | {"expires_at": "2020-01-01T00:00:00Z"})
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/expires_at"]


async def test_the_use_of_a_token_is_noted(admin: Client, anonymous: Client) -> None:
    made = (await admin.post("/v1/tokens", json=BOT)).json()
    assert "last_used_at" not in made
    await status_with(anonymous, made["token"])
    listed = {token["id"]: token for token in (await admin.get("/v1/tokens")).json()["items"]}
    assert "last_used_at" in listed[made["id"]]


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
async def test_only_an_administrator_handles_tokens(client_for: ClientFor, role: Role) -> None:
    client = await client_for(role)
    answers = [
        await client.get("/v1/tokens"),
        await client.post("/v1/tokens", json=BOT),
        await client.delete("/v1/tokens/tok_x"),
    ]
    assert [answer.status_code for answer in answers] == [403, 403, 403]
