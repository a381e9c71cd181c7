"""The worker's composition root, behind either doorbell: arq on Redis, or Postgres's NOTIFY.

`arq workers.main.WorkerSettings` works too; `landbridge worker` also survives Redis.
"""

import asyncio
import signal
from collections.abc import Callable
from typing import Any, ClassVar

import asyncpg
import structlog
from arq.connections import RedisSettings, create_pool
from arq.worker import Worker, func
from redis.exceptions import RedisError

from app.aws.sessions import Sessions
from app.db import Database
from app.manners import logs
from app.manners.doorbell import CHANNEL, TASK, ArqDoorbell, Doorbell, PostgresDoorbell
from app.settings import Settings, get_settings
from workers.crew import Crew

log = structlog.get_logger("landbridge.worker")

RECONNECT_SECONDS = 1.0
# arq's pickup waits for this long at most: the waking of a job is not what anybody waits for.
POLL_SECONDS = 0.05


async def answer_doorbell(ctx: dict[str, Any], kind: str, id_: str) -> None:
    """arq's only task: hand the work to the crew. It carries nothing that could be lost."""
    ctx["crew"].attend(kind, id_)


async def _start(ctx: dict[str, Any]) -> None:
    settings = get_settings()
    logs.configure(settings.log_level)
    url = settings.database_url.get_secret_value()
    database = ctx["database"] = Database(url, settings.database_pool_size, settings.lease_seconds)
    doorbell = ctx["doorbell"] = _doorbell(settings, database)
    ctx["crew"] = Crew(settings, database, Sessions(), doorbell)
    ctx["crew"].start()


def _doorbell(settings: Settings, database: Database) -> Doorbell:
    if settings.redis_url is not None:
        return ArqDoorbell(settings.redis_url.get_secret_value())
    return PostgresDoorbell(database)


async def _stop(ctx: dict[str, Any]) -> None:
    await ctx["crew"].stop()
    await ctx["doorbell"].close()
    await ctx["database"].close()


def _redis() -> RedisSettings:
    url = get_settings().redis_url
    return RedisSettings.from_dsn(url.get_secret_value() if url else "redis://localhost:6379")


class WorkerSettings:
    """For arq's own command line."""

    functions: ClassVar = [func(answer_doorbell, name=TASK, keep_result=0)]
    on_startup = _start
    on_shutdown = _stop
    redis_settings = _redis()
    poll_delay = POLL_SECONDS


def run_worker() -> None:
    """Work until SIGTERM or SIGINT."""
    asyncio.run(_work(get_settings()))


async def _work(settings: Settings) -> None:
    stopping = asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, stopping.set)
    ctx: dict[str, Any] = {}
    await _start(ctx)
    listen = _hear_redis if settings.redis_url else _hear_postgres
    listener = asyncio.create_task(listen(settings, ctx["crew"]))
    listener.add_done_callback(lambda _: stopping.set())  # it never ends by itself: a bug must not make us deaf
    log.info("worker.ready", doorbell="arq" if settings.redis_url else "postgres")
    await stopping.wait()
    listener.cancel()
    await asyncio.gather(listener, return_exceptions=True)
    await _stop(ctx)
    if not listener.cancelled():
        listener.result()


async def _hear_redis(settings: Settings, crew: Crew) -> None:
    """arq's worker, begun again whenever Redis comes back: it ends after two seconds without."""
    assert settings.redis_url is not None  # noqa: S101 - the caller chose by it
    redis_settings = RedisSettings.from_dsn(settings.redis_url.get_secret_value())
    while True:
        try:
            await _hear_until_lost(redis_settings, crew)
        except (RedisError, OSError) as error:
            log.warning("worker.no_redis", error=type(error).__name__)
        await asyncio.sleep(RECONNECT_SECONDS)


async def _hear_until_lost(redis_settings: RedisSettings, crew: Crew) -> None:
    # The connections are ours: arq's own close() talks to Redis first, and raises where there is none.
    pool = await create_pool(redis_settings)
    try:
        worker = Worker(
            [func(answer_doorbell, name=TASK, keep_result=0)],
            redis_pool=pool,
            handle_signals=False,
            poll_delay=POLL_SECONDS,
            ctx={"crew": crew},
        )
        await worker.async_run()
    finally:
        await pool.aclose()


async def _hear_postgres(settings: Settings, crew: Crew) -> None:
    """LISTEN on a connection of its own, made again whenever it breaks; the sweep covers the gap."""
    url = settings.database_url.get_secret_value().replace("postgresql+asyncpg://", "postgresql://")

    def heard(_connection: Any, _pid: int, _channel: str, payload: object) -> None:
        kind, _, id_ = str(payload).partition(" ")
        crew.attend(kind, id_)

    while True:
        try:
            await _listen_until_closed(url, heard)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            log.warning("worker.no_postgres", error=type(error).__name__)
        await asyncio.sleep(RECONNECT_SECONDS)


async def _listen_until_closed(url: str, heard: Callable[[Any, int, str, object], None]) -> None:
    connection = await asyncpg.connect(url)
    closed = asyncio.Event()
    connection.add_termination_listener(lambda _: closed.set())
    try:
        await connection.add_listener(CHANNEL, heard)
        await closed.wait()
    finally:
        await connection.close(timeout=1)
