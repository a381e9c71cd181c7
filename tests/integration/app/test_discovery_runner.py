"""A discovery from end to end: a simulated account read through boto3, and what the database holds of it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import boto3
import pytest
from sqlalchemy import func, select, text

from app.accounts.models import Account
from app.aws.boto_cloud import BotoCloud
from app.cloud import Cloud
from app.db import Database
from app.execution.clock import ScaledClock
from app.execution.pacing import MemoryBudget
from app.inventories.models import Inventory, InventoryFlow, InventoryResource
from app.inventories.runner import TRIES, DiscoveryRunner
from app.inventories.values import StoredInventories
from app.planning import inventory as planning
from sandbox.ec2.image_catalogue import LINUX_HVM, public_image_id
from sandbox.faults import Fault
from sandbox.hook import connect
from sandbox.world import ACCOUNT_ID, World

INVENTORY = "inv_1"


class SandboxClouds:
    """Opens every account as the sandbox's own; `before` is what happens first at each listing."""

    def __init__(self, boto: boto3.Session) -> None:
        self._boto = boto
        self.named: set[str] = set()
        self.before: Callable[[str], Awaitable[None]] | None = None

    def open(self, account: Account, region: str, name: str) -> Cloud:
        self.named.add(name)
        make: Any = self._boto.client
        cloud = BotoCloud(region, lambda service: make(service, region_name=region), threads=None)
        return Overheard(cloud, self.before) if self.before else cloud


class Overheard:
    """A cloud that lets the test act before each listing."""

    def __init__(self, cloud: Cloud, before: Callable[[str], Awaitable[None]]) -> None:
        self._cloud = cloud
        self._before = before

    @property
    def region(self) -> str:
        return self._cloud.region

    async def call(self, operation: str, /, **params: Any) -> dict[str, Any]:
        return await self._cloud.call(operation, **params)

    async def pages(self, operation: str, /, **params: Any) -> AsyncIterator[dict[str, Any]]:
        await self._before(operation)
        async for page in self._cloud.pages(operation, **params):
            yield page


