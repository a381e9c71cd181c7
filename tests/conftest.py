"""What all tests share: a real PostgreSQL with a migrated database, empty at the start of each test."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

import migrations
from app.db import Base, Database, async_url
from landbridge import embedded


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A server where databases may be made: LANDBRIDGE_DATABASE_URL's, else one started for this process."""
    with embedded.database() as server:
        yield server.url


@pytest.fixture(scope="session")
def database_url(postgres_url: str, testrun_uid: str, worker_id: str) -> Iterator[str]:
    """The URL of this worker's own database, migrated to the newest revision."""
    name = f"landbridge_test_{testrun_uid[:12]}_{worker_id}"
    url = make_url(postgres_url).set(database=name).render_as_string(hide_password=False)
    asyncio.run(administer(postgres_url, f'create database "{name}"'))
    migrations.upgrade(url)
    yield url
    asyncio.run(administer(postgres_url, f'drop database "{name}" with (force)'))


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An empty database, emptied again afterwards."""
    made = Database(database_url)
    yield made
    await empty(made)
    await made.close()


async def empty(database: Database) -> None:
    """Forget everything: the next test finds what a new deployment has."""
    tables = ", ".join(table.name for table in Base.metadata.sorted_tables if not table.name.startswith("audit_"))
    async with database.transaction() as session:
        await session.execute(text(f"truncate {tables} cascade"))
    await forget_trail(database)


async def forget_trail(database: Database) -> None:
    """Begin the audit trail anew: only the tables' owner can, and not by accident."""
    async with database.transaction() as session:
        await session.execute(text("alter table audit_log disable trigger user"))
        await session.execute(text("truncate audit_log"))
        await session.execute(text("update audit_head set seq = 0, hash = decode(repeat('00', 32), 'hex')"))
        await session.execute(text("alter table audit_log enable trigger user"))


async def administer(url: str, statement: str) -> None:
    """Run a statement that no transaction may hold."""
    engine = create_async_engine(async_url(url), poolclass=NullPool, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(text(statement))
    await engine.dispose()
