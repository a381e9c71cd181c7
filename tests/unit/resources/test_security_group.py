"""Twins of security groups: names, rules, loops, and what cannot be carried."""

from typing import Any

from app.planning.inventory import Json, Ref, Resource
from app.planning.plan import promise
from tests.unit.resources.inventories import TARGET, a_group, an_instance, findings_of, plan_of
from tests.unit.resources.shop_inventory import balancer


def a_group_with(*rules: dict[str, Json], id_: str = "sg-web", name: str = "web", vpc: str = "") -> Resource:
    base = {"protocol": "tcp", "from_port": 80, "to_port": 80, "description": ""}
    facts = {"description": name, "owner": "1", "vpc": vpc, "tags": {}, "rules": [{**base, **rule} for rule in rules]}
    return Resource(Ref("security_group", id_), name, "vpc" if vpc else "classic", facts)


def rules_of(plan: Any, group: str = "sg-web") -> list[dict[str, Json]]:
    step = next(s for s in plan.steps if s.id == f"security_group.authorize/security_group:{group}")
    permissions: list[dict[str, Json]] = step.params["permissions"]
    return permissions


def name_of(plan: Any, group: str = "sg-web") -> str:
    step = next(s for s in plan.steps if s.id == f"security_group.create/security_group:{group}")
    return str(step.params["name"])


def test_groups_that_name_each_other_are_all_made_before_any_rule_is_copied() -> None:
    plan = plan_of(a_group("sg-a", "sg-b"), a_group("sg-b", "sg-a"))
    needs = {step.id: set(step.needs) for step in plan.steps}
    made = {f"security_group.create/security_group:sg-{x}" for x in "ab"}
    assert made <= needs["security_group.authorize/security_group:sg-a"]
    assert made <= needs["security_group.authorize/security_group:sg-b"]
    assert not plan.blocked


def test_a_group_that_admits_itself_has_a_twin_that_does() -> None:
    twin = promise("security_group.create/security_group:sg-web")
    assert rules_of(plan_of(a_group("sg-web", "sg-web")))[0]["UserIdGroupPairs"] == [{"GroupId": twin}]


def test_ports_protocols_and_descriptions_come_along() -> None:
    (rule,) = rules_of(plan_of(a_group_with({"cidr": "192.0.2.0/24", "to_port": 90, "description": "office"})))
    assert rule == {
        "IpProtocol": "tcp",
        "FromPort": 80,
        "ToPort": 90,
        "IpRanges": [{"CidrIp": "192.0.2.0/24", "Description": "office"}],
    }


def test_a_description_that_a_vpc_would_refuse_is_written_so_that_it_takes_it() -> None:
    plan = plan_of(a_group_with(name='Bob\'s "web" <servers>?'))
    step = next(s for s in plan.steps if s.id == "security_group.create/security_group:sg-web")
    assert step.params["description"] == "Bob-s -web- -servers--"


def test_another_accounts_group_is_a_warning_and_not_carried() -> None:
    plan = plan_of(a_group_with({"group": "sg-9", "owner": "999", "group_name": "theirs"}))
    assert rules_of(plan) == []
    assert findings_of(plan)["rule_names_other_account"] == "warning"


def test_addresses_of_classic_in_a_rule_are_a_warning() -> None:
    assert findings_of(plan_of(a_group_with({"cidr": "10.20.0.0/16"})))["rule_names_classic_address"] == "warning"


def test_the_load_balancers_own_group_becomes_that_of_the_balancers_in_front() -> None:
    group = a_group_with({"group": "", "owner": "amazon-elb", "group_name": "amazon-elb-sg"})
    fronted = plan_of(group, an_instance(), balancer("front", "i-1"), balancer("elsewhere"))
    twin = promise("load_balancer.create_group/load_balancer:front", "group_id")
    assert [rule["UserIdGroupPairs"] for rule in rules_of(fronted)] == [[{"GroupId": twin}]]
    assert rules_of(plan_of(group, an_instance())) == []


def test_names_are_made_fit_for_a_vpc_and_unique_in_it() -> None:
    odd = plan_of(a_group_with(name="web|front-end <1>"))
    assert name_of(odd) == "web-front-end -1-"
    assert findings_of(odd)["security_group_renamed"] == "note"
    taken = plan_of(a_group_with(), a_group_with(id_="sg-v", name="WEB", vpc=str(TARGET.vpc_id)))
    assert name_of(taken) == "web-web"
    assert name_of(plan_of(a_group_with(name="sg-mine"))) == "group-sg-mine"


def test_default_is_the_vpcs_own_and_is_never_deleted() -> None:
    plan = plan_of(a_group_with(name="default"))
    assert name_of(plan) == "default"
    assert "security_group.delete/security_group:sg-web" not in {step.id for step in plan.steps}


def test_more_rules_than_a_vpc_group_takes_are_a_blocker_until_the_quota_is_raised() -> None:
    crowded = a_group_with(*({"cidr": f"192.0.2.{number}/32"} for number in range(61)))
    assert findings_of(plan_of(crowded))["too_many_rules"] == "blocker"
    raised = {"security_group:sg-web": {"max_rules": 100}}
    assert "too_many_rules" not in findings_of(plan_of(crowded, overrides=raised))


def test_more_groups_than_a_region_takes_are_a_blocker() -> None:
    there = [a_group_with(id_=f"sg-{n}", name=f"g{n}", vpc=str(TARGET.vpc_id)) for n in range(2_500)]
    assert findings_of(plan_of(a_group_with(), *there))["too_many_security_groups"] == "blocker"
