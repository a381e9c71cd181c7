"""Every change takes effect, its answer is lost once, and what it made is not to be seen at first.

Nothing is made twice, and all of it can be undone.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.cloud import Cloud, Denied, UnknownOutcome
from app.execution.journal import Entry, MemoryJournal
from app.planning.plan import Plan
from tests.kit.virtual_time import run
from tests.scenarios.forgetful_cloud import ForgetfulCloud
from tests.scenarios.shop_account import Shop, errors

TRIES = 8  # of one step: each of its changes is lost once


@pytest.fixture
def shop() -> Shop:
    shop = Shop()
    dns_name = shop.balancer()
    zone = shop.zone()
    shop.record(zone, "www.shop.example", TTL=300, ResourceRecords=[{"Value": dns_name}])
    shop.database(BackupRetentionPeriod=3)
    return shop


def _there_and_back(shop: Shop, plan: Plan) -> None:
    before = shop.account()
    shop.bench.world.hide_created_for = 25.0
    cloud = ForgetfulCloud(shop.bench.cloud)
    journal = MemoryJournal()
    steps = [step for step in plan.steps if step.phase != "finalize"]
    outcome = run(shop.bench.world, shop.bench.executor(steps, journal, cloud=cloud).advance())
    assert outcome == "succeeded", errors(journal)
    assert len(shop.balancers()) == 2
    assert shop.seen("main")["DBSubnetGroup"]["VpcId"] == shop.vpc
    outcome = run(shop.bench.world, shop.bench.executor(steps, journal, cloud=cloud).retreat())
    assert outcome == "undone", errors(journal)
    shop.passes(600)
    assert shop.changed_since(before, "/db_snapshots") == []


class _ShutOut:
    """To whom an answer was lost, no look is allowed any more, nor anything else: until the step is tried again."""

    def __init__(self, inner: Cloud) -> None:
        self._inner = inner
        self._out: set[object] = set()

    @property
    def region(self) -> str:
        return self._inner.region

    async def call(self, operation: str, /, **params: Any) -> dict[str, Any]:
        self._refuse(operation)
        try:
            return await self._inner.call(operation, **params)
        except UnknownOutcome:
            self._out.add(asyncio.current_task())
            raise

    def pages(self, operation: str, /, **params: Any) -> AsyncIterator[dict[str, Any]]:
        self._refuse(operation)
        return self._inner.pages(operation, **params)

    def _refuse(self, operation: str) -> None:
        if asyncio.current_task() in self._out:
            raise Denied(operation, "ExpiredToken", "expired")


def test_every_step_whose_change_took_effect_before_it_failed_is_done_when_it_is_tried_again(shop: Shop) -> None:
    """The answer is lost, and the look for what became of it is refused."""
    before = shop.account()
    plan = shop.plan()
    cloud = _ShutOut(ForgetfulCloud(shop.bench.cloud))
    journal = MemoryJournal()
    steps = [step for step in plan.steps if step.phase != "finalize"]
    tried: Counter[str] = Counter()
    while (outcome := run(shop.bench.world, shop.bench.executor(steps, journal, cloud=cloud).advance())) == "halted":
        for id_, line in list(journal.lines.items()):
            if line.state == "failed":
                tried[id_] += 1
                assert tried[id_] < TRIES, line.error
                journal.lines[id_] = Entry("pending", line.attempt + 1, line.result)
    assert outcome == "succeeded", errors(journal)
    assert len({id_.partition("/")[0] for id_ in tried}) > 15
    assert len(shop.balancers()) == 2
    assert shop.bench.undo(plan, journal) == "undone"
    shop.passes(600)
    assert shop.changed_since(before, "/db_snapshots") == []


def test_a_whole_shop_moves_by_modify_and_comes_back(shop: Shop) -> None:
    _there_and_back(shop, shop.plan())


def test_a_whole_shop_moves_by_restore_and_comes_back(shop: Shop) -> None:
    shop.replica("reports", "main")
    _there_and_back(shop, shop.plan())
