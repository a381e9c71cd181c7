"""/v1/jobs: making jobs and reading them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response, status

from app.jobs import repository, service
from app.jobs.models import FINAL_STATUSES
from app.jobs.models import Job as JobRow
from app.jobs.report import report_of
from app.jobs.report_schemas import JobReport
from app.jobs.report_text import markdown
from app.jobs.repository import Sought
from app.jobs.schemas import Job, JobCreate, JobList, JobStep, JobStepList
from app.jobs.summary import summary
from app.manners.doorbell import TheDoorbell
from app.manners.etags import IfNoneMatch, is_current, not_modified
from app.manners.formats import JSON, MARKDOWN, PLAIN, Accept, chosen, texts
from app.manners.idempotency import Idempotent
from app.manners.ids import PathId
from app.manners.pages import AskedWindow, announce
from app.manners.principals import EVERYONE, Caller, Role, admits
from app.manners.transactions import Route, Session, TheDatabase
from app.manners.waiting import Patience, hold
from app.settings import Settings

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], route_class=Route)

READERS = Depends(admits(*EVERYONE))
OPERATORS = Depends(admits(Role.OPERATOR))

RETRY_AFTER_SECONDS = "2"


def sought(
    plan_id: Annotated[str | None, Query(description="of this plan alone")] = None,
    account_id: Annotated[str | None, Query(description="in this account alone")] = None,
    status: Annotated[str | None, Query(description="in this status alone")] = None,
) -> Sought:
    """Which jobs were asked for."""
    return Sought(plan_id, account_id, status)


@router.post("", status_code=status.HTTP_202_ACCEPTED, dependencies=[OPERATORS, Idempotent])
async def create_job(
    session: Session, response: Response, wanted: JobCreate, doorbell: TheDoorbell, caller: Caller
) -> Job:
    """Run a plan: rehearse it, carry it out, or finalize it. One changing job per account and region at a time."""
    job = await service.create(session, wanted.plan_id, wanted.action, caller.id, doorbell)
    response.headers["Location"] = f"/v1/jobs/{job.id}"
    return await shown(session, response, job)


@router.get("", dependencies=[READERS])
async def list_jobs(
    session: Session, response: Response, window: AskedWindow, sought: Annotated[Sought, Depends(sought)]
) -> JobList:
    """All jobs, newest first."""
    found, next_cursor = await repository.page(session, window, sought)
    announce(response, window, next_cursor)
    estimates = await repository.estimates(session, [job.plan_id for job in found])
    return JobList(items=[Job.of(job, estimates) for job in found], next_cursor=next_cursor)


@router.get(
    "/{job_id}", response_model=Job, dependencies=[READERS], responses=texts(PLAIN, MARKDOWN, description="The job")
)
async def get_job(  # noqa: PLR0917 - FastAPI gives these by name
    session: Session,
    database: TheDatabase,
    response: Response,
    job_id: PathId,
    patience: Patience,
    accept: Accept = None,
    if_none_match: IfNoneMatch = None,
) -> Job | Response:
    """One job: how far it is, and what may be asked of it. As text/plain or text/markdown, a summary for a chat."""

    async def load() -> JobRow:
        async with database.reading() as own:
            return await service.get(own, job_id)

    media_type = chosen(accept, (JSON, PLAIN, MARKDOWN))
    job = await hold(load, lambda row: row.status in FINAL_STATUSES, patience)
    if media_type != JSON:
        return Response(summary(job, media_type), media_type=media_type, headers={**later(job), "Vary": "Accept"})
    if is_current(if_none_match, service.tag(job)):
        return not_modified(service.tag(job))
    response.headers["Vary"] = "Accept"
    return await shown(session, response, job)


@router.get("/{job_id}/steps", dependencies=[READERS])
async def list_job_steps(
    session: Session,
    response: Response,
    job_id: PathId,
    window: AskedWindow,
    state: Annotated[str | None, Query(description="in this state alone")] = None,
    phase: Annotated[str | None, Query(description="of this phase alone")] = None,
) -> JobStepList:
    """The job's steps, in the plan's order."""
    await service.get(session, job_id)
    found, next_cursor = await repository.steps(session, job_id, window, state, phase)
    announce(response, window, next_cursor)
    return JobStepList(items=[JobStep.of(row) for row in found], next_cursor=next_cursor)


@router.get(
    "/{job_id}/report",
    response_model=JobReport,
    dependencies=[READERS],
    responses=texts(MARKDOWN, description="The report"),
)
async def get_job_report(
    request: Request, session: Session, response: Response, job_id: PathId, accept: Accept = None
) -> JobReport | Response:
    """What moved to what, what was interrupted, what was called, and what is left; at any time of the job's life."""
    settings: Settings = request.app.state.settings
    media_type = chosen(accept, (JSON, MARKDOWN))
    report = await report_of(session, await service.get(session, job_id), settings.time_scale)
    response.headers["Vary"] = "Accept"
    if media_type == MARKDOWN:
        return Response(markdown(report), media_type=MARKDOWN, headers={"Vary": "Accept"})
    return report


async def shown(session: Session, response: Response, job: JobRow) -> Job:
    """The job as its readers see it, with its ETag, and when to look again."""
    response.headers["ETag"] = service.tag(job)
    response.headers.update(later(job))
    return Job.of(job, await repository.estimates(session, [job.plan_id]))


def later(job: JobRow) -> dict[str, str]:
    """Retry-After, while there is something to come back for."""
    return {} if job.status in FINAL_STATUSES else {"Retry-After": RETRY_AFTER_SECONDS}
