"""Every change takes effect, its answer is lost once, and what it made is not to be seen at first.

Nothing is made twice, and all of it can be undone.
"""

import pytest

from app.execution.journal import MemoryJournal
from app.planning.plan import Plan
from tests.kit.virtual_time import run
from tests.scenarios.forgetful_cloud import ForgetfulCloud
from tests.scenarios.shop_account import Shop, errors


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


def test_a_whole_shop_moves_by_modify_and_comes_back(shop: Shop) -> None:
    _there_and_back(shop, shop.plan())


def test_a_whole_shop_moves_by_restore_and_comes_back(shop: Shop) -> None:
    shop.replica("reports", "main")
    _there_and_back(shop, shop.plan())
