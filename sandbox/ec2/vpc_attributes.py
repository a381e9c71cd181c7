"""DNS attributes of a VPC, and the default VPC made on request."""

from collections.abc import Mapping
from typing import Any

from sandbox.ec2.internet_gateways import InternetGateway
from sandbox.ec2.routing import Route, main_table
from sandbox.ec2.subnets import make_subnet
from sandbox.ec2.vpcs import Vpc, find_vpc, make_vpc, view
from sandbox.errors import AwsError
from sandbox.service import operation
from sandbox.world import Place


@operation("ec2", "DescribeVpcAttribute")
def describe_vpc_attribute(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    vpc = find_vpc(place, request["VpcId"])
    values = {
        "enableDnsSupport": ("EnableDnsSupport", vpc.dns_support),
        "enableDnsHostnames": ("EnableDnsHostnames", vpc.dns_hostnames),
        "enableNetworkAddressUsageMetrics": ("EnableNetworkAddressUsageMetrics", False),
    }
    name, value = values[request["Attribute"]]
    return {"VpcId": vpc.id, name: {"Value": value}}


@operation("ec2", "ModifyVpcAttribute")
def modify_vpc_attribute(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """One attribute a call. Host names need DNS support to be on."""
    vpc = find_vpc(place, request["VpcId"])
    asked = [name for name in ("EnableDnsSupport", "EnableDnsHostnames") if name in request]
    if len(asked) != 1:
        raise AwsError("InvalidParameterCombination", "Exactly one attribute must be specified")
    value = bool(request[asked[0]].get("Value"))
    if asked[0] == "EnableDnsHostnames":
        if value and not vpc.dns_support:
            raise AwsError("InvalidParameterCombination", "DNS hostnames need DNS support to be enabled first")
        vpc.dns_hostnames = value
    else:
        vpc.dns_support = value
    place.changed()
    return {}


@operation("ec2", "CreateDefaultVpc")
def create_default_vpc(place: Place, _: Mapping[str, Any]) -> dict[str, Any]:
    """172.31.0.0/16 with a public subnet in each zone. There is none until somebody asks."""
    if any(vpc.is_default for vpc in place.table(Vpc).values()):
        raise AwsError("DefaultVpcAlreadyExists", "A Default VPC already exists for this account in this region.")
    vpc = make_vpc(place, "172.31.0.0/16", is_default=True)
    gateway = InternetGateway(place.new_id("igw"), place.visible_from_now(), vpc.id)
    place.table(InternetGateway)[gateway.id] = gateway
    main_table(place, vpc.id).routes.append(Route("0.0.0.0/0", "GatewayId", gateway.id))
    for index, zone in enumerate(place.zones):
        subnet = make_subnet(place, vpc, f"172.31.{16 * index}.0/20", zone)
        subnet.map_public_ip = subnet.default_for_zone = True
    return {"Vpc": view(place, vpc)}
