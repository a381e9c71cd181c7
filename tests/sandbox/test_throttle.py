"""Token buckets: AWS's sizes and refills, on the sandbox's clock."""

from typing import Any

import boto3
import pytest
from botocore.config import Config

from sandbox.errors import AwsError
from sandbox.throttle import Throttle
from sandbox.world import World
from tests.sandbox.conftest import Refused


def admitted(throttle: Throttle, operation: str, request: dict[str, Any], tries: int, service: str = "ec2") -> int:
    for done in range(tries):
        try:
            throttle.admit("1", "us-east-1", service, operation, request)
        except AwsError:
            return done
    return tries


@pytest.mark.parametrize(
    ("service", "operation", "request_", "size"),
    [
        ("ec2", "DescribeInstances", {}, 50),
        ("ec2", "DescribeInstances", {"MaxResults": 200}, 100),
        ("ec2", "DescribeInstances", {"Filters": [{"Name": "vpc-id", "Values": ["v"]}]}, 100),
        ("ec2", "DescribeVpcs", {}, 100),
        ("ec2", "CreateImage", {}, 50),
        ("ec2", "AuthorizeSecurityGroupIngress", {}, 50),
        ("ec2", "RunInstances", {"MaxCount": 1}, 5),
        ("ec2", "RunInstances", {"MaxCount": 400}, 2),
        ("ec2", "StopInstances", {"InstanceIds": ["i-1"] * 300}, 3),
        ("ec2", "MoveAddressToVpc", {}, 1),
        ("ec2", "CreateTags", {}, 100),
        ("elb", "DescribeLoadBalancers", {}, 40),
        ("elb", "RegisterInstancesWithLoadBalancer", {}, 20),
        ("elb", "CreateLoadBalancer", {}, 10),
    ],
)
def test_a_full_bucket_admits_its_size(service: str, operation: str, request_: dict[str, Any], size: int) -> None:
    throttle = Throttle(World().clock, enabled=True)

    assert admitted(throttle, operation, request_, 500, service) == size


def test_buckets_refill_on_the_sandboxes_clock() -> None:
    world = World()
    throttle = Throttle(world.clock, enabled=True)
    assert admitted(throttle, "RunInstances", {"MaxCount": 1}, 10) == 5

    world.clock.advance(1)
    assert admitted(throttle, "RunInstances", {"MaxCount": 1}, 10) == 2
    world.clock.advance(1000)
    assert admitted(throttle, "RunInstances", {"MaxCount": 1}, 10) == 5


def test_each_api_has_a_bucket_of_its_own_but_load_balancing_shares_one() -> None:
    throttle = Throttle(World().clock, enabled=True)
    admitted(throttle, "CreateImage", {}, 60)
    assert admitted(throttle, "CreateVpc", {}, 60) == 50

    assert admitted(throttle, "DescribeLoadBalancers", {}, 30, "elb") == 30
    assert admitted(throttle, "DescribeTags", {}, 30, "elb") == 10


def test_a_refused_call_takes_nothing_from_its_other_bucket() -> None:
    throttle = Throttle(World().clock, enabled=True)
    assert admitted(throttle, "RunInstances", {"MaxCount": 1000}, 1) == 1
    admitted(throttle, "RunInstances", {"MaxCount": 1000}, 1)  # refused: no instances left

    throttle.clock.advance(0.5)
    assert admitted(throttle, "RunInstances", {"MaxCount": 1}, 10) == 1


def test_throttled_callers_see_the_services_own_code(
    world: World, session: boto3.Session, once: Config, refused: Refused
) -> None:
    world.throttle.enabled = True
    ec2, elb = session.client("ec2", config=once), session.client("elb", config=once)

    for _ in range(100):
        ec2.describe_vpcs()
    with refused("RequestLimitExceeded"):
        ec2.describe_vpcs()
    for _ in range(40):
        elb.describe_load_balancers()
    with refused("Throttling"):
        elb.describe_load_balancers()

    assert world.calls.counts["ec2.DescribeVpcs"].throttled == 1


def test_an_in_process_world_is_not_throttled_unless_asked(ec2: Any) -> None:
    for _ in range(120):
        ec2.describe_vpcs()
