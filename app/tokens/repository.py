"""Reading and writing tokens; nothing here decides anything."""

from collections.abc import Sequence

from sqlalchemy import func, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.manners.pages import Window, fetch
from app.tokens.models import Token


async def find(session: AsyncSession, token_id: str, *, lock: bool = False) -> Token | None:
    """The token of this id."""
    return await session.get(Token, token_id, with_for_update=lock)


# A busy token must not be a busy row: its use is noted once a minute.
USE_IS_STALE = or_(Token.last_used_at.is_(None), Token.last_used_at < func.now() - text("interval '1 minute'"))


async def find_good(session: AsyncSession, hash: bytes) -> tuple[Token, bool] | None:
    """The token of this hash and whether its use should be noted, unless it is revoked or expired.

    The clock is the database's: processes may disagree about the time, and so about who may enter.
    """
    not_expired = or_(Token.expires_at.is_(None), Token.expires_at > func.now())
    wanted = select(Token, USE_IS_STALE).where(Token.hash == hash, Token.revoked_at.is_(None), not_expired)
    found = (await session.execute(wanted)).one_or_none()
    return None if found is None else (found[0], found[1])


async def note_use(session: AsyncSession, token_id: str) -> None:
    """Remember that the token was used."""
    statement = update(Token).where(Token.id == token_id, USE_IS_STALE).values(last_used_at=func.now())
    await session.execute(statement, execution_options={"synchronize_session": False})


async def page(session: AsyncSession, window: Window) -> tuple[Sequence[Token], str | None]:
    """A page of tokens, newest first, and the next cursor."""
    return await fetch(session, select(Token), Token.id, window, newest_first=True)
