"""Reading jobs; nothing here decides anything."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.models import INTENT, AuditEntry
from app.execution.states import WORKING
from app.jobs.models import Job, JobEvent, JobStep
from app.manners.pages import Window, fetch
from app.manners.positions import cut, position
from app.plans.models import Plan

UNDER_WAY_OR_DONE = ("running", "verifying", "succeeded")


@dataclass(frozen=True, slots=True)
class Sought:
    """Which jobs."""

    plan_id: str | None = None
    account_id: str | None = None
    status: str | None = None


async def find(session: AsyncSession, job_id: str) -> Job | None:
    """The job of this id, as it is now."""
    return await session.get(Job, job_id, populate_existing=True)


async def page(session: AsyncSession, window: Window, sought: Sought) -> tuple[Sequence[Job], str | None]:
    """A page of jobs, newest first, and the next cursor."""
    wanted = select(Job)
    for column, value in (
        (Job.plan_id, sought.plan_id),
        (Job.account_id, sought.account_id),
        (Job.status, sought.status),
    ):
        if value is not None:
            wanted = wanted.where(column == value)
    return await fetch(session, wanted, Job.id, window, newest_first=True)


async def estimates(session: AsyncSession, plan_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """What the plans are expected to take, by id."""
    rows = (await session.execute(select(Plan.id, Plan.estimate).where(Plan.id.in_(plan_ids)))).all()
    return {plan_id: dict(estimate) for plan_id, estimate in rows}


async def steps(
    session: AsyncSession, job_id: str, window: Window, state: str | None, phase: str | None
) -> tuple[list[JobStep], str | None]:
    """A page of the job's steps in the plan's order, and the next cursor."""
    wanted = select(JobStep).where(JobStep.job_id == job_id, JobStep.seq > position(window))
    if state is not None:
        wanted = wanted.where(JobStep.state == state)
    if phase is not None:
        wanted = wanted.where(JobStep.phase == phase)
    rows = (await session.scalars(wanted.order_by(JobStep.seq).limit(window.limit + 1))).all()
    return cut(window, [(row.seq, row) for row in rows])


async def events(session: AsyncSession, job_id: str, after: int, limit: int) -> Sequence[JobEvent]:
    """The job's events that follow number `after`, in order."""
    wanted = select(JobEvent).where(JobEvent.job_id == job_id, JobEvent.seq > after)
    return (await session.scalars(wanted.order_by(JobEvent.seq).limit(limit))).all()


async def moved_by(session: AsyncSession, plan_id: str) -> Job | None:
    """The newest job that carried the plan out and has not been undone."""
    wanted = select(Job).where(Job.plan_id == plan_id, Job.action == "execute", Job.status == "succeeded")
    return await session.scalar(wanted.order_by(Job.created_at.desc(), Job.id.desc()).limit(1))


async def finalized(session: AsyncSession, plan_id: str) -> Sequence[JobStep]:
    """The steps of finalize jobs of the plan that destroyed something, or may have; in the plan's order."""
    wanted = select(JobStep).join(Job, Job.id == JobStep.job_id).where(*_destroyed(plan_id))
    return (await session.scalars(wanted.order_by(Job.id, JobStep.seq))).all()


async def begun_finalizing(session: AsyncSession, plan_id: str) -> str | None:
    """A job that has begun to destroy the plan's sources, or may have."""
    wanted = select(Job.id).join(JobStep, Job.id == JobStep.job_id).where(*_destroyed(plan_id))
    return await session.scalar(wanted.order_by(Job.id).limit(1))


def _destroyed(plan_id: str) -> tuple[ColumnElement[bool], ...]:
    """A step that failed may have found, before its first change, that it must make none: then the trail, which has the
    intent of every changing call before it goes out, has none of it."""
    meant = exists().where(
        AuditEntry.job_id == JobStep.job_id, AuditEntry.step_id == JobStep.step_id, AuditEntry.event == INTENT
    )
    return Job.plan_id == plan_id, Job.action == "finalize", JobStep.state.in_(UNDER_WAY_OR_DONE) | meant


async def in_state(session: AsyncSession, job_id: str, state: str, limit: int) -> Sequence[str]:
    """The first steps in a state."""
    wanted = select(JobStep.step_id).where(JobStep.job_id == job_id, JobStep.state == state)
    return (await session.scalars(wanted.order_by(JobStep.seq).limit(limit))).all()


async def at_work(session: AsyncSession, job: Job) -> bool:
    """Whether a worker has to come to a safe point before the job's status may change."""
    if job.status == "queued":
        return await is_held(session, job)
    keeps = job.status == "waiting_for_approval" and job.wake_at is not None
    return keeps or job.status in WORKING


async def is_held(session: AsyncSession, job: Job) -> bool:
    """Whether a worker has the job in hand, by the database's clock."""
    if job.lease_expires_at is None:
        return False
    return bool(await session.scalar(select(func.clock_timestamp() < job.lease_expires_at)))
