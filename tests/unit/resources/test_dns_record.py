"""What is planned for DNS records: they follow what gets another name or address by moving."""

from app.planning.inventory import Ref, Resource
from tests.unit.resources.shop_inventory import (
    balancer,
    database,
    db_group,
    found,
    group,
    instance,
    plan_of,
    record,
    steps,
)

NAME = "front-1.us-east-1.elb.amazonaws.com"
WWW = "dns_record:Z1/www.shop.example/CNAME"


def test_the_ttl_is_lowered_and_waited_out_before_the_name_moves() -> None:
    plan = plan_of(balancer("front"), record("www.shop.example", NAME, ttl=3600))
    planned = steps(plan)
    assert planned[f"dns_record.lower_ttl/{WWW}"].hold_seconds == 3600
    cutover = planned[f"dns_record.cutover/{WWW}"]
    assert f"dns_record.lower_ttl/{WWW}" in cutover.needs
    assert cutover.hold_seconds == 60
    assert cutover.reaches == ("in_service load_balancer:front",)
    assert planned[f"dns_record.restore_ttl/{WWW}"].params["record"]["TTL"] == 3600


def test_a_short_ttl_and_an_alias_need_no_lowering() -> None:
    alias = {
        "Name": "shop.example.",
        "Type": "A",
        "AliasTarget": {"HostedZoneId": "Z35", "DNSName": f"dualstack.{NAME}."},
    }
    apex = Resource(
        Ref("dns_record", "Z1/shop.example/A"),
        "shop.example.",
        "vpc",
        {"zone": "Z1", "zone_name": "shop.example.", "private": False, "record": alias, "instances": {}},
    )
    planned = steps(plan_of(balancer("front"), record("www.shop.example", NAME.upper(), ttl=30), apex))
    assert not [id_ for id_ in planned if "ttl" in id_]
    assert planned[f"dns_record.cutover/{WWW}"].hold_seconds == 30
    assert "dns_record.cutover/dns_record:Z1/shop.example/A" in planned


def test_an_ipv6_answer_of_a_classic_load_balancer_is_lost_and_told() -> None:
    name = f"ipv6.{NAME}"
    plan = plan_of(balancer("front"), record("six.shop.example", name, "AAAA"))
    assert "ipv6_lost" in found(plan, "warning")


def test_records_of_what_keeps_its_name_stay_and_are_noted() -> None:
    address = Resource(Ref("elastic_ip", "203.0.113.9"), "203.0.113.9", "classic", {"public_ip": "203.0.113.9"})
    plan = plan_of(
        group(),
        db_group(),
        database(),
        address,
        record("db.shop.example", "main.c0ffee.us-east-1.rds.amazonaws.com."),
        record("ip.shop.example", "203.0.113.9", "A"),
    )
    assert not [step for step in plan.steps if step.action.startswith("dns_record.")]
    assert found(plan, "note")["record_stays"] == "dns_record:Z1/db.shop.example/CNAME"


def test_a_record_of_an_instances_own_address_follows_when_the_counterpart_serves() -> None:
    value = "ec2-198-51-100-7.compute-1.amazonaws.com"
    own = record("one.shop.example", value, ttl=60, instances={value: "i-1"})
    planned = steps(plan_of(group(), instance("i-1"), own))
    follow = planned["dns_record.follow_instance/dns_record:Z1/one.shop.example/CNAME"]
    assert "instance.launch/instance:i-1" in follow.needs
    assert follow.reaches == ("drained instance:i-1",)


def test_a_record_of_what_stays_is_left_alone() -> None:
    plan = plan_of(
        balancer("front"), balancer("other"), record("www.shop.example", NAME), refs=("load_balancer:other",)
    )
    assert not [step for step in plan.steps if step.action.startswith("dns_record.")]


def test_a_record_is_never_part_of_the_scope() -> None:
    plan = plan_of(balancer("front"), record("www.shop.example", NAME))
    assert plan.scope == ("load_balancer:front",)
