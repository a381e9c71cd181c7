"""The database: engine, sessions, and what all tables share (naming rules, ids, column types)."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, TypeAlias

from pydantic import JsonValue
from sqlalchemy import BigInteger, DateTime, LargeBinary, MetaData, String, Text, func, make_url, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, mapped_column
from uuid_utils import uuid7

Json: TypeAlias = JsonValue
JsonObject: TypeAlias = dict[str, JsonValue]
JsonList: TypeAlias = list[JsonValue]

# Ids compare by bytes: keyset pages need the database and its indexes to agree on one order.
BYTE_ORDER = "C"

AFTER_COMMIT = "after_commit"

# `for no key update`: a lock for whoever means to change or delete a row that others refer to. A plain `for update`
# also stops those who only refer to it, and Postgres asks for that anew with the second update that a transaction
# makes of one row: a job asked to be undone and a job being made would wait for each other.
CHANGING: dict[str, bool] = {"key_share": True}

Id = Annotated[str, mapped_column(String(64, collation=BYTE_ORDER))]
PrimaryId = Annotated[str, mapped_column(String(64, collation=BYTE_ORDER), primary_key=True)]
Name = Annotated[str, mapped_column(Text(collation=BYTE_ORDER))]
# none_as_null: Python's None is SQL's null; otherwise it would be JSON's null, which `is null` misses.
JsonMap = Annotated[JsonObject, mapped_column(JSONB(none_as_null=True))]
JsonItems = Annotated[JsonList, mapped_column(JSONB(none_as_null=True))]
Moment = Annotated[datetime, mapped_column(DateTime(timezone=True))]
Created = Annotated[datetime, mapped_column(DateTime(timezone=True), server_default=func.now())]
Updated = Annotated[datetime, mapped_column(DateTime(timezone=True), server_default=func.now(), onupdate=func.now())]
Version = Annotated[int, mapped_column(BigInteger, server_default=text("1"))]
Count = Annotated[int, mapped_column(BigInteger, server_default=text("0"))]
Digest = Annotated[bytes, mapped_column(LargeBinary(32))]


class Base(DeclarativeBase):
    """The parent of every table; constraints are named by rule so that migrations can name them back."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def new_id(prefix: str) -> str:
    """A new id such as `plan_0199c2…`: the prefix and a UUIDv7 in hex, so that ids sort by age."""
    return f"{prefix}_{uuid7().hex}"


def async_url(url: str) -> str:
    """`url` with the driver this project uses, whatever driver it named."""
    return make_url(url).set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)


def after_commit(session: AsyncSession, act: Callable[[], Awaitable[None]]) -> None:
    """Have `act` done once the session's transaction() has committed; not at all if it doesn't."""
    session.info.setdefault(AFTER_COMMIT, []).append(act)


def violated(error: IntegrityError) -> str | None:
    """The name of the constraint that refused a statement, for services to say what it means."""
    name: str | None = getattr(getattr(error.orig, "__cause__", None), "constraint_name", None)
    return name


class Database:
    """One process's connections to Postgres. Sessions never outlive the `async with` that gave them."""

    def __init__(self, url: str, pool_size: int = 10, abandoned_after: float | None = None) -> None:
        """`abandoned_after`: seconds after which Postgres ends a transaction that its client has left
        open and silent. Workers need it: one frozen in mid-transaction would keep its rows locked, and
        its job from being taken over.
        """
        idle = {"idle_in_transaction_session_timeout": f"{abandoned_after * 1000:.0f}"} if abandoned_after else {}
        self.engine: AsyncEngine = create_async_engine(
            async_url(url),
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_pre_ping=True,
            hide_parameters=True,  # else an error's text, and so the log, tells what is stored
            connect_args={"server_settings": idle},
        )
        self._reading = self.engine.execution_options(isolation_level="AUTOCOMMIT")

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A session whose work is committed when the block ends, and undone if it raises.

        Nothing inside calls commit(): half of what a request changes must never be visible.
        """
        async with AsyncSession(self.engine, expire_on_commit=False) as session:
            async with session.begin():
                yield session
            for act in session.info.pop(AFTER_COMMIT, ()):
                await act()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """A session for reads, each statement on its own: no BEGIN and COMMIT round trips.

        Two statements may see different moments; read in a transaction() where that matters.
        """
        async with AsyncSession(self._reading, expire_on_commit=False, autoflush=False) as session:
            yield session

    async def ping(self) -> None:
        """Return when Postgres answers; raises what the driver raises when it doesn't."""
        async with self._reading.connect() as connection:
            await connection.execute(text("select 1"))

    async def close(self) -> None:
        """Give all connections back."""
        await self.engine.dispose()
