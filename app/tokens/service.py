"""Issuing and revoking tokens."""

from datetime import datetime

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession

from app.db import new_id
from app.errors import FieldError, Invalid, NotFound
from app.tokens import repository
from app.tokens.models import Token
from app.tokens.schemas import TokenCreate
from app.tokens.secrets import SHOWN_CHARACTERS, hash_of, new_secret


async def issue(session: AsyncSession, wanted: TokenCreate, created_by: str) -> tuple[Token, str]:
    """Store a new token; returns it and its secret, which nobody can read again."""
    if wanted.expires_at is not None and wanted.expires_at <= await now(session):
        detail = "A token must expire in the future; choose a later time, or leave it out."
        raise Invalid(detail, errors=[FieldError("/expires_at", "in_the_past", detail)])
    secret = new_secret()
    token = Token(
        id=new_id("tok"),
        name=wanted.name,
        role=wanted.role.value,
        hash=hash_of(secret),
        prefix=secret[:SHOWN_CHARACTERS],
        expires_at=wanted.expires_at,
        created_by=created_by,
    )
    session.add(token)
    await session.flush()
    await session.refresh(token)
    return token, secret


async def revoke(session: AsyncSession, token_id: str) -> None:
    """Make the token worthless from now on; its row stays, for the record. Raises NotFound."""
    token = await repository.find(session, token_id, lock=True)
    if token is None:
        raise NotFound(f"There is no token {token_id}; GET /v1/tokens lists those there are.")
    if token.revoked_at is None:
        token.revoked_at = await now(session)


async def now(session: AsyncSession) -> datetime:
    """The database's time, by which tokens are looked at."""
    moment: datetime = (await session.execute(func.now().select())).scalar_one()
    return moment
