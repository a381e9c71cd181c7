"""Every doorbell rings the same way."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest
from arq.connections import RedisSettings, create_pool
from sqlalchemy import make_url

from app.db import Database
from app.manners.doorbell import CHANNEL, TASK, ArqDoorbell, PostgresDoorbell, ring_after_commit
from landbridge import embedded_redis


@pytest.fixture
async def heard(database_url: str) -> AsyncIterator["asyncio.Queue[str]"]:
    """What a worker that listens on Postgres hears."""
    queue: asyncio.Queue[str] = asyncio.Queue()
    plain = make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(plain)
    await connection.add_listener(CHANNEL, lambda *said: queue.put_nowait(said[3]))
    yield queue
    await connection.close()


async def test_postgres_carries_the_kind_and_the_id(database: Database, heard: "asyncio.Queue[str]") -> None:
    doorbell = PostgresDoorbell(database)
    assert await doorbell.ping()
    await doorbell.ring("job", "job_1")
    assert await asyncio.wait_for(heard.get(), 5) == "job job_1"


async def test_a_ring_waits_for_the_commit(database: Database, heard: "asyncio.Queue[str]") -> None:
    async with database.transaction() as session:
        ring_after_commit(session, PostgresDoorbell(database), "job", "job_1")
        assert heard.empty()
    assert await asyncio.wait_for(heard.get(), 5) == "job job_1"


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    with embedded_redis.redis() as server:
        if server is None:
            pytest.skip(embedded_redis.NO_REDIS)
        yield server.url


async def test_redis_carries_the_kind_and_the_id_each_time(redis_url: str) -> None:
    doorbell = ArqDoorbell(redis_url)
    assert await doorbell.ping()
    for _ in range(2):
        await doorbell.ring("job", "job_1")
    queue = await create_pool(RedisSettings.from_dsn(redis_url))
    heard = [(job.function, job.args) for job in await queue.queued_jobs()]
    assert heard == [(TASK, ("job", "job_1"))] * 2
    await queue.aclose()
    await doorbell.close()


async def test_a_doorbell_without_a_server_does_not_ping_and_does_not_raise() -> None:
    nowhere = Database("postgresql://nobody@127.0.0.1:1/nothing")
    for doorbell in (PostgresDoorbell(nowhere), ArqDoorbell("redis://127.0.0.1:1")):
        assert not await doorbell.ping()
        await doorbell.ring("job", "job_1")
        await doorbell.close()
