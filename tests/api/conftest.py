"""The API on a real database, called over ASGI; the doorbell and AWS are fakes of their ports."""

from collections.abc import AsyncIterator, Awaitable, Callable

import httpx2
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from app.db import Database
from app.main import create_app
from app.manners.principals import Role
from app.settings import Settings
from app.tokens import service
from app.tokens.schemas import TokenCreate
from tests.api.fakes import FakeClouds, FakeDoorbell

Client = httpx2.AsyncClient
ClientFor = Callable[[Role], Awaitable[Client]]


@pytest.fixture
def doorbell() -> FakeDoorbell:
    return FakeDoorbell()


@pytest.fixture
def clouds() -> FakeClouds:
    return FakeClouds()


@pytest.fixture
def settings(database_url: str) -> Settings:
    return Settings(database_url=SecretStr(database_url), max_body_bytes=20_000)


@pytest.fixture
async def app(
    settings: Settings, database: Database, doorbell: FakeDoorbell, clouds: FakeClouds
) -> AsyncIterator[FastAPI]:
    """The application, on a database that is empty at first."""
    made = create_app(settings, doorbell, clouds)
    yield made
    await made.state.database.close()


@pytest.fixture
async def anonymous(app: FastAPI) -> AsyncIterator[Client]:
    """A client without a token."""
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://landbridge.test") as client:
        yield client


@pytest.fixture
async def client_for(app: FastAPI, database: Database) -> AsyncIterator[ClientFor]:
    """Makes clients that hold a token of a role."""
    made: list[Client] = []

    async def make(role: Role) -> Client:
        async with database.transaction() as session:
            _, secret = await service.issue(session, TokenCreate(name=f"the {role}", role=role), "tests")
        transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
        client = httpx2.AsyncClient(
            transport=transport,
            base_url="http://landbridge.test",
            headers={"Authorization": f"Bearer {secret}"},
        )
        made.append(client)
        return client

    yield make
    for client in made:
        await client.aclose()


@pytest.fixture
async def admin(client_for: ClientFor) -> Client:
    """A client that may do everything."""
    return await client_for(Role.ADMIN)
