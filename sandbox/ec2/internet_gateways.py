"""Internet gateways."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox.ec2.describing import Field, View, paginate, select
from sandbox.ec2.tags import drop_tags, requested_tags, set_tags, tag_list
from sandbox.ec2.vpcs import find_vpc
from sandbox.errors import AwsError
from sandbox.service import operation
from sandbox.world import Place


@dataclass
class InternetGateway:
    id: str
    visible_at: datetime
    vpc_id: str | None = None


def find_gateway(place: Place, gateway_id: str) -> InternetGateway:
    """Raises InvalidInternetGatewayID.NotFound."""
    gateway = place.seen(InternetGateway).get(gateway_id)
    if gateway is None:
        raise AwsError("InvalidInternetGatewayID.NotFound", f"The internetGateway ID '{gateway_id}' does not exist")
    return gateway


@operation("ec2", "CreateInternetGateway")
def create_internet_gateway(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    if len(place.table(InternetGateway)) >= place.limits.internet_gateways:
        raise AwsError("InternetGatewayLimitExceeded", "The maximum number of internet gateways has been reached.")
    tags = requested_tags(request, "internet-gateway")
    gateway = InternetGateway(place.new_id("igw"), place.visible_from_now())
    place.table(InternetGateway)[gateway.id] = gateway
    set_tags(place, gateway.id, tags)
    return {"InternetGateway": _view(place, gateway)}


@operation("ec2", "AttachInternetGateway")
def attach_internet_gateway(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """One gateway for a VPC, one VPC for a gateway."""
    gateway = find_gateway(place, request["InternetGatewayId"])
    vpc = find_vpc(place, request["VpcId"])
    if gateway.vpc_id:
        raise AwsError("Resource.AlreadyAssociated", f"resource {gateway.id} is already attached to network")
    if any(other.vpc_id == vpc.id for other in place.table(InternetGateway).values()):
        raise AwsError("InvalidParameterValue", f"Network {vpc.id} already has an internet gateway attached")
    gateway.vpc_id = vpc.id
    place.changed()
    return {}


@operation("ec2", "DetachInternetGateway")
def detach_internet_gateway(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Refused while something in the VPC has a public address."""
    gateway = find_gateway(place, request["InternetGatewayId"])
    if gateway.vpc_id is None or gateway.vpc_id != request["VpcId"]:
        raise AwsError("Gateway.NotAttached", f"resource {gateway.id} is not attached to network {request['VpcId']}")
    for thing in place.things():
        mapped = getattr(thing, "public_ip", None) and getattr(thing, "state", "") in {"pending", "running"}
        if mapped and getattr(thing, "vpc_id", None) == gateway.vpc_id:
            raise AwsError(
                "DependencyViolation",
                f"Network {gateway.vpc_id} has some mapped public address(es)."
                " Please unmap those public address(es) before detaching the gateway.",
            )
    gateway.vpc_id = None
    place.changed()
    return {}


@operation("ec2", "DeleteInternetGateway")
def delete_internet_gateway(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    gateway = find_gateway(place, request["InternetGatewayId"])
    if gateway.vpc_id:
        raise AwsError(
            "DependencyViolation",
            f"The internetGateway '{gateway.id}' has dependencies and cannot be deleted.",
        )
    del place.table(InternetGateway)[gateway.id]
    drop_tags(place, gateway.id)
    return {}


_FIELDS: Mapping[str, Field] = {
    "internet-gateway-id": lambda view: [view["InternetGatewayId"]],
    "attachment.vpc-id": lambda view: [one["VpcId"] for one in view["Attachments"]],
    "attachment.state": lambda view: [one["State"] for one in view["Attachments"]],
    "owner-id": lambda view: [view["OwnerId"]],
}


@operation("ec2", "DescribeInternetGateways")
def describe_internet_gateways(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    views = [(gateway.id, _view(place, gateway)) for gateway in place.seen(InternetGateway).values()]
    chosen = select(
        place, request, views, _FIELDS,
        ids_param="InternetGatewayIds", not_found_code="InvalidInternetGatewayID.NotFound",
    )  # fmt: skip
    return paginate(chosen, request, "InternetGateways")


def _view(place: Place, gateway: InternetGateway) -> View:
    return {
        "InternetGatewayId": gateway.id,
        "Attachments": [{"State": "available", "VpcId": gateway.vpc_id}] if gateway.vpc_id else [],
        "OwnerId": place.account_id,
        "Tags": tag_list(place, gateway.id),
    }
