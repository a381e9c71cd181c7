"""Who is linked, into what, and what stands in the way of linking."""

import pytest

from app.planning.inventory import Json, Ref, Resource
from tests.unit.resources.inventories import a_group, a_vpc, actions, an_instance, findings_of, plan_of, step_of

CALLER, CALLED = an_instance("i-1", group="sg-app"), an_instance("i-2")
PAIR = (a_group("sg-app"), a_group("sg-web", "sg-app"), CALLER, CALLED)


def a_link(vpc: str = "vpc-1", *, enabled: bool = False, dns: bool = False, **instances: list[str]) -> Resource:
    linked = {id_.replace("_", "-"): groups for id_, groups in instances.items()}
    facts = {"vpc": vpc, "enabled": enabled, "dns_support": dns, "instances": linked}
    refers = frozenset(Ref("instance", id_) for id_ in linked)
    return Resource(Ref("classic_link", vpc), vpc, "vpc", facts, refers)


def a_vpc_with_route(cidr: str, target: str = "pcx-1", table: str = "rtb-1", **more: Json) -> Resource:
    return a_vpc(routes=[{"table": table, "cidr": cidr, "target": target, **more}])


def test_both_ends_of_a_flow_are_linked_with_their_groups_twins_before_anything_stops() -> None:
    plan = plan_of(*PAIR)
    attached = {step.subject: step for step in plan.steps if step.action == "classic_link.attach"}
    assert set(attached) == {"instance:i-1", "instance:i-2"}
    assert attached["instance:i-1"].params["group_ids"] == [
        {"$from": "security_group.create/security_group:sg-app", "$key": "counterpart"}
    ]
    confirm = step_of(plan, "classic_link.confirm")
    assert {step.id for step in attached.values()} <= set(confirm.needs)
    stops = [step for step in plan.steps if step.action == "instance.stop"]
    assert len(stops) == 2
    assert all(confirm.id in step.needs for step in stops)


def test_the_switch_and_dns_come_before_the_links_and_only_where_they_are_off() -> None:
    fresh = plan_of(*PAIR)
    link = next(step for step in fresh.steps if step.action == "classic_link.attach")
    assert {"classic_link.enable/vpc:vpc-1", "classic_link.enable_dns/vpc:vpc-1"} <= set(link.needs)
    on = actions(plan_of(*PAIR, a_link(enabled=True, dns=True)))
    assert "classic_link.attach" in on
    assert not {"classic_link.enable", "classic_link.enable_dns", "classic_link.disable"} & on


def test_what_nobody_calls_and_what_is_stopped_is_not_linked() -> None:
    assert "classic_link.attach" not in actions(plan_of(an_instance()))
    stopped = an_instance("i-1", group="sg-app", state="stopped")
    plan = plan_of(PAIR[0], PAIR[1], stopped, CALLED)
    assert "classic_link.attach/instance:i-1" not in {step.id for step in plan.steps}


def test_all_at_once_links_nobody() -> None:
    assert not any(action.startswith("classic_link") for action in actions(plan_of(*PAIR, strategy="all_at_once")))


def test_an_existing_link_is_kept_and_one_to_another_vpc_is_a_blocker() -> None:
    kept = plan_of(*PAIR, a_link(enabled=True, dns=True, i_1=["sg-v"]))
    assert "classic_link.attach/instance:i-1" not in {step.id for step in kept.steps}
    assert findings_of(plan_of(*PAIR, a_link("vpc-9", i_1=["sg-v"])))["linked_elsewhere"] == "blocker"


@pytest.mark.parametrize(
    "vpc",
    [
        a_vpc_with_route("10.3.0.0/16"),
        a_vpc_with_route("10.0.0.0/8", "vgw-1"),
        a_vpc_with_route("10.5.0.0/16", "local"),
        a_vpc_with_route("10.3.0.0/16", table="rtb-of-no-subnet"),
    ],
    ids=["peering", "gateway", "local", "unused-table"],
)
def test_a_route_into_classics_range_in_any_table_is_a_blocker(vpc: Resource) -> None:
    plan = plan_of(*PAIR, vpc)
    assert findings_of(plan)["classic_link_route_conflict"] == "blocker"
    assert plan.blocked
    assert "classic_link_route_conflict" not in findings_of(plan_of(*PAIR, vpc, strategy="all_at_once"))


@pytest.mark.parametrize(
    "vpc",
    [
        a_vpc_with_route("10.0.0.0/16", "local"),
        a_vpc_with_route("10.1.0.0/16", "local"),
        a_vpc_with_route("10.0.0.0/8", "local", classic_link=True),
        a_vpc_with_route("0.0.0.0/0", "igw-1"),
        a_vpc_with_route("172.31.0.0/16"),
    ],
    ids=["10.0", "10.1", "its-own", "default", "elsewhere"],
)
def test_routes_that_aws_allows_are_no_conflict(vpc: Resource) -> None:
    assert "classic_link_route_conflict" not in findings_of(plan_of(*PAIR, vpc))


@pytest.mark.parametrize(
    ("facts", "code", "level"),
    [
        ({"tenancy": "dedicated"}, "classic_link_dedicated_tenancy", "blocker"),
        ({"dns_support": False}, "classic_link_needs_dns", "blocker"),
        ({"dns_hostnames": False}, "classic_link_needs_dns", "blocker"),
        ({"cidrs": ["172.16.0.0/16"]}, "classic_resolver_in_vpc", "warning"),
    ],
)
def test_what_else_a_vpc_must_be(facts: dict[str, Json], code: str, level: str) -> None:
    assert findings_of(plan_of(*PAIR, a_vpc(**facts)))[code] == level


def test_more_groups_than_an_interface_takes_is_a_blocker_until_the_quota_is_raised() -> None:
    groups = [f"sg-{number}" for number in range(6)]
    crowded = an_instance("i-1", groups=["sg-app", *groups[1:]])
    resources = (*PAIR[:2], *map(a_group, groups[1:]), crowded, CALLED)
    assert findings_of(plan_of(*resources))["too_many_groups"] == "blocker"
    raised = {"instance:i-1": {"max_groups": 8}}
    assert "too_many_groups" not in findings_of(plan_of(*resources, overrides=raised))


def test_a_caller_outside_the_scope_is_linked_stays_and_keeps_classic_link_on() -> None:
    plan = plan_of(*PAIR, refs=("instance:i-2",))
    assert "classic_link.attach/instance:i-1" in {step.id for step in plan.steps}
    assert findings_of(plan)["linked_and_left"] == "warning"
    assert "classic_link.disable" not in actions(plan)
