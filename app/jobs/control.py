"""What a person may ask of a job, and when. The table of moves decides; a worker that holds the job is asked."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import Code, Conflict
from app.execution.states import JOB_MOVES, WORKING
from app.jobs import repository
from app.jobs.changes import add_event, conflict, holder, locked, move
from app.jobs.models import Job
from app.manners.doorbell import Doorbell, ring_after_commit
from app.plans import approval
from app.plans.models import Plan

LEADS_TO = {"pause": "paused", "resume": "running", "cancel": "cancelled", "undo": "undoing"}
# A stronger wish replaces a weaker one that the worker has not taken up yet.
STRENGTH = {"pause": 1, "cancel": 2, "undo": 3}
EVENTS = {"pause": "job.paused", "resume": "job.resumed", "cancel": "job.cancelled", "undo": "job.undoing"}


def allowed(job: Job) -> list[str]:
    """What may be asked of the job now."""
    return [wish for wish in LEADS_TO if may(job, wish)]


def may(job: Job, wish: str) -> bool:
    """Whether the job's status, and its kind, admit the wish."""
    if LEADS_TO[wish] not in JOB_MOVES[job.status]:
        return False
    if wish == "resume":
        return job.status not in WORKING
    if wish == "undo":
        # A dry run left nothing; what finalizing destroys cannot be had back.
        return job.action == "execute" and job.status != "undoing"
    return True


async def ask(session: AsyncSession, job_id: str, wish: str, by: str, doorbell: Doorbell) -> Job:
    """Pause, resume, cancel or undo the job: at once, or by asking the worker that holds it.

    Raises NotFound, and Conflict where the job's state does not admit it.
    """
    job = await locked(session, job_id)
    if not may(job, wish):
        raise refusal(job, wish)
    if wish != "resume" and await repository.at_work(session, job):
        await request(session, job, wish, by)
    else:
        await check(session, job, wish)
        await move(session, job, LEADS_TO[wish])
        if wish == "undo":
            # Once more, now that this job holds its account and no finalize job can begin any more.
            await check_undo(session, job)
        await add_event(session, job, EVENTS[wish], {"by": by, "status": job.status})
    await session.refresh(job)
    if job.status in WORKING or job.requested is not None:
        ring_after_commit(session, doorbell, "job", job.id)
    return job


async def request(session: AsyncSession, job: Job, wish: str, by: str) -> None:
    """Leave the wish for the worker, which comes to a safe point first."""
    if job.requested == wish:
        return
    if job.requested is not None and STRENGTH[job.requested] > STRENGTH[wish]:
        raise Conflict(f"The job has been asked to {job.requested} already: wait until it has.", code=Code.JOB_STATE)
    job.requested = wish
    await add_event(session, job, f"job.{wish}_requested", {"by": by})


async def check(session: AsyncSession, job: Job, wish: str) -> None:
    """What the status alone does not tell. Raises Conflict."""
    if wish == "resume":
        await check_resume(session, job)
    if wish == "undo":
        await check_undo(session, job)


async def check_resume(session: AsyncSession, job: Job) -> None:
    """Raises Conflict while something stands in the way that has failed, or an approval is wanting."""
    if failed := await repository.in_state(session, job.id, "failed", 5):
        raise Conflict(f"Retry or skip what failed first, or undo the job: {', '.join(failed)}.", code=Code.JOB_STATE)
    if job.action != "dry_run":
        await approval.require(session, await session.get_one(Plan, job.plan_id))


async def check_undo(session: AsyncSession, job: Job) -> None:
    """Raises Conflict once something is destroyed."""
    if other := await repository.begun_finalizing(session, job.plan_id):
        raise Conflict(
            f"Job {other} has begun to destroy the sources: what it took cannot be had back.", code=Code.JOB_STATE
        )


async def why_not_undo(session: AsyncSession, job: Job) -> Conflict | None:
    """What asking for an undo would be refused with as things stand; asks for nothing and locks nothing."""
    if not may(job, "undo"):
        return refusal(job, "undo")
    try:
        await check_undo(session, job)
    except Conflict as error:
        return error
    other = await holder(session, job.account_id, job.region)
    return conflict(other, job.account_id, job.region) if other and other.id != job.id else None


def refusal(job: Job, wish: str) -> Conflict:
    """Why not, and what instead."""
    instead = " or ".join(allowed(job)) or "nothing; look at its report"
    return Conflict(
        f"A job of action {job.action} that is {job.status} cannot {wish}. Now it allows: {instead}.",
        code=Code.JOB_STATE,
    )
