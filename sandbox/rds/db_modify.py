"""ModifyDBInstance: what is set at once, and what is applied now or in the maintenance window."""

from collections.abc import Mapping
from typing import Any

from sandbox.rds.db_apply import apply_pending, wait_for_window
from sandbox.rds.db_instances import DbInstance, find_available, given, refuse_taken
from sandbox.rds.db_move import check_move
from sandbox.rds.db_network import db_groups, vpc_groups
from sandbox.rds.db_views import instance_view
from sandbox.rds.engines import (
    default_option_group,
    default_parameter_group,
    engine_named,
    major_of,
    refuse_old_class,
    version_of,
)
from sandbox.rds.names import bare, identifier
from sandbox.rds.option_groups import find_option_group, usable_option_group
from sandbox.rds.parameter_groups import usable_parameter_group
from sandbox.rds.refusals import invalid_combination, invalid_value
from sandbox.rds.windows import check_window
from sandbox.service import operation
from sandbox.world import Place

# Applied at once, whatever ApplyImmediately says (botocore: ModifyDBInstance).
AT_ONCE = frozenset(
    {
        "backup_window",
        "maintenance_window",
        "auto_minor_version_upgrade",
        "copy_tags_to_snapshot",
        "deletion_protection",
        "monitoring_interval",
        "parameter_group",
        "publicly_accessible",
        "db_security_groups",
        "vpc_security_group_ids",
    }
)


@operation("rds", "ModifyDBInstance")
def modify_db_instance(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Nothing is set unless everything asked for may be.

    Raises InvalidDBInstanceState while another change runs, and the refusals of db_move.check_move
    for a subnet group. With ApplyImmediately all that is pending is applied, not only what is asked now.
    """
    db = find_available(place, request["DBInstanceIdentifier"])
    changes = _changes(place, db, request)
    now = {name: value for name, value in changes.items() if name in AT_ONCE}
    later = {name: value for name, value in changes.items() if name not in AT_ONCE}
    if "subnet_group" in later:
        for name in ("vpc_security_group_ids", "publicly_accessible"):  # they take effect with the move
            if name in now:
                later[name] = now.pop(name)
    _set_now(place, db, now)
    for name, value in later.items():
        if getattr(db, name) == value:
            db.pending.pop(name, None)
        else:
            db.pending[name] = value
    if db.pending and request.get("ApplyImmediately"):
        apply_pending(place, db)
    elif db.pending:
        wait_for_window(place, db)
    return {"DBInstance": instance_view(place, db)}


def _changes(place: Place, db: DbInstance, request: Mapping[str, Any]) -> dict[str, Any]:
    """What the request sets, by field of DbInstance, all of it checked."""
    changes = given(request)
    if request.get("NewDBInstanceIdentifier"):
        name = identifier(request["NewDBInstanceIdentifier"], "NewDBInstanceIdentifier")
        if name != db.identifier:
            refuse_taken(place, name)
        changes["identifier"] = name
    _check_values(db, changes)
    _follow_version(db, request, changes)
    _check_network(place, db, request, changes)
    _check_groups(place, db, changes)
    return changes


def _check_values(db: DbInstance, changes: Mapping[str, Any]) -> None:
    if "maintenance_window" in changes:
        check_window(changes["maintenance_window"])
    if changes.get("allocated_storage", db.allocated_storage) < db.allocated_storage:
        raise invalid_value("Requested storage size cannot be less than the current storage size.")


def _follow_version(db: DbInstance, request: Mapping[str, Any], changes: dict[str, Any]) -> None:
    """A new major version needs AllowMajorVersionUpgrade and brings its own default groups."""
    if "engine_version" not in changes:
        return
    version = changes["engine_version"] = version_of(engine_named(db.engine), changes["engine_version"])
    if major_of(db.engine, version) == major_of(db.engine, db.engine_version):
        return
    if not request.get("AllowMajorVersionUpgrade"):
        raise invalid_combination(
            "The AllowMajorVersionUpgrade flag must be present when upgrading to a new major version."
        )
    changes.setdefault("parameter_group", default_parameter_group(db.engine, version))
    changes.setdefault("option_group", default_option_group(db.engine, version))


def _check_network(place: Place, db: DbInstance, request: Mapping[str, Any], changes: dict[str, Any]) -> None:
    """Each platform has its own kind of group; a subnet group asks for a move."""
    in_classic, subnet_group = db.vpc_id is None, request.get("DBSubnetGroupName")
    old_groups, new_groups = request.get("DBSecurityGroups"), request.get("VpcSecurityGroupIds")
    if old_groups and (subnet_group or not in_classic):
        raise invalid_combination("DBSecurityGroups cannot be used with a DB instance in a VPC.")
    if old_groups:
        changes["db_security_groups"] = db_groups(place, old_groups)
    if subnet_group:
        changes["subnet_group"] = bare(place, subnet_group)
        changes["vpc_security_group_ids"] = list(new_groups or ())
        changes["vpc_security_group_ids"] = check_move(place, db, changes)
        return
    if in_classic and new_groups:
        raise invalid_combination("VpcSecurityGroupIds need a DBSubnetGroupName: the DB instance is not in a VPC.")
    if in_classic and changes.get("publicly_accessible") is False:
        raise invalid_combination("A DB instance outside a VPC is always publicly accessible.")
    if db.vpc_id and new_groups:
        changes["vpc_security_group_ids"] = vpc_groups(place, new_groups, db.vpc_id)
    if db.vpc_id and "instance_class" in changes:
        refuse_old_class(changes["instance_class"])


def _check_groups(place: Place, db: DbInstance, changes: dict[str, Any]) -> None:
    version = changes.get("engine_version", db.engine_version)
    if "parameter_group" in changes:
        group = usable_parameter_group(place, changes["parameter_group"], db.engine, version)
        changes["parameter_group"] = group.name
    if "option_group" in changes:
        group_name = find_option_group(place, changes["option_group"]).name
        changes["option_group"] = group_name
        if "subnet_group" not in changes:  # else it was checked for where the DB instance goes
            usable_option_group(place, group_name, db.engine, version, db.vpc_id)


def _set_now(place: Place, db: DbInstance, now: Mapping[str, Any]) -> None:
    if now.get("parameter_group", db.parameter_group) != db.parameter_group:
        db.parameter_status = "pending-reboot"
    for name, value in now.items():
        setattr(db, name, value)
    if now:
        place.changed()
