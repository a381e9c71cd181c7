"""Idempotency-Key on every POST: the first answer is kept with what it made, and given again.

The key's row is written in the transaction of the request itself: after a crash there is either the
resource and its answer, or neither. A refused request keeps nothing; its key may be used again.
"""

import hashlib
from typing import Annotated

from fastapi import Depends, Header, Request, Response
from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import Code, Conflict, Invalid
from app.manners.models import IdempotencyKey
from app.manners.principals import Caller
from app.settings import Settings

KEPT_HEADERS = ("content-type", "location", "etag", "retry-after")


class Replayed(Exception):
    """Not an error: carries the first answer past the endpoint, which must not run a second time."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


async def idempotent(
    request: Request,
    caller: Caller,
    key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            min_length=1,
            max_length=255,
            description="Repeating a request with its key gives its first answer again, for 24 hours.",
        ),
    ] = None,
) -> None:
    """Replay the first answer to this key, or let the endpoint run and have its answer kept.

    Raises Conflict while the first request runs, Invalid if it was a different one.
    """
    if key is None:
        return
    session: AsyncSession = request.state.session
    settings: Settings = request.app.state.settings
    await hold_key(session, caller.id, key)
    mine = (IdempotencyKey.principal == caller.id) & (IdempotencyKey.key == key)
    await session.execute(delete(IdempotencyKey).where(mine, older_than(settings.idempotency_hours)))
    kept = await session.scalar(select(IdempotencyKey).where(mine))
    digest = await request_hash(request)
    if kept is None:
        request.state.idempotency = (caller.id, key, digest)
        return
    if kept.request_hash != digest:
        raise Invalid(
            "This Idempotency-Key came with a different request before; use a new key for a new request.",
            code=Code.IDEMPOTENCY_MISMATCH,
        )
    headers = {name: str(value) for name, value in kept.headers.items()}
    raise Replayed(Response(kept.body, kept.status, {**headers, "Idempotency-Replayed": "true"}))


Idempotent = Depends(idempotent)


async def hold_key(session: AsyncSession, principal: str, key: str) -> None:
    """Keep other requests with this key out until the transaction ends; raises Conflict if one is in.

    The lock goes with the transaction, so a process that dies leaves no key behind as "running".
    """
    lock = select(func.pg_try_advisory_xact_lock(func.hashtextextended(f"{principal} {key}", 0)))
    if not await session.scalar(lock):
        raise Conflict(
            "The first request with this Idempotency-Key is still running; repeat this one in a second.",
            code=Code.IDEMPOTENCY_IN_PROGRESS,
            headers={"Retry-After": "1"},
        )


async def forget_old_keys(session: AsyncSession, hours: int) -> None:
    """Delete the keys that are past their time; for whoever sweeps."""
    await session.execute(delete(IdempotencyKey).where(older_than(hours)))


def older_than(hours: int) -> ColumnElement[bool]:
    """Whether a key is past its time, by the database's clock."""
    return IdempotencyKey.created_at < func.now() - func.make_interval(0, 0, 0, 0, hours)


async def request_hash(request: Request) -> bytes:
    """What makes two requests the same: method, path, query and body, to the byte."""
    hashed = hashlib.sha256()
    for part in (request.method, request.url.path, request.url.query):
        hashed.update(part.encode() + b"\0")
    hashed.update(await request.body())
    return hashed.digest()


def keep_instead(request: Request, body: bytes) -> None:
    """Keep `body` for replays in place of the answer's own, where that holds a secret shown only once."""
    request.state.kept_body = body


async def remember(request: Request, session: AsyncSession, response: Response) -> None:
    """Keep the answer if the request came with a key."""
    owner = getattr(request.state, "idempotency", None)
    if owner is None:
        return
    principal, key, digest = owner
    headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
    row = insert(IdempotencyKey).values(
        principal=principal,
        key=key,
        method=request.method,
        path=request.url.path,
        request_hash=digest,
        status=response.status_code,
        headers=headers,
        body=getattr(request.state, "kept_body", bytes(response.body)),
    )
    await session.execute(row)
