"""/v1/jobs/{id}/events: as a stream, and as a list."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Response
from fastapi.responses import StreamingResponse

from app.jobs import repository, service
from app.jobs.schemas import JobEvent, JobEventList
from app.jobs.stream import told
from app.manners.formats import EVENTS, JSON, Accept, chosen
from app.manners.ids import PathId
from app.manners.pages import AskedWindow, announce
from app.manners.positions import LARGEST, cut, position
from app.manners.principals import EVERYONE, admits
from app.manners.transactions import Route, Session, TheDatabase

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], route_class=Route)

READERS = Depends(admits(*EVERYONE))

# Client generators refuse OpenAPI's own itemSchema in a 3.1 document.
STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The events",
        "content": {EVENTS: {"schema": {"type": "string"}, "x-item-schema": {"$ref": "#/components/schemas/JobEvent"}}},
    }
}
UNBUFFERED = {"Cache-Control": "no-store", "X-Accel-Buffering": "no", "Vary": "Accept"}


def heard(
    after: Annotated[int, Query(ge=0, le=LARGEST, description="events after this one")] = 0,
    last_event_id: Annotated[
        int | None,
        Header(alias="Last-Event-ID", ge=0, le=LARGEST, description="the last `id:` seen; goes before `after`"),
    ] = None,
) -> int:
    """The last event the client has."""
    return after if last_event_id is None else last_event_id


@router.get("/{job_id}/events", response_model=JobEventList, dependencies=[READERS], responses=STREAM)
async def get_job_events(  # noqa: PLR0917 - FastAPI gives these by name
    session: Session,
    database: TheDatabase,
    response: Response,
    job_id: PathId,
    window: AskedWindow,
    heard: Annotated[int, Depends(heard)],
    accept: Accept = None,
) -> JobEventList | Response:
    """What happened, in order: server-sent events until the job is done, or a list as application/json."""
    # Before the stream begins: afterwards a client would see 200 and a broken stream.
    await service.get(session, job_id)
    if chosen(accept, (EVENTS, JSON)) == EVENTS:
        return StreamingResponse(told(database, job_id, heard), media_type=EVENTS, headers=UNBUFFERED)
    rows = await repository.events(session, job_id, max(heard, position(window)), window.limit + 1)
    found, next_cursor = cut(window, [(row.seq, row) for row in rows])
    announce(response, window, next_cursor)
    response.headers["Vary"] = "Accept"
    return JobEventList(items=[JobEvent.of(row) for row in found], next_cursor=next_cursor)
