"""ClassicLink on a VPC: enabling and disabling it and its DNS support (aws-facts A1)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Network
from typing import Any

from sandbox.ec2.describing import Field, paginate, select
from sandbox.ec2.routing import CLASSIC_RANGE, Route, add_classic_link_route, remove_classic_link_route, routes_of_vpc
from sandbox.ec2.tags import tag_list
from sandbox.ec2.vpcs import Vpc, find_vpc
from sandbox.errors import AwsError
from sandbox.service import operation
from sandbox.world import Place

ALLOWED_LOCAL = (IPv4Network("10.0.0.0/16"), IPv4Network("10.1.0.0/16"))


@dataclass
class ClassicLink:
    """One instance of EC2-Classic in the groups of one VPC; kept by `instance_id`."""

    instance_id: str
    vpc_id: str
    group_ids: list[str]
    visible_at: datetime


def refuse_without_classic(place: Place) -> None:
    if not place.has_classic:
        raise AwsError("UnsupportedOperation", "The functionality you requested is not available in this region.")


def _conflicts(route: Route) -> bool:
    """Inside 10.0.0.0/8, and neither what ClassicLink itself adds nor the local route of an allowed VPC."""
    if not route.network.subnet_of(CLASSIC_RANGE):
        return False
    if not route.is_local:
        return True
    return route.network != CLASSIC_RANGE and not any(route.network.subnet_of(each) for each in ALLOWED_LOCAL)


@operation("ec2", "EnableVpcClassicLink")
def enable_vpc_classic_link(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Adds 10.0.0.0/8 -> local to every route table. Raises VpcCidrConflict for a route inside 10.0.0.0/8
    in any of them, DisallowedForDedicatedTenancyNetwork. Again is no error."""
    refuse_without_classic(place)
    vpc = find_vpc(place, request["VpcId"])
    if vpc.tenancy == "dedicated":
        raise AwsError(
            "DisallowedForDedicatedTenancyNetwork", "Dedicated tenancy VPCs cannot be used with ClassicLink."
        )
    for table, route in routes_of_vpc(place, vpc.id):
        if _conflicts(route):
            raise AwsError(
                "VpcCidrConflict",
                f"Cannot enable ClassicLink for {vpc.id}: the route {route.destination} in {table.id} "
                f"conflicts with EC2-Classic's range {CLASSIC_RANGE}.",
            )
    vpc.classic_link = True
    add_classic_link_route(place, vpc.id)
    place.changed()
    return {"Return": True}


@operation("ec2", "DisableVpcClassicLink")
def disable_vpc_classic_link(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Removes the routes that enabling added. Raises DependencyViolation while instances are linked (the
    rule is AWS's, its code has no source)."""
    refuse_without_classic(place)
    vpc = find_vpc(place, request["VpcId"])
    linked = [link.instance_id for link in place.table(ClassicLink).values() if link.vpc_id == vpc.id]
    if linked:
        raise AwsError(
            "DependencyViolation",
            f"ClassicLink of {vpc.id} cannot be disabled while instances are linked: {', '.join(linked[:5])}",
        )
    if vpc.classic_link:
        vpc.classic_link = vpc.classic_link_dns = False
        remove_classic_link_route(place, vpc.id)
        place.changed()
    return {"Return": True}


LINK_FILTERS: dict[str, Field] = {"is-classic-link-enabled": lambda view: [view["ClassicLinkEnabled"]]}


@operation("ec2", "DescribeVpcClassicLink")
def describe_vpc_classic_link(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    refuse_without_classic(place)
    views = [
        (
            vpc.id,
            {"VpcId": vpc.id, "ClassicLinkEnabled": vpc.classic_link, "Tags": tag_list(place, vpc.id)},
        )
        for vpc in place.seen(Vpc).values()
    ]
    found = select(place, request, views, LINK_FILTERS, ids_param="VpcIds", not_found_code="InvalidVpcID.NotFound")
    return {"Vpcs": found}


@operation("ec2", "EnableVpcClassicLinkDnsSupport")
def enable_classic_link_dns(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Host names then resolve to private addresses both ways. Needs the VPC's DNS host names and DNS
    resolution (the refusal's code has no source)."""
    refuse_without_classic(place)
    vpc = find_vpc(place, request["VpcId"])
    if not (vpc.dns_support and vpc.dns_hostnames):
        raise AwsError(
            "OperationNotPermitted",
            f"ClassicLink DNS support needs DNS resolution and DNS hostnames to be enabled for {vpc.id}.",
        )
    return _set_dns(place, vpc, True)


@operation("ec2", "DisableVpcClassicLinkDnsSupport")
def disable_classic_link_dns(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    refuse_without_classic(place)
    return _set_dns(place, find_vpc(place, request["VpcId"]), False)


def _set_dns(place: Place, vpc: Vpc, enabled: bool) -> dict[str, Any]:
    vpc.classic_link_dns = enabled
    place.changed()
    return {"Return": True}


@operation("ec2", "DescribeVpcClassicLinkDnsSupport")
def describe_classic_link_dns(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    refuse_without_classic(place)
    views = [
        (vpc.id, {"VpcId": vpc.id, "ClassicLinkDnsSupported": vpc.classic_link_dns}) for vpc in place.seen(Vpc).values()
    ]
    found = select(place, request, views, {}, ids_param="VpcIds", not_found_code="InvalidVpcID.NotFound")
    return paginate(found, request, "Vpcs")
