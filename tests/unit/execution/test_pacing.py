"""Pacing: no bucket is ever overdrawn, calls asked for together are booked together, what is safe is repeated."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Coroutine
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.cloud import CloudError, DryRunPassed, NotFound, Throttled, UnknownOutcome
from app.execution.pacing import ELB_ALL, READ, UNFILTERED, Bucket, MemoryBudget, PacedCloud, buckets
from sandbox.world import World
from tests.kit.virtual_time import WorldClock, run

T = TypeVar("T")

RESOLUTION = 1e-3  # a call a moment early, by the loop's own resolution, overdraws nothing


class Tokens:
    """AWS's side: a token bucket that was full in the beginning; how far it was overdrawn."""

    def __init__(self, burst: float, rate: float, now: float) -> None:
        self._burst, self._rate = burst, rate
        self._level, self._at = burst, now
        self.lowest = burst

    def take(self, now: float) -> None:
        self._level = min(self._burst, self._level + (now - self._at) * self._rate) - 1
        self._at = now
        self.lowest = min(self.lowest, self._level)


class Counting:
    """Counts reservations; the budget itself is the real one."""

    def __init__(self) -> None:
        self._budget = MemoryBudget()
        self.reserved: list[tuple[str, int]] = []

    async def reserve(self, key: str, calls: int, bucket: Bucket, now: float) -> float:
        self.reserved.append((key, calls))
        return await self._budget.reserve(key, calls, bucket, now)


class Answers:
    """A cloud that answers everything, but first with the errors it was given."""

    region = "us-east-1"

    def __init__(self, clock: WorldClock) -> None:
        self.at: list[tuple[float, str]] = []
        self.errors: deque[CloudError] = deque()
        self.page_count = 1
        self._clock = clock

    def _arrive(self, operation: str) -> None:
        self.at.append((self._clock.now(), operation))
        if self.errors:
            raise self.errors.popleft()

    async def call(self, operation: str, /, **params: Any) -> dict[str, Any]:
        self._arrive(operation)
        return {"operation": operation}

    async def pages(self, operation: str, /, **params: Any) -> AsyncIterator[dict[str, Any]]:
        for number in range(self.page_count):
            self._arrive(operation)
            yield {"page": number}


class Paced:
    """A paced cloud on virtual time."""

    def __init__(self) -> None:
        self.world = World()
        self.clock = WorldClock(self.world)
        self.aws = Answers(self.clock)
        self.budget = Counting()
        self.cloud = PacedCloud(self.aws, self.budget, self.clock, "123456789012/us-east-1")
        self.start = self.clock.now()

    @property
    def seconds(self) -> float:
        return round(self.clock.now() - self.start, 2)

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        return run(self.world, main)

    async def later(self, seconds: float, operation: str) -> None:
        await self.clock.sleep(seconds)
        await self.cloud.call(operation)

    async def listed(self, operation: str) -> list[int]:
        return [page["page"] async for page in self.cloud.pages(operation)]


@pytest.fixture
def paced() -> Paced:
    return Paced()


def throttled(operation: str = "ec2.x") -> CloudError:
    return Throttled(operation, "RequestLimitExceeded", "slow down")


def lost(operation: str = "ec2.x") -> CloudError:
    return UnknownOutcome(operation, "ConnectionClosed", "who knows")


arrivals = st.lists(
    st.tuples(st.floats(0.0, 30.0), st.integers(1, 40)), min_size=1, max_size=8, unique_by=lambda found: found[0]
)


@settings(max_examples=60, deadline=None)
@given(arrivals=arrivals, operation=st.sampled_from(["ec2.run_instances", "ec2.create_image", "ec2.describe_vpcs"]))
def test_whatever_the_arrivals_the_bucket_is_never_overdrawn(arrivals: list[tuple[float, int]], operation: str) -> None:
    paced = Paced()
    (bucket,) = buckets(operation, {})
    tokens = Tokens(bucket.burst, bucket.rate, paced.start)

    async def main() -> None:
        await asyncio.gather(*(paced.later(at, operation) for at, calls in arrivals for _ in range(calls)))

    paced.run(main())

    assert len(paced.aws.at) == sum(calls for _, calls in arrivals)
    for now, _ in paced.aws.at:
        tokens.take(now)
    assert tokens.lowest >= -RESOLUTION


@settings(max_examples=20, deadline=None)
@given(first=st.integers(1, 150), second=st.integers(1, 150), apart=st.floats(0.0, 20.0))
def test_calls_that_queue_for_a_bucket_of_their_own_do_not_overdraw_the_one_they_share(
    first: int, second: int, apart: float
) -> None:
    paced = Paced()
    register = "elb.register_instances_with_load_balancer"
    every = Tokens(ELB_ALL.burst, ELB_ALL.rate, paced.start)

    async def main() -> None:
        registers = (paced.later(0.0, register) for _ in range(first))
        reads = (paced.later(apart, "elb.describe_load_balancers") for _ in range(second))
        await asyncio.gather(*registers, *reads)

    paced.run(main())

    for now, _ in paced.aws.at:
        every.take(now)
    assert every.lowest >= -RESOLUTION


def test_a_long_queue_goes_at_the_refill_and_not_slower(paced: Paced) -> None:
    async def main() -> None:
        await asyncio.gather(*(paced.cloud.call("ec2.create_image") for _ in range(500)))

    paced.run(main())
    assert (500 - 50) / 5 <= paced.seconds <= (500 - 0.8 * 50 + 1) / 5


