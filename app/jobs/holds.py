"""Which accounts and plans jobs still need."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.jobs.models import FINAL_STATUSES, Job


class JobHolds:
    """The jobs' side of the questions whether an account may go, and whether a plan may change or go."""

    async def unfinished_jobs(self, session: AsyncSession, account_id: str) -> Sequence[str]:
        """The ids of the account's jobs that are not in a final status, oldest first."""
        wanted = select(Job.id).where(Job.account_id == account_id, Job.status.not_in(FINAL_STATUSES))
        return (await session.scalars(wanted.order_by(Job.id))).all()

    async def jobs_built_on(self, session: AsyncSession, plan_id: str) -> Sequence[str]:
        """The plan's jobs that changed something or run now; a finished dry run says no more than it said."""
        return await ids(session, Job.plan_id == plan_id, or_(Job.action != "dry_run", RUNS))

    async def jobs_in_need_of(self, session: AsyncSession, plan_id: str) -> Sequence[str]:
        """The plan's jobs that run, or that left something which only they can undo."""
        changed = (Job.action != "dry_run") & (Job.status != "undone") & Job.started_at.is_not(None)
        return await ids(session, Job.plan_id == plan_id, or_(changed, RUNS))


RUNS = Job.status.not_in(FINAL_STATUSES)


async def ids(session: AsyncSession, *conditions: ColumnElement[bool]) -> Sequence[str]:
    """The ids of the jobs of which all this is true, oldest first."""
    return (await session.scalars(select(Job.id).where(*conditions).order_by(Job.id))).all()
