"""The account that jobs race for: a simulated one, which notes every change that it should not have been asked for."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

from sqlalchemy import text

from app.accounts.models import Account
from app.cloud import Capacity, Cloud, CloudError, Denied, DryRunPassed, Throttled, UnknownOutcome
from app.db import Database
from app.execution.pacing import is_read
from sandbox.ec2.groups import SecurityGroup
from sandbox.ec2.tags import tags_of
from sandbox.world import ACCOUNT_ID, World
from tests.kit.direct_cloud import DirectClients, DirectCloud
from tests.races.valve import Valve

# What becomes of a change: its error, and whether it takes effect all the same.
TROUBLES: dict[str, tuple[type[CloudError], bool]] = {
    "throttled": (Throttled, False),
    "refused": (Denied, False),
    "none left": (Capacity, False),
    "never arrived": (UnknownOutcome, False),
    "answer lost": (UnknownOutcome, True),
}

_MAY = text(
    """
    select j.status, j.lease_holder, j.action, j.plan_id,
           (select count(*) from audit_log a where a.job_id = j.id and a.event = 'aws.intent'
            and cast(a.data as jsonb) ->> 'operation' = :operation) as meant
    from jobs j where j.id = :job
    """
)


class Shop:
    """Two Classic groups, one letting in the other, and an Elastic IP: steps of two phases, and of finalize."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.world = World()
        self.troubles: list[str] = []
        self.wrong: list[str] = []
        self.made: Counter[tuple[str, str]] = Counter()
        self.approved: set[str] = set()  # plans with a live approval, as far as people know
        self._build()

    def _build(self) -> None:
        ec2 = DirectClients(self.world)("ec2")
        vpc = ec2.create_vpc(CidrBlock="172.20.0.0/16")["Vpc"]["VpcId"]
        self.world.clock.advance(60)
        ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
        ec2.create_subnet(VpcId=vpc, CidrBlock="172.20.0.0/24", AvailabilityZone="us-east-1a")
        web, db = (ec2.create_security_group(GroupName=name, Description=name)["GroupId"] for name in ("web", "db"))
        rule = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80}
        caller = {"UserIdGroupPairs": [{"GroupId": web, "UserId": ACCOUNT_ID}]}
        ec2.authorize_security_group_ingress(GroupId=db, IpPermissions=[rule | caller])
        ec2.authorize_security_group_ingress(
            GroupId=web, IpPermissions=[rule | {"IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
        )
        ec2.allocate_address(Domain="standard")
        self.world.clock.advance(600)

    def tagged(self) -> Counter[tuple[str, str]]:
        """How many live groups each job and step has made."""
        place = self.world.place()
        tags = (tags_of(place, group) for group in place.table(SecurityGroup))
        return Counter((one["landbridge:job"], one["landbridge:step"]) for one in tags if "landbridge:job" in one)

    async def judge(self, worker: "Handle", operation: str) -> None:
        """Note what is wrong with a change that is about to take effect."""
        async with self.database.reading() as session:
            row = (await session.execute(_MAY, {"job": worker.job, "operation": operation})).one()
        about = f"{operation} of {worker.name} for {worker.job} ({row.action}, {row.status})"
        if row.status not in ("running", "undoing") or row.action == "dry_run":
            self.wrong.append(f"{about}: nothing may change now")
        if row.lease_holder != worker.name:
            self.wrong.append(f"{about}: the job is held by {row.lease_holder}")
        first = not any(job == worker.job for job, _ in self.made)
        if first and row.status == "running" and not (worker.approved or row.plan_id in self.approved):
            self.wrong.append(f"{about}: its plan has no live approval")
        self.made[worker.job, operation] += 1
        if self.made[worker.job, operation] > row.meant:
            self.wrong.append(f"{about}: called {self.made[worker.job, operation]} times, meant {row.meant} times")


class Handle:
    """A worker's access to the account: a CloudFactory. `approved`: whether the plan was when it took the job."""

    def __init__(self, shop: Shop, name: str, job: str, approved: bool, valve: Valve) -> None:
        self.shop = shop
        self.name = name
        self.job = job
        self.approved = approved
        self.valve = valve

    def open(self, account: Account, region: str, name: str = "") -> Cloud:
        return RacedCloud(self)


class RacedCloud:
    """The simulated account's own handlers, behind troubles and the valve."""

    region = "us-east-1"

    def __init__(self, handle: Handle) -> None:
        self._handle = handle
        self._cloud = DirectCloud(handle.shop.world)

    async def call(self, operation: str, /, **params: Any) -> dict[str, Any]:
        """Raises CloudError."""
        if is_read(operation):
            return await self._cloud.call(operation, **params)
        if params.get("DryRun"):
            raise DryRunPassed(operation, "DryRunOperation", "Request would have succeeded")
        shop = self._handle.shop
        error, takes_effect = TROUBLES[shop.troubles.pop(0)] if shop.troubles else (None, True)
        if error is not Throttled:  # rejected unread, and sent again under the same intent
            await shop.judge(self._handle, operation)
        answer = await self._cloud.call(operation, **params) if takes_effect else {}
        await self._handle.valve.passed()
        if error is not None:
            raise error(operation, error.__name__, "as the machine wants it")
        return answer

    def pages(self, operation: str, /, **params: Any) -> AsyncIterator[dict[str, Any]]:
        return self._cloud.pages(operation, **params)


class HurriedClock:
    """The world's time; who sleeps has slept at once."""

    def __init__(self, world: World) -> None:
        self._world = world

    def now(self) -> float:
        return self._world.clock.now().timestamp()

    async def sleep(self, seconds: float) -> None:
        self._world.clock.advance(max(seconds, 1e-5))
        await asyncio.sleep(0)
