"""Reading and writing tokens; nothing here decides anything."""

from collections.abc import Sequence

from sqlalchemy import func, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.manners.pages import Window, fetch
from app.tokens.models import Token


async def find(session: AsyncSession, token_id: str, *, lock: bool = False) -> Token | None:
    """The token of this id."""
    return await session.get(Token, token_id, with_for_update=lock)


async def find_good(session: AsyncSession, hash: bytes) -> Token | None:
    """The token of this hash, if it is neither revoked nor expired by the database's clock."""
    not_expired = or_(Token.expires_at.is_(None), Token.expires_at > func.now())
    wanted = select(Token).where(Token.hash == hash, Token.revoked_at.is_(None), not_expired)
    return await session.scalar(wanted)


async def note_use(session: AsyncSession, token_id: str) -> None:
    """Remember that the token was used, at most once a minute: a busy token must not be a busy row."""
    stale = or_(Token.last_used_at.is_(None), Token.last_used_at < func.now() - text("interval '1 minute'"))
    await session.execute(update(Token).where(Token.id == token_id, stale).values(last_used_at=func.now()))


async def page(session: AsyncSession, window: Window) -> tuple[Sequence[Token], str | None]:
    """A page of tokens, newest first, and the next cursor."""
    return await fetch(session, select(Token), Token.id, window, newest_first=True)
