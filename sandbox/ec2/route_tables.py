"""Route tables: making, associating, describing."""

from collections.abc import Mapping
from typing import Any

from sandbox.ec2.describing import Field, View, paginate, select
from sandbox.ec2.internet_gateways import InternetGateway
from sandbox.ec2.routing import Association, Route, RouteTable, find_table, make_table, tables_of
from sandbox.ec2.subnets import find_subnet
from sandbox.ec2.tags import drop_tags, requested_tags, set_tags, tag_list
from sandbox.ec2.tokens import require_same
from sandbox.ec2.vpcs import find_vpc
from sandbox.errors import AwsError
from sandbox.service import operation
from sandbox.world import Place


@operation("ec2", "CreateRouteTable")
def create_route_table(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """A repeated ClientToken answers with the table it made before; with another VPC it is refused."""
    vpc = find_vpc(place, request["VpcId"])
    token = request.get("ClientToken") or ""
    for known in place.table(RouteTable).values() if token else ():
        if known.client_token == token:
            require_same(known.vpc_id, vpc.id, token)
            return {"RouteTable": _view(place, known), "ClientToken": token}
    tags = requested_tags(request, "route-table")
    if sum(1 for _ in tables_of(place, vpc.id)) >= place.limits.route_tables_per_vpc:
        raise AwsError("RouteTableLimitExceeded", "The maximum number of route tables has been reached.")
    table = make_table(place, vpc)
    table.client_token = token
    set_tags(place, table.id, tags)
    return {"RouteTable": _view(place, table), **({"ClientToken": token} if token else {})}


@operation("ec2", "DeleteRouteTable")
def delete_route_table(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    table = find_table(place, request["RouteTableId"])
    if table.associations:
        raise AwsError("DependencyViolation", f"The routeTable '{table.id}' has dependencies and cannot be deleted.")
    del place.table(RouteTable)[table.id]
    drop_tags(place, table.id)
    return {}


@operation("ec2", "AssociateRouteTable")
def associate_route_table(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """A subnet has one table; asking for the one it has is no error."""
    table = find_table(place, request["RouteTableId"])
    if not request.get("SubnetId"):
        raise AwsError("MissingParameter", "The request must contain the parameter subnetId")
    subnet = find_subnet(place, request["SubnetId"])
    if subnet.vpc_id != table.vpc_id:
        raise AwsError(
            "InvalidParameterValue",
            f"Route table {table.id} and subnet {subnet.id} belong to different networks",
        )
    for other in tables_of(place, table.vpc_id):
        for one in other.associations:
            if one.subnet_id == subnet.id and other is table:
                return _associated("AssociationId", one)
            if one.subnet_id == subnet.id:
                raise AwsError("Resource.AlreadyAssociated", f"the specified association already exists: {one.id}")
    association = Association(place.new_id("rtbassoc"), subnet.id)
    table.associations.append(association)
    place.changed()
    return _associated("AssociationId", association)


def _associated(member: str, association: Association) -> dict[str, Any]:
    return {member: association.id, "AssociationState": {"State": "associated"}}


def _find_association(place: Place, association_id: str) -> tuple[RouteTable, Association]:
    for table in place.seen(RouteTable).values():
        for association in table.associations:
            if association.id == association_id:
                return table, association
    raise AwsError("InvalidAssociationID.NotFound", f"The association ID '{association_id}' does not exist")


@operation("ec2", "DisassociateRouteTable")
def disassociate_route_table(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """The subnet falls back to the main table, whose own association stays."""
    table, association = _find_association(place, request["AssociationId"])
    if association.subnet_id is None:
        raise AwsError(
            "InvalidParameterValue",
            f"cannot disassociate the main route table association {association.id}",
        )
    table.associations.remove(association)
    place.changed()
    return {}


@operation("ec2", "ReplaceRouteTableAssociation")
def replace_route_table_association(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Also how another table becomes the main one."""
    old, association = _find_association(place, request["AssociationId"])
    new = find_table(place, request["RouteTableId"])
    if new.vpc_id != old.vpc_id:
        raise AwsError("InvalidParameterValue", f"Route tables {old.id} and {new.id} belong to different networks")
    old.associations.remove(association)
    replaced = Association(place.new_id("rtbassoc"), association.subnet_id)
    new.associations.append(replaced)
    place.changed()
    return _associated("NewAssociationId", replaced)


def _targets(name: str) -> Field:
    return lambda view: [route.get(name) for route in view["Routes"]]


_FIELDS: Mapping[str, Field] = {
    "route-table-id": lambda view: [view["RouteTableId"]],
    "vpc-id": lambda view: [view["VpcId"]],
    "owner-id": lambda view: [view["OwnerId"]],
    "association.main": lambda view: [one["Main"] for one in view["Associations"]] or [False],
    "association.subnet-id": lambda view: [one.get("SubnetId") for one in view["Associations"]],
    "association.route-table-id": lambda view: [one["RouteTableId"] for one in view["Associations"]],
    "association.route-table-association-id": (
        lambda view: [one["RouteTableAssociationId"] for one in view["Associations"]]
    ),
    "route.destination-cidr-block": _targets("DestinationCidrBlock"),
    "route.gateway-id": _targets("GatewayId"),
    "route.nat-gateway-id": _targets("NatGatewayId"),
    "route.instance-id": _targets("InstanceId"),
    "route.origin": _targets("Origin"),
    "route.state": _targets("State"),
}


@operation("ec2", "DescribeRouteTables")
def describe_route_tables(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    views = [(table.id, _view(place, table)) for table in place.seen(RouteTable).values()]
    chosen = select(
        place, request, views, _FIELDS,
        ids_param="RouteTableIds", not_found_code="InvalidRouteTableID.NotFound",
    )  # fmt: skip
    return paginate(chosen, request, "RouteTables")


def _view(place: Place, table: RouteTable) -> View:
    return {
        "RouteTableId": table.id,
        "VpcId": table.vpc_id,
        "OwnerId": place.account_id,
        "PropagatingVgws": [],
        "Associations": [_association_view(table, one) for one in table.associations],
        "Routes": [_route_view(place, table, route) for route in table.routes],
        "Tags": tag_list(place, table.id),
    }


def _association_view(table: RouteTable, association: Association) -> View:
    view: View = {
        "Main": association.subnet_id is None,
        "RouteTableAssociationId": association.id,
        "RouteTableId": table.id,
        "AssociationState": {"State": "associated"},
    }
    return view | ({"SubnetId": association.subnet_id} if association.subnet_id else {})


def _route_view(place: Place, table: RouteTable, route: Route) -> View:
    return {
        "DestinationCidrBlock": route.destination,
        route.target_kind: route.target,
        "Origin": route.origin,
        "State": "active" if route_is_active(place, table, route) else "blackhole",
    }


def route_is_active(place: Place, table: RouteTable, route: Route) -> bool:
    """Whether its target is still there (and, a gateway, still attached to the VPC)."""
    if route.is_local:
        return True
    if gateway := place.table(InternetGateway).get(route.target):
        return gateway.vpc_id == table.vpc_id
    return any(
        getattr(thing, "id", None) == route.target
        and getattr(thing, "state", "") not in {"terminated", "deleted", "deleting", "stopped", "failed"}
        for thing in place.things()
    )
