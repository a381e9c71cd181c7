"""NAT gateways, as far as routes and dependencies need them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox.ec2.describing import Field, View, paginate, select
from sandbox.ec2.subnets import find_subnet
from sandbox.ec2.tags import requested_tags, set_tags, tag_list
from sandbox.ec2.tokens import require_same
from sandbox.errors import AwsError
from sandbox.service import operation
from sandbox.world import Place


@dataclass
class NatGateway:
    id: str
    vpc_id: str
    subnet_id: str
    allocation_id_used: str  # `allocation_id` is what makes a thing an address
    public_ip: str
    created_at: datetime
    visible_at: datetime
    client_token: str = ""
    state: str = "pending"
    deleted_at: datetime | None = None


@operation("ec2", "CreateNatGateway")
def create_nat_gateway(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """A repeated ClientToken answers with the gateway it made before."""
    token = request.get("ClientToken") or ""
    for known in place.table(NatGateway).values():
        if token and known.client_token == token:
            asked_before = (known.subnet_id, known.allocation_id_used)
            require_same(asked_before, (request.get("SubnetId"), request.get("AllocationId")), token)
            return {"ClientToken": token, "NatGateway": _view(place, known)}
    if "SubnetId" not in request or "AllocationId" not in request:
        raise AwsError("UnsupportedOperation", "The sandbox makes public NAT gateways in one subnet only.")
    subnet = find_subnet(place, request["SubnetId"])
    tags = requested_tags(request, "natgateway")
    address = _address(place, request["AllocationId"])
    now = place.clock.now()
    gateway = NatGateway(
        place.new_id("nat"), subnet.vpc_id, subnet.id, request["AllocationId"], address.public_ip,
        now, place.visible_from_now(), token,
    )  # fmt: skip
    address.association_id = place.new_id("eipassoc")
    place.table(NatGateway)[gateway.id] = gateway
    set_tags(place, gateway.id, tags)
    place.clock.after(place.durations.nat_gateway_create, lambda: _settle(place, gateway, "available"))
    return {"ClientToken": token, "NatGateway": _view(place, gateway)}


def _address(place: Place, allocation_id: str) -> Any:
    """A VPC address that is free. Addresses are known by their allocation id alone."""
    for thing in place.things():
        if getattr(thing, "allocation_id", None) == allocation_id:
            if thing.association_id:
                raise AwsError("Resource.AlreadyAssociated", f"resource {allocation_id} is already associated")
            return thing
    raise AwsError("InvalidAllocationID.NotFound", f"The allocation ID '{allocation_id}' does not exist")


def _settle(place: Place, gateway: NatGateway, state: str) -> None:
    if gateway.state == "deleted":
        return
    gateway.state = state
    if state == "deleted":
        gateway.deleted_at = place.clock.now()
        for thing in place.things():
            if getattr(thing, "allocation_id", None) == gateway.allocation_id_used:
                thing.association_id = None
    place.changed()


@operation("ec2", "DeleteNatGateway")
def delete_nat_gateway(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    gateway = place.seen(NatGateway).get(request["NatGatewayId"])
    if gateway is None or gateway.state == "deleted":
        raise AwsError("NatGatewayNotFound", f"NatGateway {request['NatGatewayId']} was not found")
    gateway.state = "deleting"
    place.clock.after(place.durations.nat_gateway_delete, lambda: _settle(place, gateway, "deleted"))
    place.changed()
    return {"NatGatewayId": gateway.id}


_FIELDS: Mapping[str, Field] = {
    "nat-gateway-id": lambda view: [view["NatGatewayId"]],
    "state": lambda view: [view["State"]],
    "subnet-id": lambda view: [view["SubnetId"]],
    "vpc-id": lambda view: [view["VpcId"]],
}


@operation("ec2", "DescribeNatGateways")
def describe_nat_gateways(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """This call alone names its filters `Filter`."""
    asked = {**request, "Filters": request.get("Filter") or ()}
    views = [(gateway.id, _view(place, gateway)) for gateway in place.seen(NatGateway).values()]
    chosen = select(place, asked, views, _FIELDS, ids_param="NatGatewayIds", not_found_code="NatGatewayNotFound")
    return paginate(chosen, request, "NatGateways")


def _view(place: Place, gateway: NatGateway) -> View:
    return {
        "NatGatewayId": gateway.id,
        "VpcId": gateway.vpc_id,
        "SubnetId": gateway.subnet_id,
        "State": gateway.state,
        "ConnectivityType": "public",
        "CreateTime": gateway.created_at,
        "DeleteTime": gateway.deleted_at,
        "NatGatewayAddresses": [
            {"AllocationId": gateway.allocation_id_used, "PublicIp": gateway.public_ip, "IsPrimary": True}
        ],
        "Tags": tag_list(place, gateway.id),
    }