class Site:
    """A small Classic application, and the database that is to know of it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.world = World()
        self.boto = connect(self.world)
        self.clouds = SandboxClouds(self.boto)

    def build(self) -> None:
        """A web server that calls an application server."""
        ec2 = self.boto.client("ec2")
        groups = [ec2.create_security_group(GroupName=name, Description="d")["GroupId"] for name in ("web", "app")]
        pairs = [{"GroupId": groups[0], "UserId": ACCOUNT_ID}]
        rule: Any = {"IpProtocol": "tcp", "FromPort": 8080, "ToPort": 8080, "UserIdGroupPairs": pairs}
        ec2.authorize_security_group_ingress(GroupId=groups[1], IpPermissions=[rule])
        for group in groups:
            ec2.run_instances(
                ImageId=public_image_id("us-east-1", LINUX_HVM),
                InstanceType="m3.medium",
                MinCount=1,
                MaxCount=1,
                SecurityGroupIds=[group],
            )
        self.world.clock.advance(300)

    async def ask(self, aws_account_id: str = ACCOUNT_ID, **columns: Any) -> None:
        """Somebody wants to know what the account holds."""
        async with self.database.transaction() as session:
            session.add(
                Account(id="acct_1", name="a", aws_account_id=aws_account_id, external_id="e", regions=["us-east-1"])
            )
            await session.flush()
            session.add(Inventory(id=INVENTORY, account_id="acct_1", region="us-east-1", **columns))

    def runner(self, holder: str = "worker-1", clouds: SandboxClouds | None = None) -> DiscoveryRunner:
        return DiscoveryRunner(self.database, clouds or self.clouds, MemoryBudget(), ScaledClock(), holder)

    async def row(self) -> Inventory:
        async with self.database.reading() as session:
            return await session.get_one(Inventory, INVENTORY)

    async def stored(self) -> planning.Inventory:
        async with self.database.reading() as session:
            return await StoredInventories().load(session, INVENTORY)

    async def count(self, table: Any) -> int:
        async with self.database.reading() as session:
            return (await session.execute(select(func.count()).select_from(table))).scalar_one()

    async def lease(self, holder: str, seconds: float) -> None:
        """Somebody has it in hand until so many seconds from now."""
        async with self.database.transaction() as session:
            wanted = "update inventories set lease_holder = :holder, lease_expires_at = clock_timestamp() + "
            params = {"holder": holder, "seconds": seconds}
            await session.execute(text(wanted + "make_interval(secs => :seconds)"), params)


@pytest.fixture
def site(database: Database) -> Site:
    return Site(database)


async def test_what_the_account_holds_is_stored_with_its_flows(site: Site) -> None:
    site.build()
    await site.ask()

    await site.runner().attend(INVENTORY)

    row = await site.row()
    assert (row.status, row.error, row.errors, row.attempts) == ("ready", None, [], 1)
    assert row.started_at is not None
    assert row.finished_at is not None
    assert row.lease_holder is None
    assert site.clouds.named == {INVENTORY}  # so AWS's own trail says whose reading it was
    counts: Any = row.counts
    assert (counts["kinds"]["instance"], counts["resources"]) == (2, await site.count(InventoryResource))
    assert counts["platforms"]["classic"] >= 4
    found = await site.stored()
    (server, client) = sorted(found.of("instance"), key=lambda resource: resource.facts["groups"])
    assert {server.platform, client.platform} == {"classic"}
    async with site.database.reading() as session:
        flows: Any = [flow.body for flow in await session.scalars(select(InventoryFlow))]
    (flow,) = [flow for flow in flows if flow["from_port"] == 8080]
    assert sorted([*flow["sources"], *flow["targets"]]) == sorted([str(server.ref), str(client.ref)])
    assert counts["flows"] == len(flows)


async def test_the_wrong_account_is_noticed_before_anything_is_believed_of_it(site: Site) -> None:
    site.build()
    await site.ask("999999999999")

    await site.runner().attend(INVENTORY)

    row = await site.row()
    error: Any = row.error
    assert (row.status, error["code"]) == ("failed", "wrong_account")
    assert ACCOUNT_ID in error["detail"]
    assert await site.count(InventoryResource) == 0


async def test_an_account_that_lets_nobody_in_fails_with_what_to_do(site: Site) -> None:
    site.world.faults.add(Fault("error", "sts", "*", code="AccessDenied", status=403))
    await site.ask()

    await site.runner().attend(INVENTORY)

    row = await site.row()
    error: Any = row.error
    assert (row.status, error["code"]) == ("failed", "aws_refused")
    assert "/v1/accounts/acct_1/verify" in error["detail"]


async def test_what_may_not_be_read_is_an_error_and_never_classic(site: Site) -> None:
    site.build()
    site.world.faults.add(Fault("error", "ec2", "DescribeInstances", code="UnauthorizedOperation", status=403))
    await site.ask()

    await site.runner().attend(INVENTORY)

    row = await site.row()
    errors: Any = row.errors
    assert row.status == "ready"
    assert {(error["kind"], error["code"]) for error in errors} >= {("instance", "UnauthorizedOperation")}
    found = await site.stored()
    assert [resource for resource in found.of("instance") if resource.platform == "classic"] == []
    assert {gap.kind for gap in found.gaps} == {error["kind"] for error in errors}
    assert list(found.of("security_group")) != []


async def test_a_discovery_in_hand_is_left_to_its_worker(site: Site) -> None:
    await site.ask(status="running", attempts=1)
    await site.lease("worker-9", 100.0)

    await site.runner().attend(INVENTORY)

    row = await site.row()
    assert (row.status, row.attempts, row.lease_holder) == ("running", 1, "worker-9")


async def test_a_discovery_whose_worker_died_is_taken_over(site: Site) -> None:
    site.build()
    await site.ask(status="running", attempts=1)
    await site.lease("worker-9", -1.0)

    await site.runner().attend(INVENTORY)

    row = await site.row()
    assert (row.status, row.attempts) == ("ready", 2)


async def test_a_discovery_that_kills_its_workers_is_given_up(site: Site) -> None:
    await site.ask(status="running", attempts=TRIES)
    await site.lease("worker-9", -1.0)

    await site.runner().attend(INVENTORY)

    row = await site.row()
    error: Any = row.error
    assert (row.status, error["code"]) == ("failed", "gave_up")
    assert len(site.world.calls.latest) == 0


async def test_a_finished_discovery_is_not_run_again(site: Site) -> None:
    await site.ask()
    await site.runner().attend(INVENTORY)
    made = len(site.world.calls.latest)

    await site.runner("worker-2").attend(INVENTORY)

    assert len(site.world.calls.latest) == made


async def test_a_worker_that_wakes_up_too_late_writes_nothing(site: Site) -> None:
    site.build()
    await site.ask()
    slow = SandboxClouds(site.boto)
    taken: list[str] = []

    async def overtaken(operation: str) -> None:
        if not taken:
            taken.append(operation)
            await site.lease("worker-1", -1.0)
            await site.runner("worker-2").attend(INVENTORY)

    slow.before = overtaken
    await site.runner("worker-1", slow).attend(INVENTORY)

    row = await site.row()
    counts: Any = row.counts
    assert (row.status, row.attempts) == ("ready", 2)
    assert await site.count(InventoryResource) == counts["resources"]


async def test_a_worker_that_wakes_up_too_late_spoils_nothing_either(site: Site) -> None:
    """It reads while the next one still does: what is stored is the next one's alone."""
    site.build()
    await site.ask()
    slow = SandboxClouds(site.boto)

    async def overtaken(operation: str) -> None:
        await site.lease("worker-2", 100.0)

    slow.before = overtaken
    await site.runner("worker-1", slow).attend(INVENTORY)

    assert ((await site.row()).status, await site.count(InventoryResource)) == ("running", 0)
