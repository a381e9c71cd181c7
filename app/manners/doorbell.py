"""The doorbell: tells workers that there is something to do. What there is to do stands in Postgres."""

from typing import Annotated, Protocol

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession

from app.db import after_commit


class Doorbell(Protocol):
    """A hint, not a carrier: a ring that is lost delays its job until the next sweep, and no more."""

    async def ring(self, kind: str, id: str) -> None:
        """Tell the workers to look at `kind` ("inventory", "job") `id`. Does not raise."""
        ...

    async def ping(self) -> bool:
        """Whether rings get through just now."""
        ...


def ring_after_commit(session: AsyncSession, doorbell: Doorbell, kind: str, id: str) -> None:
    """Ring once the session's work is visible; before that a quick worker would find nothing."""
    after_commit(session, lambda: doorbell.ring(kind, id))


def doorbell_of(request: Request) -> Doorbell:
    """The process's doorbell."""
    doorbell: Doorbell = request.app.state.doorbell
    return doorbell


TheDoorbell = Annotated[Doorbell, Depends(doorbell_of)]
