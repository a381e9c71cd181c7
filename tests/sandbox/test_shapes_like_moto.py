"""For calls that need no EC2-Classic, the sandbox's answers have the shape that moto's have.

Each story is told to both: the same calls with the same words, ids taken from the answers. Compared are the
keys of every structure and the types of every value. Whatever moto answers the sandbox must answer too; what
the sandbox answers beyond that (all of it in AWS's model, or it could not answer it) is listed in `MOTO_OMITS`.
"""

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from sandbox.hook import connect
from sandbox.world import World

Told = list[tuple[str, Any]]
Shape = dict[str, str]

# Beginnings of paths, by operation, of what AWS answers and moto leaves out.
MOTO_OMITS: dict[str, tuple[str, ...]] = {
    "ec2.create_subnet": (".Subnet.EnableDns64", ".Subnet.MapCustomerOwnedIpOnLaunch"),
    "ec2.describe_subnets": (".Subnets[].EnableDns64", ".Subnets[].MapCustomerOwnedIpOnLaunch"),
    "ec2.create_route_table": (".RouteTable.PropagatingVgws", ".ClientToken"),
    "ec2.describe_route_tables": (".RouteTables[].PropagatingVgws",),
    "ec2.create_security_group": (".Tags",),
    "ec2.delete_security_group": (".GroupId",),
    **dict.fromkeys(
        (
            "ec2.authorize_security_group_ingress",
            "ec2.authorize_security_group_egress",
            "ec2.describe_security_group_rules",
        ),
        (
            ".SecurityGroupRules[].GroupOwnerId",
            ".SecurityGroupRules[].SecurityGroupRuleArn",
            ".SecurityGroupRules[].ReferencedGroupInfo.VpcId",
        ),
    ),
    "ec2.revoke_security_group_ingress": (".RevokedSecurityGroupRules",),
    "ec2.revoke_security_group_egress": (".RevokedSecurityGroupRules",),
    "ec2.describe_availability_zones": tuple(
        f".AvailabilityZones[].{name}" for name in ("GroupName", "NetworkBorderGroup", "OptInStatus")
    ),
    "ec2.describe_key_pairs": (".KeyPairs[].KeyType",),
}


class Teller:
    """Makes calls and keeps their answers by operation."""

    def __init__(self, session: boto3.Session) -> None:
        self._client: Callable[..., Any] = session.client
        self.told: Told = []

    def __call__(self, service: str, operation: str, **params: Any) -> Any:
        answer = getattr(self._client(service), operation)(**params)
        answer.pop("ResponseMetadata")
        self.told.append((f"{service}.{operation}", answer))
        return answer


Story = Callable[[Teller], None]
TAGS = [{"Key": "team", "Value": "red"}]


