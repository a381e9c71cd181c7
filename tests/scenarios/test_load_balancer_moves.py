"""Load balancers and the names that lead to them moved for real, against the sandbox."""

import re
from typing import Any

import pytest

from app.execution.journal import MemoryJournal
from app.planning.plan import Plan
from app.resources.traffic import QUIET_MINUTES
from sandbox.outages import Outages
from tests.scenarios.shop_account import Shop, codes, errors

FRONT = "load_balancer:front"


@pytest.fixture
def shop() -> Shop:
    return Shop()


def _front(shop: Shop, name: str) -> dict[str, Any]:
    found: dict[str, Any] = shop.elb.describe_load_balancers(LoadBalancerNames=[name])["LoadBalancerDescriptions"][0]
    return found


def _twins(shop: Shop, journal: MemoryJournal) -> set[str]:
    results = (journal.lines[f"instance.launch/instance:{id_}"].result for id_ in shop.web)
    return {result["counterpart"] for result in results if result}


def _needs(plan: Plan) -> dict[str, set[str]]:
    return {step.id: set(step.needs) for step in plan.steps}


def test_the_twin_serves_with_the_counterparts_and_the_name_leads_to_it(shop: Shop) -> None:
    dns_name = shop.balancer()
    zone = shop.zone()
    shop.record(zone, "www.shop.example", TTL=300, ResourceRecords=[{"Value": dns_name}])
    plan = shop.plan()
    assert not codes(plan, "blocker")
    assert "callers_use_old_name" not in codes(plan)
    assert {flow.verdict for flow in plan.flows} == {"kept"}
    outcome, journal = shop.bench.execute(plan)

    assert outcome == "succeeded", errors(journal)
    assert shop.in_service("front-vpc") == _twins(shop, journal)
    record = shop.answers(zone)["www.shop.example"]
    twin = _front(shop, "front-vpc")
    assert record["ResourceRecords"] == [{"Value": twin["DNSName"]}]
    assert record["TTL"] == 60
    assert shop.reaches("internet", "load_balancer:front-vpc", 80)


def test_the_linked_members_stand_behind_the_twin_before_the_first_instance_moves(shop: Shop) -> None:
    shop.balancer()
    plan = shop.plan()
    cut = shop.bench.only(
        plan,
        "security_group.create",
        "security_group.authorize",
        "classic_link.enable",
        "classic_link.enable_dns",
        "classic_link.attach",
        "classic_link.confirm",
        "load_balancer.create_group",
        "load_balancer.create",
        "load_balancer.configure",
        "load_balancer.register",
    )
    outcome, journal = shop.bench.execute(cut)
    assert outcome == "succeeded", errors(journal)
    assert shop.in_service("front-vpc") == set(shop.web) == shop.in_service("front")


def test_a_source_is_drained_only_after_its_counterpart_serves(shop: Shop) -> None:
    shop.balancer()
    needs = _needs(shop.plan())
    for id_ in shop.web:
        assert f"load_balancer.register_twin/instance:{id_}" in needs[f"load_balancer.deregister/instance:{id_}"]
        assert f"load_balancer.deregister/instance:{id_}" in needs[f"instance.retire/instance:{id_}"]


def test_listeners_policies_attributes_and_tags_are_carried(shop: Shop) -> None:
    shop.balancer(Tags=[{"Key": "app", "Value": "shop"}])
    shop.elb.create_load_balancer_listeners(
        LoadBalancerName="front",
        Listeners=[
            {
                "Protocol": "HTTPS",
                "LoadBalancerPort": 443,
                "InstancePort": 80,
                "InstanceProtocol": "HTTP",
                "SSLCertificateId": "arn:aws:iam::123456789012:server-certificate/shop",
            }
        ],
    )
    shop.elb.create_lb_cookie_stickiness_policy(
        LoadBalancerName="front", PolicyName="sticky", CookieExpirationPeriod=600
    )
    shop.elb.set_load_balancer_policies_of_listener(
        LoadBalancerName="front", LoadBalancerPort=80, PolicyNames=["sticky"]
    )
    shop.elb.create_load_balancer_policy(
        LoadBalancerName="front",
        PolicyName="proxy",
        PolicyTypeName="ProxyProtocolPolicyType",
        PolicyAttributes=[{"AttributeName": "ProxyProtocol", "AttributeValue": "true"}],
    )
    shop.elb.set_load_balancer_policies_for_backend_server(
        LoadBalancerName="front", InstancePort=80, PolicyNames=["proxy"]
    )
    shop.elb.modify_load_balancer_attributes(
        LoadBalancerName="front",
        LoadBalancerAttributes={
            "ConnectionDraining": {"Enabled": True, "Timeout": 120},
            "CrossZoneLoadBalancing": {"Enabled": True},
        },
    )
    outcome, journal = shop.bench.execute(shop.plan())
    assert outcome == "succeeded", errors(journal)

    source, twin = _front(shop, "front"), _front(shop, "front-vpc")
    for key in ("ListenerDescriptions", "Policies", "BackendServerDescriptions", "HealthCheck", "Scheme"):
        assert twin[key] == source[key], key
    assert sorted(twin["Subnets"]) == sorted(shop.subnets.values())
    attributes = [
        shop.elb.describe_load_balancer_attributes(LoadBalancerName=name)["LoadBalancerAttributes"]
        for name in ("front", "front-vpc")
    ]
    assert attributes[0] == attributes[1]
    tags = shop.elb.describe_tags(LoadBalancerNames=["front-vpc"])["TagDescriptions"][0]["Tags"]
    assert {"Key": "app", "Value": "shop"} in tags


