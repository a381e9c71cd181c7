"""What load balancers, monitors and logs are told."""

import httpx2
import structlog
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import text

import migrations
from app.db import Database
from app.main import create_app
from app.settings import Settings
from tests.api.conftest import Client
from tests.api.fakes import FakeClouds, FakeDoorbell


async def test_a_migrated_database_and_a_queue_make_it_ready(anonymous: Client) -> None:
    assert (await anonymous.get("/readyz")).json() == {"status": "ready"}


async def test_without_a_queue_it_is_alive_but_not_ready(anonymous: Client, doorbell: FakeDoorbell) -> None:
    doorbell.answers = False
    answer = await anonymous.get("/readyz")
    assert answer.status_code == 503
    assert [error["pointer"] for error in answer.json()["errors"]] == ["queue"]
    assert (await anonymous.get("/livez")).status_code == 200


async def test_with_an_older_database_it_is_not_ready(anonymous: Client, database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(text("update alembic_version set version_num = 'older'"))
    answer = await anonymous.get("/readyz")
    async with database.transaction() as session:
        await session.execute(text("update alembic_version set version_num = :r"), {"r": migrations.head()})
    assert answer.status_code == 503
    assert "landbridge db upgrade" in answer.json()["errors"][0]["detail"]


async def test_without_a_database_it_is_alive_and_says_unavailable(doorbell: FakeDoorbell) -> None:
    nowhere = Settings(database_url=SecretStr("postgresql://nobody@127.0.0.1:1/nothing"))
    transport = httpx2.ASGITransport(app=create_app(nowhere, doorbell, FakeClouds()))
    async with httpx2.AsyncClient(transport=transport, base_url="http://landbridge.test") as client:
        assert (await client.get("/livez")).status_code == 200
        assert (await client.get("/readyz")).status_code == 503
        answer = await client.get("/v1/accounts", headers={"Authorization": "Bearer lb_x"})
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert answer.headers["Retry-After"] == "1"


async def test_requests_are_counted_by_route_and_not_by_address(admin: Client) -> None:
    await admin.get("/v1/accounts/acct_x")
    measured = (await admin.get("/metrics")).text
    line = 'landbridge_http_requests_total{method="GET",route="/v1/accounts/{account_id}",status="404"} 1.0'
    assert line in measured
    assert "acct_x" not in measured


async def test_the_version_names_the_database_revision(anonymous: Client) -> None:
    assert (await anonymous.get("/version")).json()["revision"] == migrations.head()


async def test_a_log_line_carries_the_request_its_trace_and_its_caller(app: FastAPI, admin: Client) -> None:
    trace = f"00-{'a' * 32}-{'b' * 16}-01"
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        await admin.get("/v1/accounts", headers={"X-Request-Id": "r-1", "traceparent": trace})
    line = next(line for line in lines if line["event"] == "request.answered")
    assert (line["request_id"], line["trace_id"], line["status"]) == ("r-1", "a" * 32, 200)
    assert line["principal"].startswith("tok_")