def networks(call: Teller) -> None:
    """A VPC with a subnet that has a way out."""
    vpc = call("ec2", "create_vpc", CidrBlock="10.5.0.0/16")["Vpc"]["VpcId"]
    mine = [{"Name": "vpc-id", "Values": [vpc]}]
    call("ec2", "create_tags", Resources=[vpc], Tags=TAGS)
    call("ec2", "describe_vpcs", VpcIds=[vpc])
    call("ec2", "modify_vpc_attribute", VpcId=vpc, EnableDnsHostnames={"Value": True})
    call("ec2", "describe_vpc_attribute", VpcId=vpc, Attribute="enableDnsHostnames")
    subnet = call("ec2", "create_subnet", VpcId=vpc, CidrBlock="10.5.1.0/24", AvailabilityZone="us-east-1a")
    subnet_id = subnet["Subnet"]["SubnetId"]
    call("ec2", "modify_subnet_attribute", SubnetId=subnet_id, MapPublicIpOnLaunch={"Value": True})
    call("ec2", "describe_subnets", Filters=mine)
    gateway = call("ec2", "create_internet_gateway")["InternetGateway"]["InternetGatewayId"]
    call("ec2", "attach_internet_gateway", InternetGatewayId=gateway, VpcId=vpc)
    call("ec2", "describe_internet_gateways", InternetGatewayIds=[gateway])
    table = call("ec2", "create_route_table", VpcId=vpc)["RouteTable"]["RouteTableId"]
    call("ec2", "create_route", RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    association = call("ec2", "associate_route_table", RouteTableId=table, SubnetId=subnet_id)["AssociationId"]
    call("ec2", "describe_route_tables", RouteTableIds=[table])
    call("ec2", "disassociate_route_table", AssociationId=association)
    call("ec2", "delete_route", RouteTableId=table, DestinationCidrBlock="0.0.0.0/0")
    call("ec2", "delete_route_table", RouteTableId=table)
    call("ec2", "detach_internet_gateway", InternetGatewayId=gateway, VpcId=vpc)
    call("ec2", "delete_internet_gateway", InternetGatewayId=gateway)
    call("ec2", "delete_subnet", SubnetId=subnet_id)
    call("ec2", "describe_tags", Filters=[{"Name": "resource-id", "Values": [vpc]}])
    call("ec2", "delete_tags", Resources=[vpc], Tags=TAGS)
    call("ec2", "delete_vpc", VpcId=vpc)


def groups(call: Teller) -> None:
    """Two groups of a VPC, one calling the other."""
    vpc = call("ec2", "create_vpc", CidrBlock="10.6.0.0/16")["Vpc"]["VpcId"]
    web, data = (
        call(
            "ec2", "create_security_group", GroupName=name, Description=name, VpcId=vpc,
            TagSpecifications=[{"ResourceType": "security-group", "Tags": TAGS}],
        )["GroupId"]
        for name in ("web", "data")
    )  # fmt: skip
    port = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80}
    open_to_all = {**port, "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "all"}]}
    call("ec2", "authorize_security_group_ingress", GroupId=web, IpPermissions=[open_to_all])
    from_web = {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "UserIdGroupPairs": [{"GroupId": web}]}
    call("ec2", "authorize_security_group_ingress", GroupId=data, IpPermissions=[from_web])
    call("ec2", "authorize_security_group_egress", GroupId=web, IpPermissions=[open_to_all])
    call("ec2", "describe_security_groups", GroupIds=[web, data])
    call("ec2", "describe_security_group_rules", Filters=[{"Name": "group-id", "Values": [data]}])
    call("ec2", "revoke_security_group_ingress", GroupId=data, IpPermissions=[from_web])
    call("ec2", "revoke_security_group_egress", GroupId=web, IpPermissions=[open_to_all])
    call("ec2", "delete_security_group", GroupId=web)


def account(call: Teller) -> None:
    """What is there before anything is made, and who asks."""
    call("ec2", "describe_availability_zones", ZoneNames=["us-east-1a"])
    call("ec2", "describe_regions", RegionNames=["us-east-1"])
    call("ec2", "describe_instance_type_offerings", Filters=[{"Name": "instance-type", "Values": ["m5.large"]}])
    call("ec2", "create_key_pair", KeyName="ops")
    call("ec2", "describe_key_pairs", KeyNames=["ops"])
    call("ec2", "delete_key_pair", KeyName="ops")
    call("sts", "get_caller_identity")


STORIES: list[Story] = [networks, groups, account]


def shape_of(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """(path, type) of everything in an answer; [] stands for every element of a list."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from shape_of(inner, f"{path}.{key}")
    elif isinstance(value, list):
        yield path, "list"
        for inner in value:
            yield from shape_of(inner, f"{path}[]")
    else:
        yield path, type(value).__name__


def shapes(told: Told) -> dict[str, Shape]:
    gathered: dict[str, Shape] = {}
    for operation, answer in told:
        gathered.setdefault(operation, {}).update(shape_of(answer))
    return gathered


@mock_aws
def by_moto(story: Story) -> dict[str, Shape]:
    teller = Teller(boto3.Session("AKIAMOTO", "moto", region_name="us-east-1"))
    story(teller)
    return shapes(teller.told)


def by_sandbox(story: Story) -> dict[str, Shape]:
    teller = Teller(connect(World()))
    story(teller)
    return shapes(teller.told)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: str(story.__name__))
def test_answers_have_the_keys_and_types_of_motos(story: Story) -> None:
    ours, theirs = by_sandbox(story), by_moto(story)

    differing = [
        f"{operation} {path}: {ours[operation].get(path)}, moto: {theirs[operation].get(path)}"
        for operation in theirs
        for path in sorted({**ours[operation], **theirs[operation]})
        if ours[operation].get(path) != theirs[operation].get(path)
        and not (path not in theirs[operation] and path.startswith(MOTO_OMITS.get(operation, ())))
    ]
    assert not differing, "\n".join(differing)
