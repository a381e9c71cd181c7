"""VPCs, subnets, routes and gateways."""

from typing import Any

import pytest

from sandbox.ec2.routing import add_classic_link_route, remove_classic_link_route, routes_of_vpc
from sandbox.ec2.vpcs import Vpc
from sandbox.world import World
from tests.sandbox.conftest import Refused


@pytest.fixture
def vpc(ec2: Any) -> str:
    return str(ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"])


def subnet(ec2: Any, vpc: str, cidr: str = "10.0.0.0/24", **more: Any) -> str:
    return str(ec2.create_subnet(VpcId=vpc, CidrBlock=cidr, **more)["Subnet"]["SubnetId"])


def tables(ec2: Any, vpc: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])[
        "RouteTables"
    ]
    return found


def test_there_is_no_default_vpc_until_somebody_asks(ec2: Any, refused: Refused) -> None:
    assert ec2.describe_vpcs()["Vpcs"] == []

    ec2.create_default_vpc()

    assert [one["IsDefault"] for one in ec2.describe_vpcs()["Vpcs"]] == [True]
    assert len(ec2.describe_subnets()["Subnets"]) == 4
    with refused("DefaultVpcAlreadyExists"):
        ec2.create_default_vpc()


def test_a_vpc_comes_with_a_main_route_table_and_goes_with_it(ec2: Any, vpc: str) -> None:
    (main,) = tables(ec2, vpc)

    assert [one["Main"] for one in main["Associations"]] == [True]
    assert main["Routes"][0]["GatewayId"] == "local"
    ec2.delete_vpc(VpcId=vpc)
    assert ec2.describe_route_tables()["RouteTables"] == []
    assert len(ec2.describe_security_groups()["SecurityGroups"]) == 1


def test_a_vpc_with_something_in_it_stays(ec2: Any, vpc: str, refused: Refused) -> None:
    inside = subnet(ec2, vpc)
    with refused("DependencyViolation"):
        ec2.delete_vpc(VpcId=vpc)
    ec2.delete_subnet(SubnetId=inside)
    group = ec2.create_security_group(GroupName="web", Description="web", VpcId=vpc)["GroupId"]
    with refused("DependencyViolation"):
        ec2.delete_vpc(VpcId=vpc)
    ec2.delete_security_group(GroupId=group)
    ec2.delete_vpc(VpcId=vpc)


@pytest.mark.parametrize(
    ("cidr", "code"),
    [("10.0.0.0/8", "InvalidVpc.Range"), ("10.0.0.0/29", "InvalidVpc.Range"), ("ten", "InvalidParameterValue")],
)
def test_vpcs_are_between_16_and_28(ec2: Any, refused: Refused, cidr: str, code: str) -> None:
    with refused(code):
        ec2.create_vpc(CidrBlock=cidr)


def test_vpcs_are_limited(ec2: Any, world: World, refused: Refused) -> None:
    world.place().limits.vpcs = 1
    ec2.create_vpc(CidrBlock="10.0.0.0/16")

    with refused("VpcLimitExceeded"):
        ec2.create_vpc(CidrBlock="10.1.0.0/16")


def test_subnets_lie_in_their_vpc_and_beside_each_other(ec2: Any, vpc: str, refused: Refused) -> None:
    subnet(ec2, vpc)

    with refused("InvalidSubnet.Conflict"):
        subnet(ec2, vpc, "10.0.0.128/25")
    with refused("InvalidSubnet.Range"):
        subnet(ec2, vpc, "10.1.0.0/24")
    with refused("InvalidParameterValue"):
        subnet(ec2, vpc, "10.0.1.0/24", AvailabilityZone="us-east-1z")


def test_instances_take_addresses_of_their_subnet(ec2: Any, vpc: str, refused: Refused) -> None:
    inside = subnet(ec2, vpc)
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]

    def free() -> int:
        return int(ec2.describe_subnets(SubnetIds=[inside])["Subnets"][0]["AvailableIpAddressCount"])

    assert free() == 251
    ec2.run_instances(ImageId=image, InstanceType="m3.medium", MinCount=3, MaxCount=3, SubnetId=inside)
    assert free() == 248
    with refused("DependencyViolation"):
        ec2.delete_subnet(SubnetId=inside)


def test_subnets_give_public_addresses_when_told_to(ec2: Any, vpc: str) -> None:
    inside = subnet(ec2, vpc)
    ec2.modify_subnet_attribute(SubnetId=inside, MapPublicIpOnLaunch={"Value": True})

    assert ec2.describe_subnets(SubnetIds=[inside])["Subnets"][0]["MapPublicIpOnLaunch"] is True


def test_host_names_need_dns_support(ec2: Any, vpc: str, refused: Refused) -> None:
    def hostnames() -> bool:
        answer = ec2.describe_vpc_attribute(VpcId=vpc, Attribute="enableDnsHostnames")
        return bool(answer["EnableDnsHostnames"]["Value"])

    assert not hostnames()
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    assert hostnames()
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": False})
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsSupport={"Value": False})
    with refused("InvalidParameterCombination"):
        ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})


