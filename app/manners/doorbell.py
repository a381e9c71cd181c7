"""The doorbell: tells workers that there is something to do. What there is to do stands in Postgres."""

from typing import Annotated, Protocol

import structlog
from arq.connections import ArqRedis, RedisSettings, create_pool
from fastapi import Depends, Request
from redis.exceptions import RedisError
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from app.db import Database, after_commit

log = structlog.get_logger("landbridge.doorbell")

CHANNEL = "landbridge"
TASK = "answer_doorbell"


class Doorbell(Protocol):
    """A hint, not a carrier: a ring that is lost delays its job until the next sweep, and no more."""

    async def ring(self, kind: str, id: str) -> None:
        """Tell the workers to look at `kind` ("inventory", "job") `id`. Does not raise."""
        ...

    async def ping(self) -> bool:
        """Whether rings get through just now."""
        ...

    async def close(self) -> None:
        """Give up what it holds."""
        ...


class PostgresDoorbell:
    """Rings by NOTIFY: needs no Redis. The payload is "<kind> <id>"."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ring(self, kind: str, id: str) -> None:
        """NOTIFY the workers that LISTEN."""
        try:
            async with self._database.reading() as session:
                await session.execute(select(func.pg_notify(CHANNEL, f"{kind} {id}")))
        except (SQLAlchemyError, OSError) as error:
            log.warning("doorbell.lost", kind=kind, id=id, error=type(error).__name__)

    async def ping(self) -> bool:
        """Whether Postgres answers."""
        try:
            await self._database.ping()
        except (SQLAlchemyError, OSError):
            return False
        return True

    async def close(self) -> None:
        """The connections are the database's."""


class ArqDoorbell:
    """Rings by an arq task on Redis: TASK with the kind and the id."""

    def __init__(self, redis_url: str) -> None:
        self._settings = RedisSettings.from_dsn(redis_url)
        self._settings.conn_retries = 1
        self._pool: ArqRedis | None = None

    async def ring(self, kind: str, id: str) -> None:
        """Enqueue the task; no job id, since a kept one would swallow the next ring silently."""
        try:
            await (await self._connected()).enqueue_job(TASK, kind, id)
        except (RedisError, OSError) as error:
            log.warning("doorbell.lost", kind=kind, id=id, error=type(error).__name__)

    async def ping(self) -> bool:
        """Whether Redis answers."""
        try:
            await (await self._connected()).ping()
        except (RedisError, OSError):
            return False
        return True

    async def close(self) -> None:
        """Give the connections back."""
        if self._pool is not None:
            await self._pool.aclose()

    async def _connected(self) -> ArqRedis:
        if self._pool is None:
            self._pool = await create_pool(self._settings)
        return self._pool


def ring_after_commit(session: AsyncSession, doorbell: Doorbell, kind: str, id: str) -> None:
    """Ring once the session's work is visible; before that a quick worker would find nothing."""
    after_commit(session, lambda: doorbell.ring(kind, id))


def doorbell_of(request: Request) -> Doorbell:
    """The process's doorbell."""
    doorbell: Doorbell = request.app.state.doorbell
    return doorbell


TheDoorbell = Annotated[Doorbell, Depends(doorbell_of)]
