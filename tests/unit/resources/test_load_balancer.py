"""What is planned for load balancers and those behind them."""

from app.planning.context import Target
from tests.unit.resources.shop_inventory import (
    VPC,
    balancer,
    found,
    group,
    instance,
    plan_of,
    record,
    steps,
)


def test_it_calls_its_members_on_the_ports_of_listeners_and_health_check() -> None:
    plan = plan_of(group(), instance("i-1"), balancer("front", "i-1"))
    flows = {flow.from_port: flow for flow in plan.flows if flow.sources == ("load_balancer:front",)}
    assert sorted(port for port in flows if port) == [80, 8080]


def test_everybody_may_call_it_on_its_listeners_ports() -> None:
    plan = plan_of(group(), instance("i-1"), balancer("front", "i-1"))
    [flow] = [each for each in plan.flows if each.targets == ("load_balancer:front",)]
    assert (flow.sources, flow.from_port, flow.to_port) == (("cidr:0.0.0.0/0",), 80, 80)


def test_linked_members_go_first_and_their_counterparts_follow() -> None:
    plan = plan_of(group(), instance("i-1"), balancer("front", "i-1"))
    planned = steps(plan)
    assert "load_balancer.register/load_balancer:front" in planned["load_balancer.register_twin/instance:i-1"].needs
    assert "load_balancer.register_twin/instance:i-1" in planned["load_balancer.deregister/instance:i-1"].needs
    assert "drained instance:i-1" in planned["load_balancer.deregister/instance:i-1"].reaches


def test_all_at_once_nobody_is_linked_and_the_twin_is_ready_with_the_counterparts() -> None:
    plan = plan_of(group(), instance("i-1"), balancer("front", "i-1"), strategy="all_at_once")
    planned = steps(plan)
    assert "load_balancer.register/load_balancer:front" not in planned
    assert "load_balancer.deregister/instance:i-1" not in planned
    assert "ready load_balancer:front" in planned["load_balancer.register_twin/instance:i-1"].reaches


def test_the_counterpart_of_who_was_stopped_or_rebooted_for_the_move_has_to_come_into_service() -> None:
    members = instance("i-1"), instance("i-2", platform="windows"), instance("i-3"), instance("i-4", state="stopped")
    rebooted = {"instance:i-3": {"image": "reboot"}}
    planned = steps(plan_of(group(), *members, balancer("front", "i-1", "i-2", "i-3", "i-4"), overrides=rebooted))
    required = {id_: step.params["require"] for id_, step in planned.items() if "register_twin" in id_}
    assert required == {
        "load_balancer.register_twin/instance:i-1": "as_source",
        "load_balancer.register_twin/instance:i-2": "always",
        "load_balancer.register_twin/instance:i-3": "always",
        "load_balancer.register_twin/instance:i-4": "as_source",
    }


def test_a_load_balancer_without_members_is_ready_when_configured() -> None:
    plan = plan_of(group(), balancer("front"), record("www.shop.example", "front-1.us-east-1.elb.amazonaws.com"))
    planned = steps(plan)
    cutover = planned["dns_record.cutover/dns_record:Z1/www.shop.example/CNAME"]
    assert "load_balancer.configure/load_balancer:front" in cutover.needs


def test_twins_have_short_names_of_their_own() -> None:
    long = "a-very-long-name-of-32-character"
    plan = plan_of(balancer("front"), balancer("front-vpc"), balancer(long), balancer(long[:28] + "-two"))
    names = [step.params["name"] for step in plan.steps if step.action == "load_balancer.create"]
    assert len(set(names)) == 4
    assert all(len(name) <= 32 for name in names)
    assert "front-vpc" not in names
    assert "load_balancer_renamed" in found(plan, "note")


def test_a_name_that_is_taken_is_a_blocker() -> None:
    plan = plan_of(balancer("front"), balancer("other"), overrides={"load_balancer:front": {"name": "other"}})
    assert found(plan, "blocker")["load_balancer_name"] == "load_balancer:front"


def test_a_zone_without_a_subnet_is_a_blocker() -> None:
    plan = plan_of(balancer("front"), target=Target(vpc_id=VPC, subnets={"us-east-1a": "subnet-a"}))
    assert found(plan, "blocker")["no_subnet_in_zone"] == "load_balancer:front"


def test_callers_of_a_name_that_no_record_leads_to_are_told_of() -> None:
    assert "callers_use_old_name" in found(plan_of(balancer("front")), "warning")


def test_a_member_whose_load_balancer_stays_is_a_blocker_unless_accepted() -> None:
    resources = (group(), instance("i-1"), balancer("front", "i-1"))
    assert "load_balancer_stays" in found(plan_of(*resources, refs=("instance:i-1",)), "blocker")
    accepted = {"instance:i-1": {"leave_load_balancer": True}}
    plan = plan_of(*resources, refs=("instance:i-1",), overrides=accepted)
    assert "load_balancer_stays" in found(plan, "warning")


def test_members_that_can_neither_move_nor_be_linked_are_told_of() -> None:
    resources = (group(), instance("i-1"), instance("i-2", state="stopped"), balancer("front", "i-1", "i-2"))
    plan = plan_of(*resources, refs=("load_balancer:front", "instance:i-1"))
    assert found(plan, "warning")["member_left_behind"] == "instance:i-2"
    alone = plan_of(*resources, refs=("load_balancer:front",), strategy="all_at_once")
    assert "no_member_follows" in found(alone, "blocker")


def test_a_stopped_member_that_follows_is_nobody_to_serve_behind_the_twin() -> None:
    resources = (group(), instance("i-1"), instance("i-2", state="stopped"), balancer("front", "i-1", "i-2"))
    plan = plan_of(*resources, refs=("load_balancer:front", "instance:i-2"), strategy="all_at_once")
    assert found(plan, "blocker")["no_member_follows"] == "load_balancer:front"
    stopped = plan_of(*resources[:1], *resources[2:3], balancer("front", "i-2"), strategy="all_at_once")
    assert "no_member_follows" not in found(stopped, "blocker")


def test_more_load_balancers_than_awss_default_are_told_of() -> None:
    plan = plan_of(*(balancer(f"lb-{number}") for number in range(11)))
    assert "load_balancer_quota" in found(plan, "warning")


def test_a_policy_made_from_awss_own_is_named_by_that_alone() -> None:
    policy = {
        "name": "tls",
        "type": "SSLNegotiationPolicyType",
        "attributes": [["Protocol-TLSv1.2", "true"], ["Reference-Security-Policy", "ELBSecurityPolicy-2016-08"]],
    }
    plan = plan_of(balancer("front", policies=[policy]))
    [copied] = steps(plan)["load_balancer.configure/load_balancer:front"].params["policies"]
    assert copied["attributes"] == [["Reference-Security-Policy", "ELBSecurityPolicy-2016-08"]]
