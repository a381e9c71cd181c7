"""Reading and writing accounts; nothing here decides anything."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.models import Account
from app.db import CHANGING
from app.manners.pages import Window, fetch


async def find(session: AsyncSession, account_id: str, *, lock: bool = False) -> Account | None:
    """The account; with `lock`, nobody else locks, changes or deletes it until the transaction ends."""
    return await session.get(Account, account_id, with_for_update=CHANGING if lock else None)


async def page(session: AsyncSession, window: Window) -> tuple[Sequence[Account], str | None]:
    """A page of accounts, newest first, and the next cursor."""
    return await fetch(session, select(Account), Account.id, window, newest_first=True)
