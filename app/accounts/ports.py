"""What accounts need of others, given by the composition root."""

from collections.abc import Sequence
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.models import Account
from app.cloud import Cloud


class CloudFactory(Protocol):
    """Opens accounts."""

    def open(self, account: Account, region: str, name: str) -> Cloud:
        """The account's cloud in `region`; credentials are taken at the first call, which may be Denied.

        `name` is the id of what it is opened for, a job's say: the role's session is called so in AWS's own trail.
        """
        ...


class Holds(Protocol):
    """Knows what an account is needed for."""

    async def unfinished_jobs(self, session: AsyncSession, account_id: str) -> Sequence[str]:
        """The ids of the jobs that still need the account."""
        ...
