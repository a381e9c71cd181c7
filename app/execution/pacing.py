"""Pacing: one budget per account, region and API bucket over all workers, so that AWS need not throttle us.

EC2's and ELB's buckets are those AWS documents for request throttling; for services that publish
none, `OTHERS` is a setting of ours. A budget is kept as the theoretical arrival time of the next
call (GCRA): reserving is one atomic update, and the answer is how long to wait.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from app.cloud import Cloud, CloudError, DryRunPassed, Throttled, UnknownOutcome
from app.execution.clock import Clock

READS = ("describe_", "get_", "list_", "lookup_")
TRIES_OF_A_READ = 8
TRIES_OF_A_THROTTLED_CHANGE = 12
HEADROOM = 0.8  # the part of a bucket's burst that we use: somebody else may be calling as well


@dataclass(frozen=True, slots=True)
class Bucket:
    """`burst` calls at once, `rate` a second from then on."""

    name: str
    burst: float
    rate: float


OTHERS = Bucket("changes", 50, 5)
READ = Bucket("reads", 100, 20)
UNFILTERED = Bucket("reads.unfiltered", 50, 10)
ELB_ALL = Bucket("elb", 40, 10)

_EC2 = {
    "ec2.authorize_security_group_ingress": Bucket("authorize", 50, 5),
    "ec2.revoke_security_group_ingress": Bucket("revoke", 50, 5),
    "ec2.run_instances": Bucket("run", 5, 2),
    "ec2.start_instances": Bucket("start", 5, 2),
    "ec2.move_address_to_vpc": Bucket("move_address", 1, 1),
    "ec2.restore_address_to_classic": Bucket("restore_address", 1, 1),
    "ec2.describe_moving_addresses": Bucket("moving_addresses", 1, 1),
    "ec2.create_tags": Bucket("create_tags", 100, 10),
    "ec2.delete_tags": Bucket("delete_tags", 100, 10),
    "ec2.copy_image": Bucket("copy_image", 100, 1),
    "ec2.terminate_instances": Bucket("terminate", 100, 5),
    **{
        f"ec2.{name}": Bucket(name, 100, 5)
        for name in (
            "create_snapshot",
            "create_snapshots",
            "delete_snapshot",
            "create_volume",
            "delete_volume",
            "deregister_image",
            "modify_network_interface_attribute",
        )
    },
}
_ELB = {
    "elb.register_instances_with_load_balancer": Bucket("elb.register", 20, 4),
    "elb.deregister_instances_from_load_balancer": Bucket("elb.deregister", 20, 4),
    "elb.create_load_balancer": Bucket("elb.create", 10, 0.2),
}
_COSTLY_WITHOUT_FILTER = {
    f"ec2.describe_{what}" for what in ("instances", "instance_status", "security_groups", "snapshots", "volumes")
}


def is_read(operation: str) -> bool:
    return operation.partition(".")[2].startswith(READS)


def buckets(operation: str, params: Mapping[str, Any]) -> list[Bucket]:
    """The buckets a call draws on; both where two apply, the scarcer first.

    Calls queue for the scarcer one before they book the other, or they would come after the time they booked.
    """
    service = operation.partition(".")[0]
    if service == "elb":
        return [_ELB[operation], ELB_ALL] if operation in _ELB else [ELB_ALL]
    if service != "ec2":
        kind = READ if is_read(operation) else OTHERS
        return [Bucket(f"{service}.{kind.name}", kind.burst / 2, kind.rate / 2)]
    if operation in _EC2:
        return [_EC2[operation]]
    if is_read(operation):
        narrowed = "Filters" in params or "MaxResults" in params or "NextToken" in params
        return [UNFILTERED if operation in _COSTLY_WITHOUT_FILTER and not narrowed else READ]
    return [Bucket(operation, OTHERS.burst, OTHERS.rate)]


class Budget(Protocol):
    """Where the arrival times are kept, over all workers."""

    async def reserve(self, key: str, calls: int, bucket: Bucket, now: float) -> float:
        """Book `calls` in a row; seconds (AWS's) until the first may go, negative while the burst lasts.

        The n-th of them (from 0) may go n / rate seconds after that.
        """
        ...


class MemoryBudget:
    """The budget of a single process."""

    def __init__(self) -> None:
        self._arrivals: dict[str, float] = {}

    async def reserve(self, key: str, calls: int, bucket: Bucket, now: float) -> float:
        start = max(self._arrivals.get(key, 0.0), now)
        self._arrivals[key] = start + calls / bucket.rate
        return lead(start, bucket, now)


def lead(start: float, bucket: Bucket, now: float) -> float:
    """Seconds until a call booked at `start` may go so that the bucket is never overdrawn."""
    return start - (bucket.burst * HEADROOM - 1) / bucket.rate - now


@dataclass
class _Batch:
    calls: int
    lead: asyncio.Task[float]


@dataclass
class Calls:
    """What was called, by operation."""

    made: Counter[str] = field(default_factory=Counter)
    throttled: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)


class PacedCloud:
    """A Cloud that books every call with the budget, counts it, and repeats what is safe to repeat.

    Reads are repeated when throttled or lost; changes only when throttled, because a throttled
    request was rejected unread (aws-facts, "What an error means").
    """

    def __init__(self, cloud: Cloud, budget: Budget, clock: Clock, scope: str, calls: Calls | None = None) -> None:
        self._cloud = cloud
        self._budget = budget
        self._clock = clock
        self._scope = scope
        self.calls = calls or Calls()
        self._batches: dict[str, _Batch] = {}

    @property
    def region(self) -> str:
        return self._cloud.region

    async def call(self, operation: str, /, **params: Any) -> dict[str, Any]:
        tries = TRIES_OF_A_READ if is_read(operation) else TRIES_OF_A_THROTTLED_CHANGE
        for attempt in range(tries):
            await self._admit(operation, params)
            self.calls.made[operation] += 1
            try:
                return await self._cloud.call(operation, **params)
            except CloudError as error:
                self._count(operation, error)
                if attempt == tries - 1 or not _repeatable(operation, error):
                    raise
            await self._back_off(operation, attempt)
        raise AssertionError("unreachable: the last try returns or raises")

    async def pages(self, operation: str, /, **params: Any) -> AsyncIterator[dict[str, Any]]:
        """All pages, one paced call each; a page that fails is asked for again, not the whole list."""
        for attempt in range(TRIES_OF_A_READ):
            given = 0
            await self._admit(operation, {**params, "MaxResults": 1})
            try:
                async for page in self._cloud.pages(operation, **params):
                    if given:
                        await self._admit(operation, {**params, "MaxResults": 1})
                    self.calls.made[operation] += 1
                    given += 1
                    yield page
                return
            except CloudError as error:
                self.calls.made[operation] += 1
                self._count(operation, error)
                # Pages already handed out cannot be taken back: the caller starts over.
                if given or attempt == TRIES_OF_A_READ - 1 or not _repeatable(operation, error):
                    raise
            await self._back_off(operation, attempt)

    def _count(self, operation: str, error: CloudError) -> None:
        if not isinstance(error, DryRunPassed):
            counter = self.calls.throttled if isinstance(error, Throttled) else self.calls.failed
            counter[operation] += 1

    async def _back_off(self, operation: str, attempt: int) -> None:
        ceiling = min(2.0**attempt, 60.0)
        await self._clock.sleep(random.uniform(ceiling / 2, ceiling))  # noqa: S311 - jitter, not a secret

    async def _admit(self, operation: str, params: Mapping[str, Any]) -> None:
        for bucket in buckets(operation, params):
            wait = await self._book(f"{self._scope}/{bucket.name}", bucket)
            if wait > 0:
                await self._clock.sleep(wait)

    async def _book(self, key: str, bucket: Bucket) -> float:
        """Seconds to wait. Everybody who asks in the same moment shares one reservation."""
        batch = self._batches.get(key)
        if batch is None:
            batch = self._batches[key] = _Batch(0, asyncio.create_task(self._reserve(key, bucket)))
        place = batch.calls
        batch.calls += 1
        return max(0.0, await asyncio.shield(batch.lead) + place / bucket.rate)

    async def _reserve(self, key: str, bucket: Bucket) -> float:
        await asyncio.sleep(0)  # let the other steps of this turn of the loop join
        calls = self._batches.pop(key).calls
        return await self._budget.reserve(key, calls, bucket, self._clock.now())


def _repeatable(operation: str, error: CloudError) -> bool:
    return isinstance(error, Throttled) or (is_read(operation) and isinstance(error, UnknownOutcome))
