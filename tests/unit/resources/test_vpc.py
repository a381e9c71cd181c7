"""Target VPCs: what stands in the way of one, and how one is laid out that is still to be made."""

import pytest

from app.planning.context import Target
from app.resources.vpc_creation import zone_cidrs
from tests.unit.resources.inventories import (
    ZONE,
    a_disk,
    a_subnet,
    a_vpc,
    actions,
    an_instance,
    findings_of,
    plan_of,
    step_of,
)


def test_each_zone_gets_an_equal_range_and_later_zones_find_room() -> None:
    assert zone_cidrs("172.20.0.0/16", ["b", "a"]) == {"a": "172.20.0.0/18", "b": "172.20.64.0/18"}
    assert len(zone_cidrs("172.20.0.0/16", list("abcde"))) == 5


def test_a_range_too_small_has_no_room() -> None:
    assert zone_cidrs("172.20.0.0/28", ["a"]) == {"a": "172.20.0.0/28"}
    assert zone_cidrs("172.20.0.0/28", ["a", "b"]) == {}


def test_a_new_vpc_has_a_subnet_in_every_zone_in_use() -> None:
    instances = [an_instance("i-1"), an_instance("i-2", zone="us-east-1c")]
    step = step_of(plan_of(*instances, target=Target(create_cidr="172.20.0.0/16")), "vpc.create")
    assert sorted(step.params["subnets"]) == [ZONE, "us-east-1c"]


@pytest.mark.parametrize("cidr", ["nonsense", "172.20.0.0/8", "172.20.0.1/16", "172.20.0.0/30"])
def test_a_range_no_vpc_can_have_is_a_blocker(cidr: str) -> None:
    assert findings_of(plan_of(an_instance(), target=Target(create_cidr=cidr)))["vpc_range_unfit"] == "blocker"


def test_a_range_without_room_for_all_instances_is_a_blocker() -> None:
    instances = [an_instance(f"i-{number}") for number in range(12)]
    assert "vpc_range_unfit" in findings_of(plan_of(*instances, target=Target(create_cidr="172.20.0.0/28")))


@pytest.mark.parametrize(
    ("target", "code"),
    [
        (Target(vpc_id="vpc-9", subnets={ZONE: "subnet-1"}), "target_vpc_not_found"),
        (Target(vpc_id="vpc-1", subnets={ZONE: "subnet-9"}), "target_subnet_not_found"),
        (Target(vpc_id="vpc-1", subnets={ZONE: "subnet-2"}), "subnet_of_another_vpc"),
        (Target(vpc_id="vpc-1", subnets={ZONE: "subnet-3"}), "subnet_in_other_zone"),
        (Target(vpc_id="vpc-1"), "zone_without_subnet"),
    ],
)
def test_a_target_that_does_not_fit_is_a_blocker(target: Target, code: str) -> None:
    others = [a_vpc("vpc-2"), a_subnet("subnet-2", vpc="vpc-2"), a_subnet("subnet-3", zone="us-east-1c")]
    assert findings_of(plan_of(an_instance(), *others, target=target))[code] == "blocker"


def test_a_subnet_without_a_way_to_the_internet_is_worth_a_warning() -> None:
    private = a_vpc(subnet_tables={"subnet-1": "rtb-2"})
    assert findings_of(plan_of(an_instance(), private))["no_internet_route"] == "warning"


def test_all_at_once_no_machine_stops_while_another_is_still_being_prepared() -> None:
    small, large = an_instance("i-1"), an_instance("i-2", block_devices=[a_disk(500)])
    plan = plan_of(small, large, strategy="all_at_once")
    line = step_of(plan, "vpc.await_preparations")
    stops = [step for step in plan.steps if step.action == "instance.stop"]
    assert "instance.presnapshot/instance:i-2" in line.needs
    assert len(stops) == 2
    assert all(line.id in step.needs for step in stops)


def test_incrementally_each_machine_stops_as_soon_as_it_may() -> None:
    assert "vpc.await_preparations" not in actions(plan_of(an_instance(), strategy="incremental"))
