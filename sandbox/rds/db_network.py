"""Where a DB instance will live: EC2-Classic with DB security groups, or a subnet group's VPC."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.ec2.groups import SecurityGroup, default_group
from sandbox.ec2.vpcs import Vpc
from sandbox.rds.db_security_groups import DEFAULT, find_db_security_group
from sandbox.rds.db_subnet_groups import (
    DbSubnetGroup,
    default_subnet_group,
    find_subnet_group,
    zones_of,
)
from sandbox.rds.engines import refuse_old_class
from sandbox.rds.refusals import invalid_combination, invalid_value, wrong_network
from sandbox.world import Place


@dataclass(frozen=True)
class Network:
    """The network fields of a DbInstance, under the same names. `vpc_id` None is EC2-Classic."""

    vpc_id: str | None
    subnet_group: str | None
    zone: str
    db_security_groups: Sequence[str]
    vpc_security_group_ids: Sequence[str]
    publicly_accessible: bool

    def fields(self) -> dict[str, Any]:
        return {
            "vpc_id": self.vpc_id,
            "subnet_group": self.subnet_group,
            "zone": self.zone,
            "db_security_groups": list(self.db_security_groups),
            "vpc_security_group_ids": list(self.vpc_security_group_ids),
            "publicly_accessible": self.publicly_accessible,
        }


def choose_network(place: Place, request: Mapping[str, Any], instance_class: str) -> Network:
    """The network a create or restore request asks for.

    Without a subnet group it is EC2-Classic where the account has it, whatever the restored
    snapshot came from; else the default VPC. Groups not told are the platform's default one: a
    restore does not bring its source's along (aws-facts A5).
    """
    if request.get("MultiAZ") and request.get("AvailabilityZone"):
        raise invalid_combination("Requesting a specific availability zone is not valid for Multi-AZ instances.")
    name = request.get("DBSubnetGroupName")
    if not name and place.has_classic:
        return _classic(place, request)
    group = find_subnet_group(place, name) if name else default_subnet_group(place)
    refuse_old_class(instance_class)
    return _in_vpc(place, request, group)


def _classic(place: Place, request: Mapping[str, Any]) -> Network:
    if request.get("VpcSecurityGroupIds"):
        raise invalid_combination("VpcSecurityGroupIds need a DBSubnetGroupName: the DB instance is not in a VPC.")
    zone = request.get("AvailabilityZone") or place.zones[0]
    if zone not in place.zones:
        raise invalid_value(f"Availability zone {zone} is not available in {place.region}.")
    groups = db_groups(place, request.get("DBSecurityGroups") or [DEFAULT])
    return Network(None, None, zone, groups, (), True)


def _in_vpc(place: Place, request: Mapping[str, Any], group: DbSubnetGroup) -> Network:
    if request.get("DBSecurityGroups"):
        raise invalid_combination("DBSecurityGroups cannot be used with a DB instance in a VPC.")
    zones = zones_of(place, group)
    zone = request.get("AvailabilityZone") or zones[0]
    if zone not in zones:
        raise wrong_network(f"The DB subnet group {group.name} has no subnet in {zone}.")
    groups = vpc_groups(place, request.get("VpcSecurityGroupIds") or (), group.vpc_id)
    public = request.get("PubliclyAccessible")
    if public is None:
        public = place.table(Vpc)[group.vpc_id].is_default
    return Network(group.vpc_id, group.name, zone, (), groups, public)


def db_groups(place: Place, names: Iterable[str]) -> list[str]:
    """Raises DBSecurityGroupNotFound."""
    return [find_db_security_group(place, name).name for name in names]


def vpc_groups(place: Place, group_ids: Sequence[str], vpc_id: str) -> list[str]:
    """The ids, all of this VPC; none given is the VPC's own `default`.

    Raises InvalidParameterValue for an unknown group, InvalidParameterCombination for another
    VPC's or EC2-Classic's.
    """
    if not group_ids:
        return [default_group(place, vpc_id).id]
    for group_id in group_ids:
        group = place.seen(SecurityGroup).get(group_id)
        if group is None:
            raise invalid_value(f"Invalid security group , groupId= {group_id}, groupName=.")
        if group.vpc_id != vpc_id:
            raise invalid_combination(
                "The DB instance and EC2 security group are in different VPCs. The DB instance is in "
                f"{vpc_id} and the EC2 security group is in {group.vpc_id or 'EC2-Classic'}"
            )
    return list(dict.fromkeys(group_ids))
