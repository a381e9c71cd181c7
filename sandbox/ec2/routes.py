"""Single routes of route tables."""

from collections.abc import Mapping
from ipaddress import IPv4Network
from typing import Any

from sandbox.ec2.internet_gateways import InternetGateway
from sandbox.ec2.routing import CLASSIC_RANGE, Route, RouteTable, find_table
from sandbox.ec2.vpcs import find_vpc
from sandbox.errors import AwsError
from sandbox.service import operation
from sandbox.world import Place

_TARGETS = {
    "GatewayId": "InvalidGatewayID.NotFound",
    "NatGatewayId": "NatGatewayNotFound",
    "InstanceId": "InvalidInstanceID.NotFound",
    "NetworkInterfaceId": "InvalidNetworkInterfaceID.NotFound",
    "VpcPeeringConnectionId": "InvalidVpcPeeringConnectionID.NotFound",
}


@operation("ec2", "CreateRoute")
def create_route(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Raises RouteAlreadyExists, RouteLimitExceeded; inside 10.0.0.0/8 of a VPC with ClassicLink also
    VpcCidrConflict (aws-facts A1: "may be refused", without a code; the one for enabling is used)."""
    table = find_table(place, request["RouteTableId"])
    network = _destination(request)
    if _route(table, network):
        raise AwsError("RouteAlreadyExists", f"The route identified by {network} already exists.")
    if len(table.routes) >= place.limits.routes_per_table:
        raise AwsError("RouteLimitExceeded", "The maximum number of routes has been reached.")
    vpc = find_vpc(place, table.vpc_id)
    if network.subnet_of(vpc.network):
        raise AwsError(
            "InvalidParameterValue",
            f"The destination CIDR block {network} is equal to or more specific than one of this VPC's CIDR"
            " blocks. This route can target only an interface or an instance.",
        )
    if vpc.classic_link and network.subnet_of(CLASSIC_RANGE):
        raise AwsError("VpcCidrConflict", f"{network} is inside 10.0.0.0/8, which leads to EC2-Classic.")
    table.routes.append(Route(str(network), *_target(place, table, request)))
    place.changed()
    return {"Return": True}


@operation("ec2", "ReplaceRoute")
def replace_route(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    table = find_table(place, request["RouteTableId"])
    route = _changeable(table, _destination(request))
    route.target_kind, route.target = _target(place, table, request)
    place.changed()
    return {}


@operation("ec2", "DeleteRoute")
def delete_route(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    table = find_table(place, request["RouteTableId"])
    table.routes.remove(_changeable(table, _destination(request)))
    place.changed()
    return {}


def _destination(request: Mapping[str, Any]) -> IPv4Network:
    text = request.get("DestinationCidrBlock")
    if not text:
        raise AwsError("MissingParameter", "The request must contain the parameter destinationCidrBlock")
    try:
        return IPv4Network(text, strict=False)
    except ValueError as error:
        raise AwsError(
            "InvalidParameterValue",
            f"Value ({text}) for parameter destinationCidrBlock is invalid. This is not a valid CIDR block.",
        ) from error


def _route(table: RouteTable, network: IPv4Network) -> Route | None:
    return next((route for route in table.routes if route.network == network), None)


def _changeable(table: RouteTable, network: IPv4Network) -> Route:
    route = _route(table, network)
    if route is None:
        raise AwsError(
            "InvalidRoute.NotFound",
            f"no route with destination-cidr-block {network} in route table {table.id}",
        )
    if route.is_local:
        raise AwsError("InvalidParameterValue", f"cannot remove local route {network} in route table {table.id}")
    return route


def _target(place: Place, table: RouteTable, request: Mapping[str, Any]) -> tuple[str, str]:
    """The member that names the target and the target, which must be of the table's VPC."""
    named = [(kind, request[kind]) for kind in _TARGETS if request.get(kind)]
    if len(named) != 1:
        raise AwsError("MissingParameter", "The request must contain exactly one target of the route")
    kind, target = named[0]
    if not place.holds(target):
        raise AwsError(_TARGETS[kind], f"The target ID '{target}' does not exist")
    gateway = place.table(InternetGateway).get(target)
    if gateway and gateway.vpc_id != table.vpc_id:
        raise AwsError(
            "InvalidParameterValue",
            f"route table {table.id} and network gateway {target} belong to different networks",
        )
    return kind, target
