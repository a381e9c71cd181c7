"""Tags, filters and pages of describe calls."""

from typing import Any

import pytest

from tests.sandbox.conftest import Refused


@pytest.fixture
def vpcs(ec2: Any) -> list[str]:
    made = [ec2.create_vpc(CidrBlock=f"10.{index}.0.0/16")["Vpc"]["VpcId"] for index in range(3)]
    ec2.create_tags(Resources=made[:2], Tags=[{"Key": "team", "Value": "red*"}])
    ec2.create_tags(Resources=made[2:], Tags=[{"Key": "team", "Value": "reddish"}])
    return made


def found(ec2: Any, name: str, *values: str) -> list[str]:
    answer = ec2.describe_vpcs(Filters=[{"Name": name, "Values": list(values)}])
    return [one["VpcId"] for one in answer["Vpcs"]]


def test_filters_take_wildcards_unless_escaped(ec2: Any, vpcs: list[str]) -> None:
    assert found(ec2, "tag:team", "red*") == vpcs
    assert found(ec2, "tag:team", r"red\*") == vpcs[:2]
    assert found(ec2, "tag:team", "red?ish", "nothing") == vpcs[2:]
    assert found(ec2, "tag-key", "team") == vpcs
    assert found(ec2, "cidr", "10.1.*") == [vpcs[1]]
    assert found(ec2, "is-default", "true") == []


def test_an_unknown_filter_and_too_many_values_are_refused(ec2: Any, refused: Refused) -> None:
    with refused("InvalidParameterValue"):
        found(ec2, "colour", "red")
    with refused("FilterLimitExceeded"):
        found(ec2, "vpc-id", *(f"vpc-{index}" for index in range(201)))


def test_pages_lead_to_each_other(ec2: Any, refused: Refused) -> None:
    for index in range(7):
        ec2.create_security_group(GroupName=f"group {index}", Description="one of many")

    pages = list(ec2.get_paginator("describe_security_groups").paginate(PaginationConfig={"PageSize": 5}))

    assert [len(page["SecurityGroups"]) for page in pages] == [5, 3]
    with refused("InvalidNextToken"):
        ec2.describe_security_groups(MaxResults=5, NextToken="somewhere")


def test_tags_are_overwritten_and_deleted_by_value(ec2: Any, vpcs: list[str]) -> None:
    def team() -> list[str]:
        filters = [{"Name": "resource-id", "Values": [vpcs[0]]}, {"Name": "key", "Values": ["team"]}]
        return [tag["Value"] for tag in ec2.describe_tags(Filters=filters)["Tags"]]

    ec2.create_tags(Resources=[vpcs[0]], Tags=[{"Key": "team", "Value": "blue"}])
    assert team() == ["blue"]
    ec2.delete_tags(Resources=[vpcs[0]], Tags=[{"Key": "team", "Value": "green"}])
    assert team() == ["blue"]
    ec2.delete_tags(Resources=[vpcs[0]], Tags=[{"Key": "team"}])
    assert team() == []


def test_tags_go_only_on_what_exists_and_within_limits(ec2: Any, vpcs: list[str], refused: Refused) -> None:
    for resource, code in (
        ("i-0123456789abcdef0", "InvalidInstanceID.NotFound"),
        ("sg-0123456789abcdef0", "InvalidGroup.NotFound"),
        ("nonsense", "InvalidID"),
    ):
        with refused(code):
            ec2.create_tags(Resources=[vpcs[0], resource], Tags=[{"Key": "a", "Value": "b"}])
    with refused("InvalidParameterValue"):
        ec2.create_tags(Resources=vpcs, Tags=[{"Key": "aws:mine", "Value": "b"}])
    with refused("TagLimitExceeded"):
        ec2.create_tags(Resources=vpcs, Tags=[{"Key": str(index), "Value": ""} for index in range(51)])


def test_tags_asked_for_at_creation_are_there_and_go_with_the_thing(ec2: Any) -> None:
    tags = [{"Key": "team", "Value": "red"}]
    made = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=[{"ResourceType": "vpc", "Tags": tags}])["Vpc"]

    assert made["Tags"] == tags
    ec2.delete_vpc(VpcId=made["VpcId"])
    assert ec2.describe_tags()["Tags"] == []
