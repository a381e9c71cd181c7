"""DB subnet groups: the subnets of one VPC in which RDS may put a DB instance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.ec2.subnets import Subnet
from sandbox.ec2.vpcs import Vpc
from sandbox.errors import AwsError
from sandbox.rds.db_instances import DbInstance
from sandbox.rds.listing import View, filtered, page
from sandbox.rds.names import arn, bare
from sandbox.rds.refusals import already_exists, invalid_value, not_found
from sandbox.rds.tagging import tags_in
from sandbox.service import operation
from sandbox.world import Place

LEAST_ZONES = 2


@dataclass
class DbSubnetGroup:
    name: str
    description: str
    vpc_id: str
    subnet_ids: list[str]
    visible_at: datetime
    tags: dict[str, str] = field(default_factory=dict)


def find_subnet_group(place: Place, name_or_arn: str) -> DbSubnetGroup:
    """Raises DBSubnetGroupNotFoundFault."""
    group = place.seen(DbSubnetGroup).get(bare(place, name_or_arn))
    if group is None:
        raise not_found("DBSubnetGroupNotFoundFault", "DB subnet group", name_or_arn)
    return group


def zones_of(place: Place, group: DbSubnetGroup) -> list[str]:
    """The zones its subnets are in, in order."""
    subnets = place.table(Subnet)
    return sorted({subnets[each].zone for each in group.subnet_ids if each in subnets})


def standby_zone(place: Place, db: DbInstance) -> str:
    """Where the standby of a Multi-AZ DB instance is: the first other zone it may be in."""
    group = place.table(DbSubnetGroup).get(db.subnet_group or "")
    allowed = zones_of(place, group) if group else place.zones
    return next((zone for zone in allowed if zone != db.zone), db.zone)


def default_subnet_group(place: Place) -> DbSubnetGroup:
    """The group `default`, made from the default VPC: what a region without EC2-Classic uses.

    Raises DBSubnetGroupNotFoundFault when there is no default VPC.
    """
    group = place.table(DbSubnetGroup).get("default")
    vpc = next((vpc for vpc in place.table(Vpc).values() if vpc.is_default), None)
    if group is None and vpc is not None:
        subnets = sorted(each.id for each in place.table(Subnet).values() if each.vpc_id == vpc.id)
        group = DbSubnetGroup("default", "default", vpc.id, subnets, place.clock.now())
        place.table(DbSubnetGroup)["default"] = group
    if group is None:
        raise not_found("DBSubnetGroupNotFoundFault", "DB subnet group", "default")
    return group


def subnet_group_view(place: Place, group: DbSubnetGroup) -> View:
    subnets = place.table(Subnet)
    return {
        "DBSubnetGroupName": group.name,
        "DBSubnetGroupDescription": group.description,
        "DBSubnetGroupArn": arn(place, "subgrp", group.name),
        "VpcId": group.vpc_id,
        "SubnetGroupStatus": "Complete",
        "Subnets": [
            {
                "SubnetIdentifier": each,
                "SubnetAvailabilityZone": {"Name": subnets[each].zone},
                "SubnetOutpost": {},
                "SubnetStatus": "Active",
            }
            for each in group.subnet_ids
            if each in subnets
        ],
        "SupportedNetworkTypes": ["IPV4"],
    }


def _common_vpc(place: Place, subnet_ids: Sequence[str]) -> str:
    """The VPC of the subnets. Raises InvalidSubnet or DBSubnetGroupDoesNotCoverEnoughAZs."""
    subnets = place.seen(Subnet)
    for each in subnet_ids:
        if each not in subnets:
            raise AwsError("InvalidSubnet", f"The requested subnet {each} is invalid: it does not exist.")
    vpcs = {subnets[each].vpc_id for each in subnet_ids}
    if len(vpcs) != 1:
        raise AwsError("InvalidSubnet", "The requested subnets are not all in a common VPC.")
    zones = {subnets[each].zone for each in subnet_ids}
    if len(zones) < LEAST_ZONES:
        raise AwsError(
            "DBSubnetGroupDoesNotCoverEnoughAZs",
            "The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement. Current AZ "
            f"coverage: {', '.join(sorted(zones))}. Add subnets to cover at least 2 AZs.",
        )
    return vpcs.pop()


@operation("rds", "CreateDBSubnetGroup")
def create_db_subnet_group(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Raises DBSubnetGroupAlreadyExists, InvalidSubnet, DBSubnetGroupDoesNotCoverEnoughAZs."""
    name = request["DBSubnetGroupName"].lower()
    if name == "default":
        raise invalid_value("The DB subnet group name default is reserved.")
    if name in place.table(DbSubnetGroup):
        raise already_exists("DBSubnetGroupAlreadyExists", "The DB subnet group", name)
    subnet_ids = list(dict.fromkeys(request["SubnetIds"]))
    group = DbSubnetGroup(
        name=name,
        description=request["DBSubnetGroupDescription"],
        vpc_id=_common_vpc(place, subnet_ids),
        subnet_ids=subnet_ids,
        visible_at=place.visible_from_now(),
        tags=tags_in(request),
    )
    place.table(DbSubnetGroup)[name] = group
    return {"DBSubnetGroup": subnet_group_view(place, group)}


@operation("rds", "ModifyDBSubnetGroup")
def modify_db_subnet_group(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Raises InvalidParameterValue for another VPC's subnets, SubnetAlreadyInUse for a zone still needed."""
    group = find_subnet_group(place, request["DBSubnetGroupName"])
    subnet_ids = list(dict.fromkeys(request["SubnetIds"]))
    if _common_vpc(place, subnet_ids) != group.vpc_id:
        raise invalid_value("The new Subnets are not in the same Vpc as the existing subnet group")
    kept = {place.table(Subnet)[each].zone for each in subnet_ids}
    for db in _members(place, group):
        if db.zone not in kept:
            raise AwsError("SubnetAlreadyInUse", f"A subnet of {db.zone} is in use by {db.identifier}.")
    group.subnet_ids = subnet_ids
    group.description = request.get("DBSubnetGroupDescription") or group.description
    place.changed()
    return {"DBSubnetGroup": subnet_group_view(place, group)}


@operation("rds", "DescribeDBSubnetGroups")
def describe_db_subnet_groups(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    name = request.get("DBSubnetGroupName")
    chosen = [find_subnet_group(place, name)] if name else list(place.seen(DbSubnetGroup).values())
    views = filtered((subnet_group_view(place, group) for group in chosen), request, {})
    return page(views, request, "DBSubnetGroups", "DBSubnetGroupName")


@operation("rds", "DeleteDBSubnetGroup")
def delete_db_subnet_group(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Raises InvalidDBSubnetGroupStateFault while a DB instance is in it or will move into it."""
    group = find_subnet_group(place, request["DBSubnetGroupName"])
    users = _members(place, group)
    if users:
        raise AwsError(
            "InvalidDBSubnetGroupStateFault",
            f"Cannot delete the subnet group '{group.name}' because at least one database instance: "
            f"{users[0].identifier} is still using it.",
        )
    del place.table(DbSubnetGroup)[group.name]
    return {}


def _members(place: Place, group: DbSubnetGroup) -> list[DbInstance]:
    return [
        db for db in place.table(DbInstance).values() if group.name in (db.subnet_group, db.pending.get("subnet_group"))
    ]
