"""DNS records that follow what moves, against the sandbox."""

import pytest

from tests.scenarios.shop_account import Shop, codes, errors


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
    answers = shop.answers(zone)
    followed = answers["shop.example"]["AliasTarget"]
    assert followed["DNSName"] == f"dualstack.{twin['DNSName']}.".lower()
    assert followed["EvaluateTargetHealth"]
    weighted = answers["w.shop.example"]
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
    answers = shop.answers(zone)
    assert answers["one.shop.example"]["ResourceRecords"] == [{"Value": twin["PublicIpAddress"]}]
    assert answers["name.shop.example"]["ResourceRecords"] == [{"Value": twin["PublicDnsName"]}]


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
    assert "No member of front-vpc is in service" in str(errors(journal))
    assert shop.answers(zone)["www.shop.example"]["ResourceRecords"] == [{"Value": dns_name}]


def test_a_record_that_is_told_not_to_follow_stays_with_a_warning(shop: Shop) -> None:
    dns_name = shop.balancer()
    zone = shop.zone()
    shop.record(zone, "www.shop.example", TTL=60, ResourceRecords=[{"Value": dns_name}])
    ref = f"dns_record:{zone}/www.shop.example/CNAME"
    plan = shop.bench.plan(shop.target, overrides={ref: {"follow": False}})
    assert "record_left" in codes(plan, "warning")
    assert not [step for step in plan.steps if step.action.startswith("dns_record.")]
