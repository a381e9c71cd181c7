"""The chain: appending a line, and finding the first that is not as it was written."""

import hashlib
import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils import uuid7

from app.audit.models import HASH_BYTES, AuditEntry, AuditHead
from app.db import Json

GENESIS = bytes(HASH_BYTES)
AT_ONCE = 1_000

_APPEND = text(
    """
    select audit_append(line.id, line.actor, line.event, line.job, line.step, line.data)
    from unnest(cast(:ids as text[]), cast(:actors as text[]), cast(:events as text[]), cast(:jobs as text[]),
                cast(:steps as text[]), cast(:datas as text[]))
         with ordinality as line(id, actor, event, job, step, data, place)
    order by line.place
    """
)


@dataclass(frozen=True, slots=True)
class Line:
    """What is to be appended. Its `id` makes appending it twice, after a lost answer, the same as once."""

    actor: str
    event: str
    data: Mapping[str, Json]
    job_id: str | None = None
    step_id: str | None = None
    id: str = field(default_factory=lambda: uuid7().hex)


@dataclass(frozen=True, slots=True)
class Break:
    """The first line that is not as it was written, and what is wrong with it."""

    seq: int
    reason: str


@dataclass(frozen=True, slots=True)
class Checked:
    """How many lines were read, the last good one's hash, and where the chain is broken, if it is."""

    lines: int
    head: bytes = GENESIS
    broken: Break | None = None


async def append(session: AsyncSession, lines: Sequence[Line]) -> None:
    """Append, in order. Whoever else appends waits until this transaction has ended."""
    params = {
        "ids": [line.id for line in lines],
        "actors": [line.actor for line in lines],
        "events": [line.event for line in lines],
        "jobs": [line.job_id for line in lines],
        "steps": [line.step_id for line in lines],
        "datas": [json.dumps(line.data, sort_keys=True, separators=(",", ":"), default=str) for line in lines],
    }
    await session.execute(_APPEND, params)


async def verify(session: AsyncSession) -> Checked:
    """Read the whole chain, and stop at the first line that was edited, left out, put in or moved.

    In one transaction of its own moment (repeatable read): lines appended meanwhile do not matter.
    """
    await session.execute(text("set transaction isolation level repeatable read, read only"))
    number, link = 0, GENESIS
    async for entry in _entries(session):
        if entry.seq != number + 1:
            return Checked(number, link, Break(number + 1, f"line {number + 1} is missing"))
        if entry.hash != (due := link_of(link, entry)):
            return Checked(number, link, Break(entry.seq, f"line {entry.seq} is not as it was written"))
        number, link = entry.seq, due
    head = await session.get(AuditHead, True, populate_existing=True)
    if head is None or (head.seq, head.hash) != (number, link):
        return Checked(number, link, Break(number + 1, f"lines after {number} are missing"))
    return Checked(number, link)


def link_of(previous: bytes, entry: AuditEntry) -> bytes:
    """The hash a line must have after `previous`."""
    at = entry.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    fields = (str(entry.seq), entry.id, at, entry.actor, entry.event, entry.job_id, entry.step_id, entry.data)
    return hashlib.sha256(previous + b"".join(_parts(fields))).digest()


def _parts(fields: Iterable[str | None]) -> Iterable[bytes]:
    for each in fields:
        raw = (each or "").encode()
        yield b"%d:%s," % (len(raw), raw)


async def _entries(session: AsyncSession) -> AsyncIterator[AuditEntry]:
    """All lines in order, a thousand at a time. A line before the first is one put in."""
    after: int | None = None
    while True:
        wanted = select(AuditEntry).order_by(AuditEntry.seq).limit(AT_ONCE)
        rows = (await session.scalars(wanted if after is None else wanted.where(AuditEntry.seq > after))).all()
        for row in rows:
            yield row
        if len(rows) < AT_ONCE:
            return
        after = rows[-1].seq
        session.expunge_all()
