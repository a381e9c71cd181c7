"""The move of a DB instance into a VPC, or from one VPC into another: what is refused."""

from collections.abc import Mapping
from typing import Any

from sandbox.rds.db_instances import DbInstance, replicas_of
from sandbox.rds.db_network import vpc_groups
from sandbox.rds.db_subnet_groups import DbSubnetGroup, find_subnet_group, zones_of
from sandbox.rds.engines import refuse_old_class
from sandbox.rds.option_groups import usable_option_group
from sandbox.rds.refusals import invalid_combination, wrong_network
from sandbox.world import Place


def check_move(place: Place, db: DbInstance, changes: Mapping[str, Any]) -> list[str]:
    """Refuse what aws-facts A5 says is refused, with AWS's codes; returns the VPC security groups it will have.

    `changes` holds `subnet_group` (its name), `vpc_security_group_ids` (perhaps none) and whatever
    else is to change in the same go. Raises InvalidParameterCombination for Multi-AZ, an old class,
    a custom option group of another platform, or security groups of another VPC; else
    InvalidVPCNetworkStateFault.
    """
    group = find_subnet_group(place, changes["subnet_group"])
    _refuse_topology(place, db, changes)
    _refuse_group(place, db, group)
    refuse_old_class(changes.get("instance_class", db.instance_class))
    usable_option_group(
        place,
        changes.get("option_group", db.option_group),
        db.engine,
        changes.get("engine_version", db.engine_version),
        group.vpc_id,
    )
    return vpc_groups(place, changes["vpc_security_group_ids"], group.vpc_id)


def _refuse_topology(place: Place, db: DbInstance, changes: Mapping[str, Any]) -> None:
    if db.multi_az or changes.get("multi_az"):
        raise invalid_combination("You cannot move a DB instance with Multi-Az enabled to a VPC")
    if replicas_of(place, db):
        raise wrong_network(
            f"You cannot move DB instance {db.identifier}: it has read replicas. "
            "Delete them, move it, and create them again."
        )
    if db.replica_of:
        raise wrong_network(f"You cannot move DB instance {db.identifier}: it is a read replica. Promote it first.")


def _refuse_group(place: Place, db: DbInstance, group: DbSubnetGroup) -> None:
    if group.vpc_id == db.vpc_id:
        raise wrong_network(
            f"You cannot move DB instance {db.identifier} to subnet group {group.name}. The specified DB "
            "subnet group and DB instance are in the same VPC. Choose a DB subnet group in different VPC "
            "than the specified DB instance and try again."
        )
    if db.zone not in zones_of(place, group):
        raise wrong_network(
            f"You cannot move DB instance {db.identifier} to subnet group {group.name}. The specified DB "
            f"subnet group has no subnet in {db.zone}, where the DB instance is."
        )