def test_undo_puts_the_name_and_the_members_back_and_leaves_nothing(shop: Shop) -> None:
    dns_name = shop.balancer()
    zone = shop.zone()
    shop.record(zone, "www.shop.example", TTL=300, ResourceRecords=[{"Value": dns_name}])
    before = shop.account()
    plan = shop.plan()
    _, journal = shop.bench.execute(plan)
    assert shop.bench.undo(plan, journal) == "undone", errors(journal)
    shop.passes(600)

    assert shop.changed_since(before) == []
    assert shop.in_service("front") == set(shop.web)


def test_finalize_deletes_the_source_and_gives_the_record_its_ttl_back(shop: Shop) -> None:
    dns_name = shop.balancer()
    zone = shop.zone()
    shop.record(zone, "www.shop.example", TTL=300, ResourceRecords=[{"Value": dns_name}])
    plan = shop.plan()
    _, journal = shop.bench.execute(plan)
    outcome, finalized = shop.bench.finalize(plan, journal)

    assert outcome == "succeeded", errors(finalized)
    assert shop.balancers() == ["front-vpc"]
    assert shop.answers(zone)["www.shop.example"]["TTL"] == 300
    assert shop.in_service("front-vpc") == _twins(shop, journal)


def test_all_at_once_the_name_moves_as_soon_as_nobody_is_served_any_more(shop: Shop) -> None:
    dns_name = shop.balancer()
    zone = shop.zone()
    shop.record(zone, "www.shop.example", TTL=60, ResourceRecords=[{"Value": dns_name}])
    plan = shop.plan(strategy="all_at_once")
    cutover = f"dns_record.cutover/dns_record:{zone}/www.shop.example/CNAME"
    needs = _needs(plan)[cutover]
    assert {f"instance.stop/instance:{id_}" for id_ in shop.web} <= needs
    assert not [need for need in needs if need.startswith("load_balancer.register_twin/")]
    outcome, journal = shop.bench.execute(plan)
    assert outcome == "succeeded", errors(journal)
    assert shop.in_service("front-vpc") == _twins(shop, journal)


def test_all_at_once_the_twin_checks_quickly_until_its_members_serve_and_then_as_its_source(shop: Shop) -> None:
    shop.balancer()
    elb: Any = shop.bench.boto.client("elb")

    def check(name: str) -> Any:
        return elb.describe_load_balancers(LoadBalancerNames=[name])["LoadBalancerDescriptions"][0]["HealthCheck"]

    plan = shop.plan(strategy="all_at_once")
    quick = {step.action: step.params for step in plan.steps}["load_balancer.configure"]["health_check"]
    assert (quick["Interval"], quick["HealthyThreshold"]) == (5, 2)
    assert quick["Timeout"] < quick["Interval"]
    outcome, journal = shop.bench.execute(plan)
    assert outcome == "succeeded", errors(journal)
    assert check("front-vpc") == check("front")
    assert shop.bench.undo(plan, journal) == "undone"
    assert shop.balancers() == ["front"]


def test_an_instance_behind_two_load_balancers_stands_behind_both_twins(shop: Shop) -> None:
    shop.balancer("front")
    shop.balancer("back")
    outcome, journal = shop.bench.execute(shop.plan())
    assert outcome == "succeeded", errors(journal)
    assert shop.in_service("front-vpc") == shop.in_service("back-vpc") == _twins(shop, journal)


def test_a_member_that_moves_while_its_load_balancer_stays_is_a_blocker(shop: Shop) -> None:
    shop.balancer()
    assert "load_balancer_stays" in codes(shop.plan(f"instance:{shop.web[0]}"), "blocker")


def test_a_load_balancer_alone_moves_with_its_members_linked_and_staying(shop: Shop) -> None:
    shop.balancer()
    plan = shop.plan(FRONT)
    assert f"security_group:{shop.group}" in plan.scope
    assert not codes(plan, "blocker")
    outcome, journal = shop.bench.execute(plan)
    assert outcome == "succeeded", errors(journal)
    assert shop.in_service("front-vpc") == set(shop.web)


def test_finalize_waits_until_nobody_has_called_the_old_name_for_a_while(shop: Shop) -> None:
    dns_name = shop.balancer()
    plan = shop.plan()
    outages = Outages(shop.bench.world)
    calls = {"id": "callers", "sources": ["internet"], "targets": [FRONT], "port": 80}
    outages.declare([{**calls, "called_as": dns_name}])
    outcome, journal = shop.bench.execute(plan)
    assert outcome == "succeeded", errors(journal)
    outcome, finalized = shop.bench.finalize(plan, journal)
    assert outcome == "halted"
    said = errors(finalized)["load_balancer.delete/load_balancer:front"]["detail"]
    assert re.match(r"front was called [1-9]\d+ times within the last 15 minutes: ", said)
    assert shop.balancers() == ["front", "front-vpc"]

    outages.declare([{**calls, "targets": ["load_balancer:front-vpc"]}])
    shop.passes(QUIET_MINUTES * 60)
    outcome, finalized = shop.bench.finalize(plan, journal)
    assert outcome == "succeeded", errors(finalized)
    assert shop.balancers() == ["front-vpc"]
