"""Sessions: boto3's usual credential chain, or the account's role with its ExternalId.

Nothing here knows of a sandbox: another endpoint is boto3's own AWS_ENDPOINT_URL.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

import boto3
from botocore.config import Config
from botocore.credentials import DeferredRefreshableCredentials
from botocore.loaders import create_loader
from botocore.session import get_session

from app.aws.age import Age
from app.aws.boto_cloud import BotoCloud
from app.cloud import Cloud

THREADS = 32
SESSION_SECONDS = 3_600  # the longest that a chained role may last
KEPT = 128  # sessions with their clients, about 3 MB each; more than one worker has jobs in hand
NAME_LETTERS = 64  # the longest that a RoleSessionName may be

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
    """What a session is good for. Without a role there is no name to give: all such share one session."""

    account_id: str
    role_arn: str | None
    external_id: str
    region: str
    name: str


@dataclass(slots=True)
class _Opened:
    session: boto3.Session
    clients: dict[str, Any] = field(default_factory=dict)
    used_at: float = 0.0


class Sessions:
    """Opens Clouds and keeps their clients: making one costs more than a hundred milliseconds.

    Each job and discovery has a session of its own, named for it; those used last are kept.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="aws")
        self._opened: OrderedDict[_Access, _Opened] = OrderedDict()
        self._sts: dict[str, Any] = {}
        self._loader = create_loader()  # one for all: reading AWS's models is most of what a client costs
        self._lock = threading.RLock()
        self._age = Age()

    def open(self, account: Account, region: str, name: str) -> Cloud:
        """Makes no call: credentials are fetched with the first one. AWS's own trail shows `name` beside each
        call that is made with the account's role."""
        named = name[:NAME_LETTERS] if account.role_arn else ""
        access = _Access(account.id, account.role_arn, account.external_id, region, named)
        return BotoCloud(region, lambda service: self._client(access, service), self._threads)

    def _client(self, access: _Access, service: str) -> Any:
        with self._lock:
            opened = self._opened.get(access) or _Opened(self._session(access))
            opened.used_at = time.monotonic()
            self._opened[access] = opened
            self._opened.move_to_end(access)
            self._forget_unused()
            if service not in opened.clients:
                make_client: Any = opened.session.client  # its overloads want a literal service name
                opened.clients[service] = make_client(service, region_name=access.region, config=CONFIG)
            return opened.clients[service]

    def _forget_unused(self) -> None:
        """Drop sessions whose credentials have run out unused, and the oldest of too many: who still needs one
        opens it anew."""
        ended = time.monotonic() - SESSION_SECONDS
        while len(self._opened) > KEPT or next(iter(self._opened.values())).used_at < ended:
            self._opened.popitem(last=False)

    def _session(self, access: _Access) -> boto3.Session:
        inner = get_session()
        inner.register_component("data_loader", self._loader)
        if access.role_arn is not None:
            fetch = self._fetching(access)
            # botocore has no public setter for credentials that renew themselves.
            vars(inner)["_credentials"] = DeferredRefreshableCredentials(
                fetch, method="sts-assume-role", time_fetcher=self._age.now
            )
        return boto3.Session(botocore_session=inner)

    def _fetching(self, access: _Access) -> Callable[[], dict[str, str]]:
        def fetch() -> dict[str, str]:
            params = {
                "RoleArn": access.role_arn,
                "RoleSessionName": access.name,
                "DurationSeconds": SESSION_SECONDS,
                "ExternalId": access.external_id,
            }
            expires = self._age.now() + timedelta(seconds=SESSION_SECONDS)
            got = self._sts_in(access.region).assume_role(**params)["Credentials"]
            return {
                "access_key": got["AccessKeyId"],
                "secret_key": got["SecretAccessKey"],
                "token": got["SessionToken"],
                "expiry_time": expires.isoformat(),
            }

        return fetch

    def _sts_in(self, region: str) -> Any:
        """STS, called with the process's own credentials. Clients may be shared by threads, making them may not."""
        with self._lock:
            if region not in self._sts:
                self._sts[region] = boto3.Session().client("sts", region_name=region, config=CONFIG)
            return self._sts[region]

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
