"""Subnets of VPCs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Network
from typing import Any

from sandbox.ec2.describing import Field, View, paginate, select
from sandbox.ec2.tags import drop_tags, requested_tags, set_tags, tag_list
from sandbox.ec2.vpcs import Vpc, find_vpc, network_of
from sandbox.errors import AwsError
from sandbox.service import operation
from sandbox.world import Place

RESERVED = 5  # addresses of every subnet that AWS keeps for itself


@dataclass
class Subnet:
    id: str
    vpc_id: str
    cidr: str
    zone: str
    visible_at: datetime
    map_public_ip: bool = False
    default_for_zone: bool = False

    @property
    def network(self) -> IPv4Network:
        return IPv4Network(self.cidr)


def find_subnet(place: Place, subnet_id: str) -> Subnet:
    """Raises InvalidSubnetID.NotFound."""
    subnet = place.seen(Subnet).get(subnet_id)
    if subnet is None:
        raise AwsError("InvalidSubnetID.NotFound", f"The subnet ID '{subnet_id}' does not exist")
    return subnet


def zone_id(place: Place, zone: str) -> str:
    """The id of a zone that is the same in all accounts: use1-az1 for us-east-1a."""
    area, direction, number = place.region.split("-")[-3:]
    return f"{area}{direction[0]}{number}-az{place.zones.index(zone) + 1}"


def users_of_subnet(place: Place, subnet_id: str) -> Iterator[Any]:
    """Whatever holds an address there: instances that are not terminated, NAT gateways, load balancers."""
    for thing in place.things():
        if getattr(thing, "state", "") in {"terminated", "deleted"}:
            continue
        balances_there = hasattr(thing, "dns_name") and subnet_id in (getattr(thing, "subnets", None) or ())
        if getattr(thing, "subnet_id", None) == subnet_id or balances_there:
            yield thing


def free_addresses(place: Place, subnet: Subnet) -> int:
    used = sum(1 for _ in users_of_subnet(place, subnet.id))
    return subnet.network.num_addresses - RESERVED - used


def make_subnet(place: Place, vpc: Vpc, cidr: str, zone: str) -> Subnet:
    """Raises InvalidSubnet.Range (not in the VPC, or of a wrong size), InvalidSubnet.Conflict."""
    network = network_of(cidr, "InvalidSubnet.Range")
    if not network.subnet_of(vpc.network):
        raise AwsError("InvalidSubnet.Range", f"The CIDR '{cidr}' is invalid.")
    siblings = [subnet for subnet in place.table(Subnet).values() if subnet.vpc_id == vpc.id]
    if any(network.overlaps(sibling.network) for sibling in siblings):
        raise AwsError("InvalidSubnet.Conflict", f"The CIDR '{cidr}' conflicts with another subnet")
    if len(siblings) >= place.limits.subnets_per_vpc:
        raise AwsError("SubnetLimitExceeded", "The maximum number of subnets has been reached.")
    subnet = Subnet(place.new_id("subnet"), vpc.id, str(network), zone, place.visible_from_now())
    place.table(Subnet)[subnet.id] = subnet
    return subnet


@operation("ec2", "CreateSubnet")
def create_subnet(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    vpc = find_vpc(place, request["VpcId"])
    tags = requested_tags(request, "subnet")
    subnet = make_subnet(place, vpc, request.get("CidrBlock", ""), _zone(place, request))
    set_tags(place, subnet.id, tags)
    return {"Subnet": view(place, subnet)}


def _zone(place: Place, request: Mapping[str, Any]) -> str:
    by_id = {zone_id(place, zone): zone for zone in place.zones}
    asked = request.get("AvailabilityZone") or by_id.get(request.get("AvailabilityZoneId", ""))
    if asked is None and "AvailabilityZoneId" not in request:
        return place.zones[0]
    if asked not in place.zones:
        raise AwsError(
            "InvalidParameterValue",
            f"Value ({asked or request['AvailabilityZoneId']}) for parameter availabilityZone is invalid."
            f" Subnets can currently only be created in the following availability zones:"
            f" {', '.join(place.zones)}.",
        )
    return str(asked)


@operation("ec2", "DeleteSubnet")
def delete_subnet(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    from sandbox.ec2.routing import forget_subnet

    subnet = find_subnet(place, request["SubnetId"])
    if any(users_of_subnet(place, subnet.id)):
        raise AwsError("DependencyViolation", f"The subnet '{subnet.id}' has dependencies and cannot be deleted.")
    forget_subnet(place, subnet.id)
    del place.table(Subnet)[subnet.id]
    drop_tags(place, subnet.id)
    return {}


@operation("ec2", "ModifySubnetAttribute")
def modify_subnet_attribute(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    subnet = find_subnet(place, request["SubnetId"])
    if "MapPublicIpOnLaunch" not in request:
        raise AwsError("UnsupportedOperation", "The sandbox changes MapPublicIpOnLaunch of subnets only.")
    subnet.map_public_ip = bool(request["MapPublicIpOnLaunch"].get("Value"))
    return {}


_FIELDS: Mapping[str, Field] = {
    "subnet-id": lambda view: [view["SubnetId"]],
    "vpc-id": lambda view: [view["VpcId"]],
    "availability-zone": lambda view: [view["AvailabilityZone"]],
    "availabilityZone": lambda view: [view["AvailabilityZone"]],
    "availability-zone-id": lambda view: [view["AvailabilityZoneId"]],
    "cidr-block": lambda view: [view["CidrBlock"]],
    "cidr": lambda view: [view["CidrBlock"]],
    "state": lambda view: [view["State"]],
    "default-for-az": lambda view: [view["DefaultForAz"]],
    "map-public-ip-on-launch": lambda view: [view["MapPublicIpOnLaunch"]],
    "available-ip-address-count": lambda view: [view["AvailableIpAddressCount"]],
    "owner-id": lambda view: [view["OwnerId"]],
}


@operation("ec2", "DescribeSubnets")
def describe_subnets(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    views = [(subnet.id, view(place, subnet)) for subnet in place.seen(Subnet).values()]
    chosen = select(place, request, views, _FIELDS, ids_param="SubnetIds", not_found_code="InvalidSubnetID.NotFound")
    return paginate(chosen, request, "Subnets")


def view(place: Place, subnet: Subnet) -> View:
    return {
        "SubnetId": subnet.id,
        "SubnetArn": f"arn:aws:ec2:{place.region}:{place.account_id}:subnet/{subnet.id}",
        "VpcId": subnet.vpc_id,
        "CidrBlock": subnet.cidr,
        "AvailabilityZone": subnet.zone,
        "AvailabilityZoneId": zone_id(place, subnet.zone),
        "AvailableIpAddressCount": free_addresses(place, subnet),
        "DefaultForAz": subnet.default_for_zone,
        "MapPublicIpOnLaunch": subnet.map_public_ip,
        "MapCustomerOwnedIpOnLaunch": False,
        "AssignIpv6AddressOnCreation": False,
        "EnableDns64": False,
        "Ipv6Native": False,
        "Ipv6CidrBlockAssociationSet": [],
        "PrivateDnsNameOptionsOnLaunch": {
            "HostnameType": "ip-name",
            "EnableResourceNameDnsARecord": False,
            "EnableResourceNameDnsAAAARecord": False,
        },
        "OwnerId": place.account_id,
        "State": "available",
        "Tags": tag_list(place, subnet.id),
    }
