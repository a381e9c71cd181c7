"""/v1/jobs/{id}/undo, to GET: what an undo would do, before anybody asks for it."""

import asyncio
from typing import Any

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app.execution.journal import Entry
from app.jobs import control, repository, service
from app.jobs.endpoints import READERS
from app.jobs.models import Job
from app.jobs.report import steps_of
from app.jobs.undo_preview import WayBack, destroyed, foretold
from app.jobs.undo_schemas import UndoPreview, UndoRefusal
from app.jobs.undo_text import markdown
from app.manners.formats import JSON, MARKDOWN, Accept, chosen, texts
from app.manners.ids import PathId
from app.manners.transactions import Route, Session
from app.planning.plan import PlannedStep
from app.plans import repository as plans

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], route_class=Route)


@router.get(
    "/{job_id}/undo",
    response_model=UndoPreview,
    dependencies=[READERS],
    responses=texts(MARKDOWN, description="The preview"),
)
async def preview_job_undo(
    session: Session, response: Response, job_id: PathId, accept: Accept = None
) -> UndoPreview | Response:
    """What an undo would do now: whether it can be asked for, what it would take back and in which order, and what
    would stay. Nothing changes."""
    media_type = chosen(accept, (JSON, MARKDOWN))
    preview = await preview_of(session, await service.get(session, job_id))
    response.headers["Vary"] = "Accept"
    if media_type == MARKDOWN:
        return Response(markdown(preview), media_type=MARKDOWN, headers={"Vary": "Accept"})
    return preview


async def preview_of(session: AsyncSession, job: Job) -> UndoPreview:
    """The preview as things stand."""
    document = await plans.document(session, job.plan_id)
    bodies: Any = document.steps
    rows = await steps_of(session, job.id)
    gone = await repository.finalized(session, job.plan_id)
    refusal = await control.why_not_undo(session, job)
    planned = await asyncio.to_thread(lambda: {body["id"]: PlannedStep.from_json(body) for body in bodies})
    if gone or job.action != "execute":
        way = WayBack(steps=[], irreversible=[], untouched=[], seconds=0.0)
    else:
        entries = {row.step_id: Entry(row.state, row.attempts, row.result, row.error) for row in rows}  # type: ignore[arg-type]
        way = await asyncio.to_thread(foretold, [planned[row.step_id] for row in rows], entries)
    return UndoPreview(
        job_id=job.id,
        plan_id=job.plan_id,
        action=job.action,
        status=job.status,
        possible=refusal is None,
        refusal=UndoRefusal(code=refusal.code, detail=refusal.detail) if refusal else None,
        at_work=await repository.at_work(session, job),
        estimated_seconds=way.seconds,
        steps=way.steps,
        irreversible=way.irreversible,
        untouched=way.untouched,
        finalized=destroyed(gone, planned),
    )
