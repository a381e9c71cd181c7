"""VPCs, with what AWS makes along with one: the main route table and the default group."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Network
from typing import Any

from sandbox.ec2.describing import Field, View, paginate, select
from sandbox.ec2.groups import SecurityGroup, default_group, make_default_group
from sandbox.ec2.tags import drop_tags, requested_tags, set_tags, tag_list
from sandbox.errors import AwsError
from sandbox.service import operation
from sandbox.world import Place

DHCP_OPTIONS = "dopt-0a1b2c3d4e5f60718"


@dataclass
class Vpc:
    id: str
    cidr: str
    visible_at: datetime
    tenancy: str = "default"
    is_default: bool = False
    dns_support: bool = True
    dns_hostnames: bool = False
    classic_link: bool = False
    classic_link_dns: bool = False
    association_id: str = ""  # of its CIDR

    @property
    def network(self) -> IPv4Network:
        return IPv4Network(self.cidr)


def find_vpc(place: Place, vpc_id: str) -> Vpc:
    """Raises InvalidVpcID.NotFound."""
    vpc = place.seen(Vpc).get(vpc_id)
    if vpc is None:
        raise AwsError("InvalidVpcID.NotFound", f"The vpc ID '{vpc_id}' does not exist")
    return vpc


def network_of(cidr: str, code: str) -> IPv4Network:
    """A CIDR as AWS takes one for a VPC or subnet, /16 to /28. Raises `code` for another size."""
    try:
        network = IPv4Network(cidr, strict=False)
    except ValueError as error:
        raise AwsError(
            "InvalidParameterValue",
            f"Value ({cidr}) for parameter cidrBlock is invalid. This is not a valid CIDR block.",
        ) from error
    if not 16 <= network.prefixlen <= 28:
        raise AwsError(code, f"The CIDR '{cidr}' is invalid.")
    return network


def make_vpc(place: Place, cidr: str, tenancy: str = "default", *, is_default: bool = False) -> Vpc:
    """Raises VpcLimitExceeded, InvalidVpc.Range."""
    from sandbox.ec2.routing import make_main_table

    network = network_of(cidr, "InvalidVpc.Range")
    if len(place.table(Vpc)) >= place.limits.vpcs:
        raise AwsError("VpcLimitExceeded", "The maximum number of VPCs has been reached.")
    vpc = Vpc(
        id=place.new_id("vpc"),
        cidr=str(network),
        visible_at=place.visible_from_now(),
        tenancy=tenancy,
        is_default=is_default,
        dns_hostnames=is_default,
        association_id=place.new_id("vpc-cidr-assoc"),
    )
    place.table(Vpc)[vpc.id] = vpc
    make_main_table(place, vpc)
    make_default_group(place, vpc.id)
    return vpc


@operation("ec2", "CreateVpc")
def create_vpc(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    if request.get("AmazonProvidedIpv6CidrBlock") or "CidrBlock" not in request:
        raise AwsError("UnsupportedOperation", "The sandbox makes VPCs of a given IPv4 CIDR block only.")
    tags = requested_tags(request, "vpc")
    vpc = make_vpc(place, request["CidrBlock"], request.get("InstanceTenancy", "default"))
    set_tags(place, vpc.id, tags)
    return {"Vpc": {**view(place, vpc), "State": "pending"}}


@operation("ec2", "DeleteVpc")
def delete_vpc(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Its main route table and default group go with it; whatever else is in it forbids it."""
    from sandbox.ec2.routing import RouteTable, main_table

    vpc = find_vpc(place, request["VpcId"])
    own = {main_table(place, vpc.id).id, default_group(place, vpc.id).id}
    if any(_occupies(thing, vpc.id) for thing in place.things() if getattr(thing, "id", "") not in own):
        raise AwsError("DependencyViolation", f"The vpc '{vpc.id}' has dependencies and cannot be deleted.")
    for resource_id in own:
        place.table(RouteTable).pop(resource_id, None)
        place.table(SecurityGroup).pop(resource_id, None)
        drop_tags(place, resource_id)
    del place.table(Vpc)[vpc.id]
    drop_tags(place, vpc.id)
    return {}


def _occupies(thing: Any, vpc_id: str) -> bool:
    """Parts of the network, and whatever has security groups there; a DB subnet group forbids nothing."""
    if getattr(thing, "vpc_id", None) != vpc_id or getattr(thing, "state", "") in {"terminated", "deleted"}:
        return False
    part_of_network = type(thing).__module__.startswith("sandbox.ec2.")
    return part_of_network or hasattr(thing, "group_ids") or hasattr(thing, "vpc_security_group_ids")


_FIELDS: Mapping[str, Field] = {
    "vpc-id": lambda view: [view["VpcId"]],
    "cidr": lambda view: [view["CidrBlock"]],
    "cidr-block-association.cidr-block": lambda view: [view["CidrBlock"]],
    "state": lambda view: [view["State"]],
    "is-default": lambda view: [view["IsDefault"]],
    "isDefault": lambda view: [view["IsDefault"]],
    "owner-id": lambda view: [view["OwnerId"]],
    "dhcp-options-id": lambda view: [view["DhcpOptionsId"]],
}


@operation("ec2", "DescribeVpcs")
def describe_vpcs(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    views = [(vpc.id, view(place, vpc)) for vpc in place.seen(Vpc).values()]
    chosen = select(place, request, views, _FIELDS, ids_param="VpcIds", not_found_code="InvalidVpcID.NotFound")
    return paginate(chosen, request, "Vpcs")


def view(place: Place, vpc: Vpc) -> View:
    return {
        "VpcId": vpc.id,
        "CidrBlock": vpc.cidr,
        "CidrBlockAssociationSet": [
            {
                "AssociationId": vpc.association_id,
                "CidrBlock": vpc.cidr,
                "CidrBlockState": {"State": "associated"},
            }
        ],
        "Ipv6CidrBlockAssociationSet": [],
        "DhcpOptionsId": DHCP_OPTIONS,
        "InstanceTenancy": vpc.tenancy,
        "IsDefault": vpc.is_default,
        "OwnerId": place.account_id,
        "State": "available",
        "Tags": tag_list(place, vpc.id),
    }
