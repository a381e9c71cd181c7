"""How Alembic reaches the database; run by Alembic, never imported."""

import asyncio

from alembic import context
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

import app.accounts.models
import app.audit.models
import app.inventories.models
import app.jobs.models
import app.manners.models
import app.plans.models
import app.tokens.models  # noqa: F401
from app.db import Base, async_url
from app.settings import get_settings

# Any number: two processes that migrate at once wait for each other on it.
MIGRATION_LOCK = 4_201_905


def database_url() -> str:
    """The URL that the caller gave, else the settings'."""
    given = context.config.attributes.get("url")
    return async_url(given or get_settings().database_url.get_secret_value())


def migrate(connection: Connection) -> None:
    """Run what is missing, in one transaction."""
    context.configure(connection=connection, target_metadata=Base.metadata, compare_server_default=True)
    with context.begin_transaction():
        connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        context.run_migrations()


async def run() -> None:
    """Connect and migrate."""
    engine = create_async_engine(database_url(), poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
    await engine.dispose()


if context.is_offline_mode():
    context.configure(url=database_url(), target_metadata=Base.metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    asyncio.run(run())
