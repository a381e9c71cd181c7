"""The shortcut past the wire answers as the wire does, call for call, through whole migrations."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.cloud import Cloud, CloudError
from app.planning.plan import Strategy
from sandbox.ec2.instances import Instance
from sandbox.world import World
from tests.kit.account import differences
from tests.kit.bench import Bench
from tests.kit.corner_shop import build, target_of
from tests.kit.direct_cloud import DirectCloud


class Both:
    """A Cloud that asks one world over the wire and its equal directly, and compares what they say."""

    def __init__(self, wire: Cloud, asked: World, direct: DirectCloud, equal: World) -> None:
        self._wire = wire
        self._direct = direct
        self._asked = asked
        self._equal = equal
        self.compared = 0
        self.refused = 0

    @property
    def region(self) -> str:
        return self._wire.region

    async def call(self, operation: str, /, **params: Any) -> dict[str, Any]:
        self._keep_time()
        try:
            answer = await self._wire.call(operation, **params)
        except CloudError as theirs:
            await self._refused_too(theirs, operation, params)
            raise
        self._same(_told(answer), _told(await self._direct.call(operation, **params)))
        return answer

    async def _refused_too(self, theirs: CloudError, operation: str, params: dict[str, Any]) -> None:
        with pytest.raises(type(theirs)) as ours:
            await self._direct.call(operation, **params)
        assert (ours.value.code, ours.value.message) == (theirs.code, theirs.message)
        self.refused += 1

    async def pages(self, operation: str, /, **params: Any) -> AsyncIterator[dict[str, Any]]:
        self._keep_time()
        try:
            theirs = [page async for page in self._wire.pages(operation, **params)]
        except CloudError as error:
            await self._refused_too(error, operation, params)
            raise
        ours = [page async for page in self._direct.pages(operation, **params)]
        for one, other in zip(theirs, ours, strict=True):
            self._same(_told(one), _told(other))
            yield one

    def _keep_time(self) -> None:
        self._equal.clock.advance((self._asked.clock.now() - self._equal.clock.now()).total_seconds())

    def _same(self, theirs: dict[str, Any], ours: dict[str, Any]) -> None:
        assert ours == theirs, differences(theirs, ours)
        self.compared += 1


def _told(answer: dict[str, Any]) -> dict[str, Any]:
    """Without what the wire adds, but for the time."""
    metadata = answer.get("ResponseMetadata", {})
    return {**answer, "ResponseMetadata": {"Date": metadata["Date"]} if metadata.get("Date") else {}}


@pytest.mark.parametrize("strategy", ["incremental", "all_at_once"])
def test_a_whole_migration_and_its_undo_hear_the_same_without_the_wire(strategy: Strategy) -> None:
    bench, other = shop(), shop()
    bench.cloud = both = Both(bench.raw, bench.world, DirectCloud(other.world), other.world)  # type: ignore[assignment]

    plan = bench.plan(target_of(bench), strategy)
    outcome, journal = bench.execute(plan)
    assert outcome == "succeeded"
    assert bench.undo(plan, journal) == "undone"

    assert both.compared > 300


REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("ec2.describe_instances", {"InstanceIds": ["i-0123456789abcdef0"]}),
    ("ec2.create_security_group", {"GroupName": "web", "Description": "there is one"}),
    ("ec2.move_address_to_vpc", {"PublicIp": "203.0.113.9"}),
    ("ec2.describe_volumes", {"Filters": [{"Name": "colour", "Values": ["red"]}]}),
    ("rds.describe_db_instances", {"DBInstanceIdentifier": "nobody"}),
    ("elb.describe_load_balancers", {"LoadBalancerNames": ["nobody"]}),
    ("route53.list_resource_record_sets", {"HostedZoneId": "/hostedzone/Z0"}),
]


async def test_refusals_mean_the_same_without_the_wire() -> None:
    bench, other = shop(), shop()
    both = Both(bench.raw, bench.world, DirectCloud(other.world), other.world)
    for operation, params in REFUSED:
        with pytest.raises(CloudError):
            await both.call(operation, **params)
    assert both.refused == len(REFUSED)


def shop() -> Bench:
    bench = Bench()
    build(bench.boto, bench.world)
    for instance in bench.world.place().table(Instance).values():
        instance.client_token = "the same in both"  # botocore makes up another at every call without one
    return bench
