"""Shared commits: what comes while one commit is on its way waits together for the next.

So the database decides how many changes share a commit (performance: ten times the steps of a commit each).
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import structlog
from sqlalchemy.exc import DBAPIError

log = structlog.get_logger("landbridge.gathering")

T = TypeVar("T")

# A restart of Postgres takes seconds.
RETRY_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0, 8.0)


@dataclass
class _Waiting(Generic[T]):
    batch: T
    written: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Gathering(Generic[T]):
    """`write` writes a batch in one transaction, and must know a batch it has written already: it is called
    again where the answer to a commit was lost."""

    def __init__(self, empty: Callable[[], T], write: Callable[[T], Awaitable[None]]) -> None:
        self._empty = empty
        self._write = write
        self._open: _Waiting[T] | None = None
        self._writer: asyncio.Task[None] | None = None

    async def add(self, put: Callable[[T], None]) -> None:
        """`put` changes the batch that is open; returns once that is written. Raises what `write` raised."""
        if self._open is None:
            self._open = _Waiting(self._empty())
        waiting = self._open
        put(waiting.batch)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_all())
        await asyncio.shield(waiting.written)

    async def _write_all(self) -> None:
        while (waiting := self._open) is not None:
            self._open = None
            writing = asyncio.ensure_future(self._persist(waiting.batch))
            await asyncio.wait([writing])
            # Whatever it was that went wrong: somebody waits for this, and must not wait for ever.
            if error := writing.exception():
                waiting.written.set_exception(error)
            else:
                waiting.written.set_result(None)

    async def _persist(self, batch: T) -> None:
        for pause in (*RETRY_SECONDS, None):
            try:
                await self._write(batch)
                return
            except (DBAPIError, OSError) as error:
                if pause is None:
                    raise
                log.warning("gathering.retry", error=type(error).__name__)
                await asyncio.sleep(pause)
