"""A caller who asks too much is told when to come back."""

import httpx2
from pydantic import SecretStr

from app.db import Database
from app.main import create_app
from app.manners.principals import Role
from app.settings import Settings
from app.tokens import service
from app.tokens.schemas import TokenCreate
from tests.api.conftest import Client
from tests.api.fakes import FakeClouds, FakeDoorbell


async def test_every_answer_says_what_is_left(admin: Client) -> None:
    answer = await admin.get("/v1/accounts/acct_x")
    assert answer.headers["RateLimit"].startswith('"default";r=')
    assert answer.headers["RateLimit-Policy"].startswith('"default";q=')


async def test_too_many_requests_are_refused(database: Database, database_url: str) -> None:
    settings = Settings(database_url=SecretStr(database_url), rate_per_second=0.01, rate_burst=2)
    app = create_app(settings, FakeDoorbell(), FakeClouds())
    async with database.transaction() as session:
        _, secret = await service.issue(session, TokenCreate(name="x", role=Role.VIEWER), "tests")
    headers = {"Authorization": f"Bearer {secret}"}
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://x.test", headers=headers) as client:
        answers = [await client.get("/v1/accounts") for _ in range(3)]
    await app.state.database.close()
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].json()["code"] == "too_many_requests"
    assert int(answers[2].headers["Retry-After"]) > 0
