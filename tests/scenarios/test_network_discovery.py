"""What discovery tells of the region, its VPCs, subnets, addresses and instances."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.cloud import Cloud, Throttled
from app.planning.inventory import Inventory, Ref, Resource
from app.resources import all_kinds
from app.resources.discovery import discover
from app.resources.instance_discovery import digest
from tests.kit.virtual_time import run
from tests.scenarios.classic_account import ZONE, ClassicAccount


@pytest.fixture
def account() -> ClassicAccount:
    return ClassicAccount()


def found(inventory: Inventory, ref: str) -> Resource:
    resource = inventory.get(Ref.parse(ref))
    assert resource is not None
    return resource


class Throttling:
    """Refuses one operation."""

    def __init__(self, cloud: Cloud, operation: str) -> None:
        self._cloud = cloud
        self._operation = operation

    @property
    def region(self) -> str:
        return self._cloud.region

    async def call(self, operation: str, /, **params: Any) -> dict[str, Any]:
        if operation == self._operation:
            raise Throttled(operation, "RequestLimitExceeded", "too many")
        return await self._cloud.call(operation, **params)

    def pages(self, operation: str, /, **params: Any) -> AsyncIterator[dict[str, Any]]:
        return self._cloud.pages(operation, **params)


def test_a_vpc_tells_its_dns_its_gateway_and_all_routes_with_the_one_of_classic_link_marked(
    account: ClassicAccount,
) -> None:
    vpc = account.ec2.create_vpc(CidrBlock="172.20.0.0/16")["Vpc"]["VpcId"]
    account.ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    gateway = account.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    account.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    subnet = account.ec2.create_subnet(VpcId=vpc, CidrBlock="172.20.1.0/24", AvailabilityZone=ZONE)["Subnet"]
    table = account.ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    account.ec2.associate_route_table(RouteTableId=table, SubnetId=subnet["SubnetId"])
    account.ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    account.ec2.enable_vpc_classic_link(VpcId=vpc)
    inventory = account.bench.discover()

    facts = found(inventory, f"vpc:{vpc}").facts
    assert (facts["dns_support"], facts["dns_hostnames"]) == (True, True)
    assert (facts["cidrs"], facts["tenancy"], facts["internet_gateway"]) == (["172.20.0.0/16"], "default", gateway)
    assert facts["subnet_tables"] == {subnet["SubnetId"]: table}
    assert {"table": table, "cidr": "0.0.0.0/0", "target": gateway} in facts["routes"]
    assert {"table": table, "cidr": "10.0.0.0/8", "target": "local", "classic_link": True} in facts["routes"]
    place = found(inventory, f"subnet:{subnet['SubnetId']}").facts
    assert (place["vpc"], place["zone"], place["cidr"]) == (vpc, ZONE, "172.20.1.0/24")
    assert place["free_addresses"] == 251


def test_the_region_tells_its_platforms_limits_and_offerings(account: ClassicAccount) -> None:
    facts = found(account.bench.discover(), "region:us-east-1").facts
    assert facts["platforms"] == ["EC2", "VPC"]
    assert facts["limits"]["vpc-max-elastic-ips"] == 5
    assert "m5.large" in facts["offerings"][ZONE]


def test_an_instance_tells_what_a_launch_takes_and_refers_to_groups_and_addresses(account: ClassicAccount) -> None:
    source = account.launch(UserData=b"secret", DisableApiTermination=True)
    public_ip = account.address(source)
    inventory = account.bench.discover()
    instance = found(inventory, f"instance:{source}")

    assert instance.platform == "classic"
    assert instance.facts["user_data_sha256"] == digest(b"secret")
    assert instance.facts["user_data_bytes"] == 6
    assert instance.facts["termination_protection"] is True
    assert [device["size"] for device in instance.facts["block_devices"]] == [8]
    assert instance.refers_to == {Ref("security_group", account.group), Ref("elastic_ip", public_ip)}
    assert found(inventory, f"elastic_ip:{public_ip}").refers_to == {instance.ref}
    assert "secret" not in str([resource.facts for resource in inventory])


def test_terminated_instances_are_left_out(account: ClassicAccount) -> None:
    source = account.launch()
    account.ec2.terminate_instances(InstanceIds=[source])
    assert account.bench.discover().get(Ref("instance", source)) is None


def test_an_instance_of_which_a_reading_failed_is_unknown_and_never_classic(account: ClassicAccount) -> None:
    source = account.launch()
    cloud = Throttling(account.bench.cloud, "ec2.describe_instance_attribute")
    inventory = run(account.bench.world, discover(cloud, all_kinds()))
    assert found(inventory, f"instance:{source}").platform == "unknown"
    assert {gap.ref for gap in inventory.gaps} == {f"instance:{source}"}


def test_nothing_changes_between_two_discoveries_of_an_account_at_rest(account: ClassicAccount) -> None:
    account.address(account.launch())
    first = account.bench.discover()
    account.bench.world.clock.advance(7200)
    assert account.bench.discover() == first
