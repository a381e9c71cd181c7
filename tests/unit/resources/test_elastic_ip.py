"""What is planned for Elastic IPs."""

from app.planning.plan import Plan
from app.resources.elastic_ip import Move
from tests.unit.resources.inventories import (
    a_region,
    actions,
    an_address,
    an_instance,
    findings_of,
    plan_of,
    step_of,
)


def attached() -> Plan:
    return plan_of(an_instance(address="54.0.0.1"), an_address("54.0.0.1", "i-1"), refs=("instance:i-1",))


def test_an_address_comes_along_with_its_instance() -> None:
    assert "elastic_ip:54.0.0.1" in attached().scope


def test_it_is_taken_off_the_stopped_source_moved_and_given_to_the_twin() -> None:
    plan = attached()
    assert "instance.stop/instance:i-1" in step_of(plan, "elastic_ip.disassociate").needs
    assert "elastic_ip.disassociate/elastic_ip:54.0.0.1" in step_of(plan, "elastic_ip.move").needs
    associate = step_of(plan, "elastic_ip.associate")
    assert {"elastic_ip.move/elastic_ip:54.0.0.1", "instance.launch/instance:i-1"} <= set(associate.needs)
    assert associate.reaches == ("in_service elastic_ip:54.0.0.1",)
    assert step_of(plan, "elastic_ip.disassociate").interrupts == ("elastic_ip:54.0.0.1",)


def test_an_unattached_address_only_moves() -> None:
    plan = plan_of(an_address())
    assert {action for action in actions(plan) if action.startswith("elastic_ip")} == {"elastic_ip.move"}


def test_an_address_is_not_taken_from_an_instance_that_stays() -> None:
    plan = plan_of(an_instance(address="54.0.0.1"), an_address("54.0.0.1", "i-1"), refs=("elastic_ip:54.0.0.1",))
    assert findings_of(plan)["address_without_its_instance"] == "blocker"
    assert not {action for action in actions(plan) if action.startswith("elastic_ip")}


def test_the_quota_counts_what_is_there_and_what_comes() -> None:
    there = [an_address(f"54.0.1.{number}", domain="vpc") for number in range(4)]
    coming = [an_address(f"54.0.0.{number}") for number in range(2)]
    assert findings_of(plan_of(*there, *coming))["too_many_addresses"] == "blocker"
    assert "too_many_addresses" not in findings_of(plan_of(*there, *coming, a_region(**{"vpc-max-elastic-ips": 6})))


def test_only_the_address_itself_proves_that_it_has_moved() -> None:
    move, result = Move(), {"public_ip": "54.0.0.1"}
    assert move.verdict(result, {}).state == "pending"
    assert move.verdict(result, {"54.0.0.1": {"Domain": "standard"}}).state == "pending"
    verdict = move.verdict(result, {"54.0.0.1": {"Domain": "vpc", "AllocationId": "eipalloc-1"}})
    assert (verdict.state, dict(verdict.learned)) == ("settled", {"counterpart": "eipalloc-1"})
