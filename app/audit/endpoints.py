"""/v1/audit: the trail, and whether it is whole."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from sqlalchemy import select

from app.audit import chain
from app.audit.models import AuditEntry as EntryRow
from app.audit.schemas import AuditEntry, AuditList, AuditVerification
from app.manners.pages import AskedWindow, announce
from app.manners.positions import cut, position
from app.manners.principals import Role, admits
from app.manners.transactions import Route, Session, TheDatabase

router = APIRouter(prefix="/v1/audit", tags=["audit"], route_class=Route)

AUDITORS = Depends(admits(Role.APPROVER))


@router.get("", dependencies=[AUDITORS])
async def list_audit(
    session: Session,
    response: Response,
    window: AskedWindow,
    job_id: Annotated[str | None, Query(description="of this job alone")] = None,
    actor: Annotated[str | None, Query(description="of this actor alone")] = None,
    event: Annotated[str | None, Query(description="of this event alone")] = None,
) -> AuditList:
    """Who asked, what was called, and what came back; oldest first."""
    wanted = select(EntryRow).where(EntryRow.seq > position(window)).order_by(EntryRow.seq).limit(window.limit + 1)
    for column, value in ((EntryRow.job_id, job_id), (EntryRow.actor, actor), (EntryRow.event, event)):
        wanted = wanted if value is None else wanted.where(column == value)
    rows = (await session.scalars(wanted)).all()
    found, next_cursor = cut(window, [(row.seq, row) for row in rows])
    announce(response, window, next_cursor)
    return AuditList(items=[AuditEntry.of(row) for row in found], next_cursor=next_cursor)


@router.get("/verify", dependencies=[AUDITORS])
async def verify_audit(database: TheDatabase) -> AuditVerification:
    """Read the whole trail again, and name the first line that was edited, left out, put in or moved."""
    async with database.transaction() as session:
        return AuditVerification.of(await chain.verify(session))
