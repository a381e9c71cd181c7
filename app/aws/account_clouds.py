"""Accounts as Clouds: the adapter of the accounts' CloudFactory on boto3 sessions."""

from app.accounts.models import Account
from app.aws.sessions import Access, Sessions
from app.cloud import Cloud


class AccountClouds:
    """Opens accounts by their role, or by the process's own credentials where they have none."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def open(self, account: Account, region: str) -> Cloud:
        """Makes no call: credentials are fetched with the first one, which may be Denied."""
        external_id = account.external_id if account.role_arn else None
        return self._sessions.open(Access(account.id, account.role_arn, external_id), region)
