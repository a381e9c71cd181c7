"""DNS records that follow what moves, against the sandbox."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.cloud import Cloud
from sandbox.route53.published import answers
from tests.kit.virtual_time import run
from tests.scenarios.shop_account import ACCOUNT, Shop, codes, errors


class PassingCloud:
    """A cloud that passes everything on."""

    def __init__(self, inner: Cloud) -> None:
        self._inner = inner

    @property
    def region(self) -> str:
        return self._inner.region

    async def call(self, operation: str, /, **params: Any) -> dict[str, Any]:
        return await self._inner.call(operation, **params)

    def pages(self, operation: str, /, **params: Any) -> AsyncIterator[dict[str, Any]]:
        return self._inner.pages(operation, **params)


@pytest.fixture
def shop() -> Shop:
    return Shop()


def test_an_alias_and_weighted_records_come_to_lead_to_the_twin(shop: Shop) -> None:
    dns_name = shop.balancer()
    zone = shop.zone()
    [front] = shop.elb.describe_load_balancers()["LoadBalancerDescriptions"]
    alias = {
        "HostedZoneId": front["CanonicalHostedZoneNameID"],
        "DNSName": f"dualstack.{dns_name}",
        "EvaluateTargetHealth": True,
    }
    shop.record(zone, "shop.example", "A", AliasTarget=alias)
    shop.record(
        zone, "w.shop.example", TTL=600, Weight=10, SetIdentifier="classic", ResourceRecords=[{"Value": dns_name}]
    )
    outcome, journal = shop.bench.execute(shop.plan())

    assert outcome == "succeeded", errors(journal)
    [twin] = shop.elb.describe_load_balancers(LoadBalancerNames=["front-vpc"])["LoadBalancerDescriptions"]
    found = shop.answers(zone)
    followed = found["shop.example"]["AliasTarget"]
    assert followed["DNSName"] == f"dualstack.{twin['DNSName']}.".lower()
    assert followed["EvaluateTargetHealth"]
    weighted = found["w.shop.example"]
    assert (weighted["Weight"], weighted["SetIdentifier"], weighted["TTL"]) == (10, "classic", 60)
    assert weighted["ResourceRecords"] == [{"Value": twin["DNSName"]}]


def test_a_record_of_an_instances_own_address_follows_its_counterpart(shop: Shop) -> None:
    instance = shop.web[0]
    [item] = shop.ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"]
    zone = shop.zone()
    shop.record(zone, "one.shop.example", "A", TTL=300, ResourceRecords=[{"Value": item["PublicIpAddress"]}])
    shop.record(zone, "name.shop.example", TTL=30, ResourceRecords=[{"Value": item["PublicDnsName"]}])
    plan = shop.plan()
    outcome, journal = shop.bench.execute(plan)

    assert outcome == "succeeded", errors(journal)
    launched = journal.lines[f"instance.launch/instance:{instance}"].result or {}
    [twin] = shop.ec2.describe_instances(InstanceIds=[launched["counterpart"]])["Reservations"][0]["Instances"]
    found = shop.answers(zone)
    assert found["one.shop.example"]["ResourceRecords"] == [{"Value": twin["PublicIpAddress"]}]
    assert found["name.shop.example"]["ResourceRecords"] == [{"Value": twin["PublicDnsName"]}]


def test_a_record_of_a_database_stays_and_the_plan_says_so(shop: Shop) -> None:
    database = shop.database()
    zone = shop.zone()
    shop.record(zone, "db.shop.example", TTL=300, ResourceRecords=[{"Value": database["Endpoint"]["Address"]}])
    plan = shop.plan()
    assert "record_stays" in codes(plan, "note")
    assert not [step for step in plan.steps if step.action.startswith("dns_record.")]


def test_somebody_elses_change_of_the_record_is_not_run_over(shop: Shop) -> None:
    dns_name = shop.balancer()
    zone = shop.zone()
    shop.record(zone, "www.shop.example", TTL=300, ResourceRecords=[{"Value": dns_name}])
    plan = shop.plan()
    change = {
        "Action": "UPSERT",
        "ResourceRecordSet": {
            "Name": "www.shop.example",
            "Type": "CNAME",
            "TTL": 300,
            "ResourceRecords": [{"Value": "elsewhere.example"}],
        },
    }
    shop.dns.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [change]})
    shop.bench.guarded = False  # it happens after drift was looked for
    outcome, journal = shop.bench.execute(plan)
    assert outcome == "halted"
    [error] = errors(journal).values()
    assert error["code"] == "record_changed"
    assert shop.answers(zone)["www.shop.example"]["ResourceRecords"] == [{"Value": "elsewhere.example"}]


def test_a_name_does_not_move_to_a_twin_that_nobody_serves_behind(shop: Shop) -> None:
    dns_name = shop.balancer()
    zone = shop.zone()
    shop.record(zone, "www.shop.example", TTL=60, ResourceRecords=[{"Value": dns_name}])
    plan = shop.bench.only(
        shop.plan(),
        "load_balancer.create_group",
        "load_balancer.create",
        "load_balancer.configure",
        "dns_record.cutover",
    )
    outcome, journal = shop.bench.execute(plan)
    assert outcome == "halted"
    assert "no member of front-vpc is in service" in str(errors(journal))
    assert shop.answers(zone)["www.shop.example"]["ResourceRecords"] == [{"Value": dns_name}]


def test_a_name_waits_for_a_twin_whose_only_member_is_out_for_a_moment(shop: Shop) -> None:
    dns_name = shop.balancer()
    zone = shop.zone()
    shop.record(zone, "www.shop.example", TTL=60, ResourceRecords=[{"Value": dns_name}])
    plan = shop.plan()
    served = {step.action for step in plan.steps if step.phase in ("prepare", "link")}
    served |= {"load_balancer.create", "load_balancer.configure", "load_balancer.register"}
    outcome, journal = shop.bench.execute(shop.bench.only(plan, *served))
    assert outcome == "succeeded", errors(journal)
    twin = shop.bench.boto.client("elb")
    members = twin.describe_load_balancers(LoadBalancerNames=["front-vpc"])["LoadBalancerDescriptions"][0]["Instances"]
    twin.deregister_instances_from_load_balancer(LoadBalancerName="front-vpc", Instances=members)

    def back() -> None:
        twin.register_instances_with_load_balancer(LoadBalancerName="front-vpc", Instances=members)

    shop.bench.world.clock.after(200, back)
    outcome, journal = shop.bench.execute(shop.bench.only(plan, "dns_record.lower_ttl", "dns_record.cutover"), journal)
    assert outcome == "succeeded", errors(journal)
    assert shop.answers(zone)["www.shop.example"]["ResourceRecords"] != [{"Value": dns_name}]


def test_undo_empties_the_twin_only_when_old_answers_have_run_out(shop: Shop) -> None:
    dns_name = shop.balancer()
    zone = shop.zone()
    shop.record(zone, "www.shop.example", TTL=300, ResourceRecords=[{"Value": dns_name}])
    plan = shop.plan()
    _, journal = shop.bench.execute(plan)
    place = shop.bench.world.place(ACCOUNT, "us-east-1")
    believed: list[set[str]] = []

    class Watching(PassingCloud):
        async def call(self, operation: str, /, **params: Any) -> dict[str, Any]:
            if operation == "elb.deregister_instances_from_load_balancer" and len(params["Instances"]) > 1:
                believed.append(answers(place, "www.shop.example"))
            return await super().call(operation, **params)

    steps = [step for step in plan.steps if step.phase != "finalize"]
    cloud = Watching(shop.bench.cloud)
    outcome = run(shop.bench.world, shop.bench.executor(steps, journal, cloud=cloud).retreat())
    assert outcome == "undone", errors(journal)
    assert believed == [{dns_name}]


def test_a_record_that_is_told_not_to_follow_stays_with_a_warning(shop: Shop) -> None:
    dns_name = shop.balancer()
    zone = shop.zone()
    shop.record(zone, "www.shop.example", TTL=60, ResourceRecords=[{"Value": dns_name}])
    ref = f"dns_record:{zone}/www.shop.example/CNAME"
    plan = shop.bench.plan(shop.target, overrides={ref: {"follow": False}})
    assert "record_left" in codes(plan, "warning")
    assert not [step for step in plan.steps if step.action.startswith("dns_record.")]