def test_a_gateway_serves_one_vpc_and_routes_lead_to_it(ec2: Any, vpc: str, refused: Refused) -> None:
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    table = tables(ec2, vpc)[0]["RouteTableId"]
    anywhere = {"RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": gateway}
    with refused("InvalidParameterValue"):
        ec2.create_route(**anywhere)
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    with refused("Resource.AlreadyAssociated"):
        ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    ec2.create_route(**anywhere)
    with refused("RouteAlreadyExists"):
        ec2.create_route(**anywhere)
    with refused("DependencyViolation"):
        ec2.delete_internet_gateway(InternetGatewayId=gateway)

    ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)

    assert [route["State"] for route in tables(ec2, vpc)[0]["Routes"]] == ["active", "blackhole"]
    ec2.delete_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0")
    with refused("InvalidRoute.NotFound"):
        ec2.delete_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0")
    with refused("InvalidParameterValue"):
        ec2.delete_route(RouteTableId=table, DestinationCidrBlock="10.0.0.0/16")


def test_a_subnet_has_one_route_table(ec2: Any, vpc: str, refused: Refused) -> None:
    inside = subnet(ec2, vpc)
    one, other = (ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"] for _ in range(2))
    association = ec2.associate_route_table(RouteTableId=one, SubnetId=inside)["AssociationId"]

    assert ec2.associate_route_table(RouteTableId=one, SubnetId=inside)["AssociationId"] == association
    with refused("Resource.AlreadyAssociated"):
        ec2.associate_route_table(RouteTableId=other, SubnetId=inside)
    with refused("DependencyViolation"):
        ec2.delete_route_table(RouteTableId=one)
    replaced = ec2.replace_route_table_association(AssociationId=association, RouteTableId=other)
    ec2.delete_route_table(RouteTableId=one)
    ec2.disassociate_route_table(AssociationId=replaced["NewAssociationId"])
    ec2.delete_route_table(RouteTableId=other)


def test_the_route_to_classic_is_in_every_table_while_it_is_there(
    ec2: Any, vpc: str, world: World, refused: Refused
) -> None:
    place = world.place()
    ec2.create_route_table(VpcId=vpc)
    add_classic_link_route(place, vpc)
    place.table(Vpc)[vpc].classic_link = True
    later = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]

    assert sum(route.destination == "10.0.0.0/8" for _, route in routes_of_vpc(place, vpc)) == 3
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    with refused("VpcCidrConflict"):
        ec2.create_route(RouteTableId=later, DestinationCidrBlock="10.9.0.0/16", GatewayId=gateway)

    remove_classic_link_route(place, vpc)
    assert [route.destination for _, route in routes_of_vpc(place, vpc)] == ["10.0.0.0/16"] * 3


def test_a_nat_gateway_takes_its_time_and_an_address(ec2: Any, vpc: str, world: World, refused: Refused) -> None:
    inside = subnet(ec2, vpc)
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    asked = {"SubnetId": inside, "AllocationId": address, "ClientToken": "once"}
    made = ec2.create_nat_gateway(**asked)["NatGateway"]["NatGatewayId"]

    assert ec2.create_nat_gateway(**asked)["NatGateway"]["NatGatewayId"] == made
    world.clock.advance(world.durations.nat_gateway_create)
    assert ec2.describe_nat_gateways(NatGatewayIds=[made])["NatGateways"][0]["State"] == "available"
    with refused("DependencyViolation"):
        ec2.delete_subnet(SubnetId=inside)
    ec2.delete_nat_gateway(NatGatewayId=made)
    world.clock.advance(world.durations.nat_gateway_delete)
    ec2.delete_subnet(SubnetId=inside)


def test_the_account_says_which_platforms_it_has(ec2: Any, world: World) -> None:
    def platforms() -> list[str]:
        (answer,) = ec2.describe_account_attributes(AttributeNames=["supported-platforms"])["AccountAttributes"]
        return [one["AttributeValue"] for one in answer["AttributeValues"]]

    assert platforms() == ["EC2", "VPC"]
    world.place().has_classic = False
    assert platforms() == ["VPC"]


def test_old_and_current_instance_types_are_on_offer(ec2: Any) -> None:
    def offered(name: str) -> bool:
        filters = [{"Name": "instance-type", "Values": [name]}]
        return bool(ec2.describe_instance_type_offerings(Filters=filters)["InstanceTypeOfferings"])

    assert all(offered(name) for name in ("t1.micro", "m1.small", "hs1.8xlarge", "m5.large", "t3.*"))
    assert not offered("z9.huge")


def test_key_pairs_are_known_by_name(ec2: Any, refused: Refused) -> None:
    ec2.create_key_pair(KeyName="ops")
    ec2.import_key_pair(KeyName="mine", PublicKeyMaterial=b"ssh-rsa AAAAB3Nza me")

    assert [one["KeyName"] for one in ec2.describe_key_pairs()["KeyPairs"]] == ["ops", "mine"]
    with refused("InvalidKeyPair.Duplicate"):
        ec2.create_key_pair(KeyName="ops")
    with refused("InvalidKey.Format"):
        ec2.import_key_pair(KeyName="bad", PublicKeyMaterial=b"hello")
    with refused("InvalidKeyPair.NotFound"):
        ec2.describe_key_pairs(KeyNames=["none"])
    ec2.delete_key_pair(KeyName="ops")
    ec2.delete_key_pair(KeyName="ops")


def test_a_repeated_client_token_makes_one_route_table(ec2: Any, vpc: str, refused: Refused) -> None:
    one, again = (ec2.create_route_table(VpcId=vpc, ClientToken="once")["RouteTable"]["RouteTableId"] for _ in range(2))

    assert one == again
    other = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    with refused("IdempotentParameterMismatch"):
        ec2.create_route_table(VpcId=other, ClientToken="once")
