"""What every change of a job by a person does: lock the row, write an event beside the worker's, count anew.

The row's lock makes the worker's own commits wait, so that events stay without a gap and no wish is lost.
"""

from collections import Counter
from collections.abc import Mapping

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.db import Json, JsonObject, violated
from app.errors import Code, Conflict, NotFound
from app.execution.states import JOB_MOVES, WORKING, check_move
from app.jobs.models import FINAL_STATUSES, Job, JobEvent, JobStep


async def locked(session: AsyncSession, job_id: str) -> Job:
    """The job as it is now, and as it stays until the transaction ends; raises NotFound."""
    job = await session.get(Job, job_id, with_for_update=True, populate_existing=True)
    if job is None:
        raise NotFound(f"There is no job {job_id}; GET /v1/jobs lists those there are.")
    return job


async def add_event(session: AsyncSession, job: Job, type_: str, data: Mapping[str, Json]) -> None:
    """Write the job's next event; the job must be locked, or new in this transaction."""
    job.last_event += 1
    job.version += 1
    await session.flush()
    session.add(JobEvent(job_id=job.id, seq=job.last_event, type=type_, data=dict(data)))
    await session.flush()


async def move(session: AsyncSession, job: Job, to: str) -> None:
    """Put the job into a status by the table of moves; raises Conflict where that needs a hold another job has."""
    check_move(JOB_MOVES, job.status, to)
    account_id, region = job.account_id, job.region
    finished_at = await session.scalar(select(func.clock_timestamp())) if to in FINAL_STATUSES else None
    try:
        # A savepoint: what refuses the hold must not take the transaction with it.
        async with session.begin_nested():
            job.status, job.requested, job.finished_at = to, None, finished_at
            if to in WORKING:
                job.error = None
            await session.flush()
    except IntegrityError as error:
        raise await taken(session, account_id, region, error) from error


async def holder(session: AsyncSession, account_id: str, region: str) -> Job | None:
    """The changing job that holds the account and region now."""
    wanted = select(Job).where(
        Job.account_id == account_id,
        Job.region == region,
        Job.action != "dry_run",
        Job.status.not_in(FINAL_STATUSES),
    )
    return await session.scalar(wanted)


async def taken(session: AsyncSession, account_id: str, region: str, error: IntegrityError) -> Exception:
    """What the index that keeps one changing job per account and region has refused, in words."""
    if violated(error) != "uq_jobs_holder":
        return error
    return conflict(await holder(session, account_id, region), account_id, region)


def conflict(other: Job | None, account_id: str, region: str) -> Conflict:
    """The refusal that names who holds the account."""
    who = f"Job {other.id} ({other.action}, {other.status})" if other else "Another job"
    return Conflict(
        f"{who} holds {account_id} in {region}: wait until it is done, or cancel or undo it.", code=Code.JOB_CONFLICT
    )


async def recount(session: AsyncSession, job: Job) -> None:
    """Set the job's progress from its steps, as the journal counts them."""
    counted = select(JobStep.state, func.count()).where(JobStep.job_id == job.id).group_by(JobStep.state)
    rows = (await session.execute(counted)).all()
    job.progress = progress(Counter({row[0]: row[1] for row in rows}))


def progress(states: Counter[str]) -> JsonObject:
    """The counts a person is shown."""
    return {
        "total": sum(states.values()),
        "done": states["succeeded"] + states["skipped"],
        "running": states["running"] + states["undoing"],
        "waiting": states["verifying"],
        "failed": states["failed"] + states["undo_failed"],
        "undone": states["undone"],
    }
