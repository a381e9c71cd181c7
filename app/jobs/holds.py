"""Which accounts jobs still need."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.jobs.models import FINAL_STATUSES, Job


class JobHolds:
    """The jobs' side of the accounts' question whether one may go."""

    async def unfinished_jobs(self, session: AsyncSession, account_id: str) -> Sequence[str]:
        """The ids of the account's jobs that are not in a final status, oldest first."""
        wanted = select(Job.id).where(Job.account_id == account_id, Job.status.not_in(FINAL_STATUSES))
        return (await session.scalars(wanted.order_by(Job.id))).all()