def test_calls_asked_for_in_one_moment_share_one_reservation(paced: Paced) -> None:
    async def main() -> None:
        await asyncio.gather(*(paced.cloud.call("ec2.create_image") for _ in range(30)))

    paced.run(main())
    assert paced.budget.reserved == [("123456789012/us-east-1/ec2.create_image", 30)]


def test_two_clouds_on_one_budget_share_the_bucket(paced: Paced) -> None:
    other = PacedCloud(paced.aws, paced.budget, paced.clock, "123456789012/us-east-1")

    async def main() -> None:
        await asyncio.gather(*(cloud.call("ec2.run_instances") for cloud in (paced.cloud, other) for _ in range(20)))

    paced.run(main())
    tokens = Tokens(5, 2, paced.start)
    for now, _ in paced.aws.at:
        tokens.take(now)
    assert tokens.lowest >= -RESOLUTION


@pytest.mark.parametrize(
    ("operation", "params", "names"),
    [
        ("ec2.run_instances", {}, ["run"]),
        ("ec2.create_image", {}, ["ec2.create_image"]),
        ("ec2.describe_instances", {"InstanceIds": ["i-1"]}, ["reads.unfiltered"]),
        ("ec2.describe_instances", {"Filters": []}, ["reads"]),
        ("ec2.describe_instances", {"MaxResults": 100}, ["reads"]),
        ("ec2.describe_vpcs", {}, ["reads"]),
        ("elb.describe_load_balancers", {}, ["elb"]),
        ("elb.create_load_balancer", {}, ["elb.create", "elb"]),
        ("rds.create_db_snapshot", {}, ["rds.changes"]),
        ("rds.describe_db_instances", {}, ["rds.reads"]),
    ],
)
def test_a_call_draws_on_the_buckets_aws_documents(operation: str, params: dict[str, Any], names: list[str]) -> None:
    assert [bucket.name for bucket in buckets(operation, params)] == names


def test_the_buckets_for_reads_are_those_of_aws() -> None:
    assert (READ.burst, READ.rate, UNFILTERED.burst, UNFILTERED.rate) == (100, 20, 50, 10)


def test_a_throttled_change_is_sent_again_and_counted(paced: Paced) -> None:
    paced.aws.errors.extend([throttled(), throttled()])

    assert paced.run(paced.cloud.call("ec2.create_image")) == {"operation": "ec2.create_image"}

    calls = paced.cloud.calls
    assert (calls.made.total(), calls.throttled.total(), calls.failed.total()) == (3, 2, 0)
    assert paced.seconds > 1.0


def test_a_lost_read_is_sent_again(paced: Paced) -> None:
    paced.aws.errors.append(lost())

    paced.run(paced.cloud.call("ec2.describe_vpcs"))

    assert (paced.cloud.calls.made.total(), paced.cloud.calls.failed.total()) == (2, 1)


def test_a_lost_change_is_never_sent_again(paced: Paced) -> None:
    paced.aws.errors.append(lost())

    with pytest.raises(UnknownOutcome):
        paced.run(paced.cloud.call("ec2.create_image"))

    assert len(paced.aws.at) == 1


@pytest.mark.parametrize("operation", ["ec2.create_image", "ec2.describe_vpcs"])
def test_a_refusal_is_not_repeated(paced: Paced, operation: str) -> None:
    paced.aws.errors.append(NotFound(operation, "InvalidInstanceID.NotFound", "no"))

    with pytest.raises(NotFound):
        paced.run(paced.cloud.call(operation))

    assert len(paced.aws.at) == 1


@pytest.mark.parametrize(("operation", "tries"), [("ec2.create_image", 12), ("ec2.describe_vpcs", 8)])
def test_patience_with_throttling_has_an_end(paced: Paced, operation: str, tries: int) -> None:
    paced.aws.errors.extend([throttled()] * 100)

    with pytest.raises(Throttled):
        paced.run(paced.cloud.call(operation))

    assert (len(paced.aws.at), paced.cloud.calls.throttled[operation]) == (tries, tries)


def test_a_dry_run_that_passed_is_no_failure(paced: Paced) -> None:
    paced.aws.errors.append(DryRunPassed("ec2.run_instances", "DryRunOperation", "fine"))

    with pytest.raises(DryRunPassed):
        paced.run(paced.cloud.call("ec2.run_instances", DryRun=True))

    assert paced.cloud.calls.failed.total() == 0


def test_a_list_whose_first_page_failed_is_asked_for_again_and_every_try_counts(paced: Paced) -> None:
    paced.aws.page_count = 3
    paced.aws.errors.extend([throttled(), lost()])

    assert paced.run(paced.listed("ec2.describe_vpcs")) == [0, 1, 2]

    calls = paced.cloud.calls
    assert (calls.made.total(), calls.throttled.total(), calls.failed.total()) == (5, 1, 1)


def test_a_list_that_breaks_off_in_the_middle_is_for_the_caller_to_begin_anew(paced: Paced) -> None:
    paced.aws.page_count = 3

    async def main() -> None:
        pages = paced.cloud.pages("ec2.describe_vpcs")
        assert await anext(pages) == {"page": 0}
        paced.aws.errors.append(throttled())
        with pytest.raises(Throttled):
            await anext(pages)

    paced.run(main())


def test_each_page_is_a_call_of_its_own_to_the_budget(paced: Paced) -> None:
    paced.aws.page_count = 3

    paced.run(paced.listed("ec2.describe_vpcs"))

    assert [calls for _, calls in paced.budget.reserved] == [1, 1, 1]
