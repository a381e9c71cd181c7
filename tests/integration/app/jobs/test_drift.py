"""Drift: a change of what the plan touches is told before anything is done; other changes are nobody's matter."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from app.accounts.models import Account
from app.cloud import Denied
from app.db import Database
from app.execution.checked import CheckedCloud
from app.execution.clock import ScaledClock
from app.execution.pacing import MemoryBudget, PacedCloud
from app.jobs.drift import drift_of
from app.planning.inventory import Ref
from tests.integration.app.jobs.conftest import planned
from tests.integration.app.test_discovery_runner import INVENTORY, Site


class Planned(Site):
    """A discovered account, and a plan for one of its groups."""

    async def prepare(self) -> None:
        self.build()
        await self.ask()
        await self.runner().attend(INVENTORY)
        found = await self.stored()
        self.app, self.web = (self._group(found.of("security_group"), name) for name in ("app", "web"))

    @staticmethod
    def _group(groups: Any, name: str) -> Ref:
        (ref,) = [group.ref for group in groups if group.name == name]
        return Ref(ref.kind, ref.id)

    async def drift(self, subject: Ref, check: Callable[[], None] = lambda: None) -> dict[str, Any] | None:
        """`check` comes before each call of AWS."""
        async with self.database.reading() as session:
            account = await session.get_one(Account, "acct_1")
        opened = CheckedCloud(self.clouds.open(account, "us-east-1", "job_1"), check)
        cloud = PacedCloud(opened, MemoryBudget(), ScaledClock(), "test")
        return await drift_of(await self.stored(), [replace(planned(1), subject=str(subject))], cloud)

    def open_port(self, group: Ref, port: int) -> None:
        rule: Any = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": "192.0.2.0/24"}]}
        self.boto.client("ec2").authorize_security_group_ingress(GroupId=group.id, IpPermissions=[rule])


@pytest.fixture
async def site(database: Database) -> Planned:
    site = Planned(database)
    await site.prepare()
    return site


async def test_an_account_that_stayed_as_it_was_has_not_drifted(site: Planned) -> None:
    assert await site.drift(site.app) is None


async def test_a_changed_subject_is_told_by_name(site: Planned) -> None:
    site.open_port(site.app, 22)

    told = await site.drift(site.app)

    assert told is not None
    assert told["code"] == "drifted"
    assert "Discover and plan anew" in told["detail"]
    assert [(each["ref"], each["fact"]) for each in told["changed"]] == [(str(site.app), "rules")]
    assert told["planning_anew"] == "would_do"


async def test_what_a_subject_refers_to_counts_as_well(site: Planned) -> None:
    site.open_port(site.web, 22)

    told = await site.drift(site.app)

    assert told is not None
    assert str(site.web) in told["detail"]


async def test_what_the_plan_does_not_touch_may_change(site: Planned) -> None:
    site.open_port(site.app, 22)

    assert await site.drift(site.web) is None


async def test_a_subject_that_is_gone_is_told(site: Planned) -> None:
    ec2 = site.boto.client("ec2")
    found = await site.stored()
    instances = [instance.ref.id for instance in found.of("instance")]
    ec2.terminate_instances(InstanceIds=instances)
    site.world.clock.advance(7200)

    told = await site.drift(Ref("instance", instances[0]))

    assert told is not None
    assert f"instance:{instances[0]} is gone" in told["detail"]


async def test_what_the_plan_makes_itself_cannot_drift(site: Planned) -> None:
    assert await site.drift(Ref("vpc", "new")) is None


async def test_an_account_that_cannot_be_read_is_not_taken_for_one_that_changed(site: Planned) -> None:
    def refuse() -> None:
        raise Denied("ec2.describe_security_groups", "UnauthorizedOperation", "not allowed")

    told = await site.drift(site.app, refuse)

    assert told is not None
    assert told["code"] == "account_unreadable"
    assert "Mend the cause" in told["detail"]
