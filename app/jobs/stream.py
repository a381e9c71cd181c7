"""A job's events as server-sent events: gap-free, resumed by Last-Event-ID, ended when all is told."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import structlog
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from app.db import Database
from app.jobs import repository
from app.jobs.models import FINAL_STATUSES, Job
from app.jobs.models import JobEvent as EventRow
from app.jobs.schemas import JobEvent

log = structlog.get_logger("landbridge.events")

LOOK_EVERY_SECONDS = 0.25
COMMENT_EVERY_SECONDS = 15.0
AT_ONCE = 500


async def told(
    database: Database, job_id: str, after: int, comment_every: float = COMMENT_EVERY_SECONDS
) -> AsyncIterator[str]:
    """What goes over the line. Between looks no connection is held; an outage of ours ends the stream,
    and the client comes back with the last id it has seen."""
    clock = asyncio.get_running_loop().time
    spoke_at = clock()
    while True:
        try:
            done, events = await look(database, job_id, after)
        except (DBAPIError, OSError) as error:
            log.warning("events.broken_off", job=job_id, error=type(error).__name__)
            return
        for row in events:
            yield message(row)
            after, spoke_at = row.seq, clock()
        if done and not events:
            return
        if clock() - spoke_at >= comment_every:
            yield ": still here\n\n"
            spoke_at = clock()
        if not events:
            await asyncio.sleep(min(LOOK_EVERY_SECONDS, comment_every))


async def look(database: Database, job_id: str, after: int) -> tuple[bool, Sequence[EventRow]]:
    """Whether the job is done, and what happened after event `after`.

    The status is read first: what made it final was written with its event.
    """
    async with database.reading() as session:
        status = await session.scalar(select(Job.status).where(Job.id == job_id))
        events = await repository.events(session, job_id, after, AT_ONCE)
    return status is None or status in FINAL_STATUSES, events


def message(row: EventRow) -> str:
    """One event; its data is JSON on one line, in ASCII: some clients take U+2028 and its like for line ends."""
    return f"id: {row.seq}\nevent: {row.type}\ndata: {JobEvent.of(row).model_dump_json(ensure_ascii=True)}\n\n"
