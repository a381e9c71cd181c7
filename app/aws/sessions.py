"""Sessions: boto3's usual credential chain, or the account's role with its ExternalId.

Nothing here knows of a sandbox: another endpoint is boto3's own AWS_ENDPOINT_URL.
"""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import boto3
from botocore.config import Config
from botocore.credentials import DeferredRefreshableCredentials
from botocore.session import get_session

from app.aws.boto_cloud import BotoCloud
from app.cloud import Cloud

THREADS = 32
SESSION_SECONDS = 3_600  # the longest that a chained role may last

# One try on the wire: boto3's own retries would send a change again without looking first
# (aws-facts, "What boto3 does behind your back").
CONFIG = Config(
    retries={"mode": "standard", "total_max_attempts": 1},
    max_pool_connections=THREADS,
    connect_timeout=5,
    read_timeout=60,
    user_agent_extra="landbridge",
)


class Account(Protocol):
    """An account as far as opening it goes; without `role_arn` by the process's own credentials."""

    @property
    def id(self) -> str: ...
    @property
    def role_arn(self) -> str | None: ...
    @property
    def external_id(self) -> str: ...


@dataclass(frozen=True, slots=True)
class _Access:
    account_id: str
    role_arn: str | None
    external_id: str


class Sessions:
    """Opens Clouds and keeps their clients: making one costs more than a hundred milliseconds."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="aws")
        self._clients: dict[tuple[_Access, str, str], Any] = {}
        self._sessions: dict[_Access, boto3.Session] = {}
        self._lock = threading.Lock()

    def open(self, account: Account, region: str) -> Cloud:
        """Makes no call: credentials are fetched with the first one."""
        access = _Access(account.id, account.role_arn, account.external_id)
        return BotoCloud(region, lambda service: self._client(access, region, service), self._threads)

    def _client(self, access: _Access, region: str, service: str) -> Any:
        key = (access, region, service)
        with self._lock:
            if key not in self._clients:
                if access not in self._sessions:
                    self._sessions[access] = _session(access, region)
                make_client: Any = self._sessions[access].client  # its overloads want a literal service name
                self._clients[key] = make_client(service, region_name=region, config=CONFIG)
            return self._clients[key]

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _session(access: _Access, region: str) -> boto3.Session:
    if access.role_arn is None:
        return boto3.Session()

    def refresh() -> dict[str, str]:
        params = {
            "RoleArn": access.role_arn,
            "RoleSessionName": f"landbridge-{access.account_id}"[:64],
            "DurationSeconds": SESSION_SECONDS,
            "ExternalId": access.external_id,
        }
        got = boto3.client("sts", region_name=region, config=CONFIG).assume_role(**params)["Credentials"]
        expires: datetime = got["Expiration"]
        return {
            "access_key": got["AccessKeyId"],
            "secret_key": got["SecretAccessKey"],
            "token": got["SessionToken"],
            "expiry_time": expires.astimezone(UTC).isoformat(),
        }

    inner = get_session()
    # botocore has no public setter for credentials that renew themselves.
    vars(inner)["_credentials"] = DeferredRefreshableCredentials(refresh, method="sts-assume-role")
    return boto3.Session(botocore_session=inner)
