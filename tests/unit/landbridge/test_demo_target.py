"""The demo moves into the VPC that is there for it, and makes one where that is not clear."""

from __future__ import annotations

from typing import Any

from landbridge.demo_target import NEW_VPC, choose_target


def thing(ref: str, platform: str = "vpc", **facts: Any) -> dict[str, Any]:
    return {"ref": ref, "kind": ref.partition(":")[0], "platform": platform, "facts": facts}


WEB = thing("instance:i-1", "classic", zone="us-east-1a")
VPC = thing("vpc:vpc-1")
SUBNET = thing("subnet:subnet-a", vpc="vpc-1", zone="us-east-1a")
ELSEWHERE = thing("subnet:subnet-x", vpc="vpc-9", zone="us-east-1b")
GROUP = thing("db_subnet_group:landing", vpc="vpc-1")


def test_the_only_vpc_is_taken_with_its_subnets_and_its_group() -> None:
    assert choose_target([WEB, VPC, SUBNET, ELSEWHERE, GROUP]) == {
        "vpc_id": "vpc-1",
        "subnets": {"us-east-1a": "subnet-a"},
        "db_subnet_group": "landing",
    }


def test_of_two_subnets_in_a_zone_it_is_always_the_same_one() -> None:
    other = thing("subnet:subnet-b", vpc="vpc-1", zone="us-east-1a")
    assert choose_target([WEB, VPC, SUBNET, other]) == choose_target([WEB, VPC, other, SUBNET])


def test_a_vpc_is_made_where_there_is_none_or_more_than_one() -> None:
    assert choose_target([WEB]) == NEW_VPC
    assert choose_target([WEB, VPC, SUBNET, thing("vpc:vpc-2")]) == NEW_VPC


def test_a_vpc_without_a_subnet_in_a_zone_that_is_needed_will_not_do() -> None:
    far = thing("instance:i-2", "classic", zone="us-east-1d")
    assert choose_target([WEB, far, VPC, SUBNET]) == NEW_VPC
    assert choose_target([VPC]) == NEW_VPC


def test_the_vpc_must_also_have_a_subnet_where_a_group_may_start_its_members() -> None:
    fleet = thing("auto_scaling_group:web", "classic", zones=["us-east-1a", "us-east-1b"])
    assert choose_target([WEB, fleet, VPC, SUBNET]) == NEW_VPC
