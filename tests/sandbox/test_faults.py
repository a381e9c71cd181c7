"""What goes wrong on purpose, as a caller sees it."""

from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError

from sandbox.faults import Fault
from sandbox.world import World
from tests.sandbox.conftest import Refused


def vpcs(ec2: Any) -> int:
    return len(ec2.describe_vpcs()["Vpcs"])


def test_a_lost_answer_leaves_the_effect(ec2: Any, world: World) -> None:
    world.faults.add(Fault("answer_lost", "ec2", "CreateVpc", times=1))

    with pytest.raises(ConnectionClosedError):
        ec2.create_vpc(CidrBlock="10.0.0.0/16")

    assert vpcs(ec2) == 1
    ec2.create_vpc(CidrBlock="10.1.0.0/16")  # the fault is used up


def test_a_server_error_comes_before_any_effect(ec2: Any, world: World, refused: Refused) -> None:
    world.faults.add(Fault("server_error", operation="Create*", times=1))

    with refused("InternalError"):
        ec2.create_vpc(CidrBlock="10.0.0.0/16")

    assert vpcs(ec2) == 0


def test_a_delayed_call_lands_after_its_caller_gave_up(ec2: Any, world: World) -> None:
    world.faults.add(Fault("delayed", "ec2", "CreateVpc", times=1, seconds=10))

    with pytest.raises(ConnectionClosedError):
        ec2.create_vpc(CidrBlock="10.0.0.0/16")

    ec2.create_vpc(CidrBlock="10.0.0.0/16")
    assert vpcs(ec2) == 1
    world.clock.advance(10)
    assert vpcs(ec2) == 2


def test_a_delayed_call_that_is_refused_when_it_lands_harms_nobody(ec2: Any, world: World) -> None:
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    world.faults.add(Fault("delayed", "ec2", "DeleteVpc", times=1, seconds=10))
    with pytest.raises(ConnectionClosedError):
        ec2.delete_vpc(VpcId=vpc)
    ec2.delete_vpc(VpcId=vpc)

    world.clock.advance(10)

    assert world.calls.latest[-1].outcome == "InvalidVpcID.NotFound (landed late)"


def test_any_error_code_can_be_set(ec2: Any, world: World, refused: Refused) -> None:
    world.faults.add(Fault("error", operation="CreateSubnet", code="InsufficientFreeAddressesInSubnet"))
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]

    with refused("InsufficientFreeAddressesInSubnet"):
        ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")


def test_throttling_can_be_set_without_the_throttle(ec2: Any, world: World, refused: Refused) -> None:
    world.faults.add(Fault("throttled", "ec2", times=1))

    with refused("RequestLimitExceeded"):
        ec2.describe_vpcs()

    assert world.calls.counts["ec2.DescribeVpcs"].throttled == 1


def test_a_created_thing_can_stay_invisible_for_a_while(ec2: Any, world: World, refused: Refused) -> None:
    world.faults.add(Fault("hide_created", "ec2", "CreateVpc", seconds=30))
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]

    assert vpcs(ec2) == 0
    with refused("InvalidVpcID.NotFound"):
        ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")
    with refused("InvalidVpcID.NotFound"):
        ec2.create_tags(Resources=[vpc], Tags=[{"Key": "a", "Value": "b"}])

    world.clock.advance(30)
    assert vpcs(ec2) == 1


def test_chance_is_seeded() -> None:
    def hits() -> list[bool]:
        faults = World(seed=3).faults
        faults.add(Fault("throttled", probability=0.5))
        return [faults.strike("ec2", "DescribeVpcs") is not None for _ in range(50)]

    assert hits() == hits()
    assert 10 < sum(hits()) < 40


@pytest.mark.parametrize(
    "rule",
    [
        {"kind": "flood"},
        {"operation": "CreateVpc"},
        {"kind": "error"},
        {"kind": "delayed"},
        {"kind": "throttled", "probability": 0},
        {"kind": "throttled", "times": 0},
        {"kind": "throttled", "times": "often"},
        {"kind": "throttled", "colour": "red"},
    ],
)
def test_a_rule_that_could_not_act_is_refused(rule: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w+"):
        Fault.from_json(rule)
