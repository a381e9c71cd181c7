"""Making DB instances, and read replicas of them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sandbox.errors import AwsError
from sandbox.rds.db_instances import DbInstance, find, given, refuse_taken
from sandbox.rds.db_network import choose_network, vpc_groups
from sandbox.rds.db_phases import Phase, become_available, note, pass_through
from sandbox.rds.db_views import instance_view
from sandbox.rds.engines import (
    ENGINES,
    default_option_group,
    default_parameter_group,
    engine_named,
    version_of,
)
from sandbox.rds.names import identifier
from sandbox.rds.option_groups import bind, usable_option_group
from sandbox.rds.parameter_groups import usable_parameter_group
from sandbox.rds.refusals import invalid_value, wrong_state
from sandbox.rds.tagging import tags_in
from sandbox.rds.windows import check_window
from sandbox.service import operation
from sandbox.world import Place

SHORTEST_PASSWORD = 8
DEFAULT_IOPS_TYPE = "io1"


@operation("rds", "CreateDBInstance")
def create_db_instance(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """In EC2-Classic without a subnet group, where the account has it; else in a VPC."""
    name = identifier(request["DBInstanceIdentifier"], "DBInstanceIdentifier")
    refuse_taken(place, name)
    _require(request)
    engine = engine_named(request["Engine"])
    version = version_of(engine, request.get("EngineVersion"))
    network = choose_network(place, request, request["DBInstanceClass"])
    settings = {
        "storage_type": DEFAULT_IOPS_TYPE if request.get("Iops") else "gp2",
        "port": engine.port,
        "license_model": engine.license_model,
        "parameter_group": default_parameter_group(engine.name, version),
        "option_group": default_option_group(engine.name, version),
        "engine": engine.name,
        **given(request),
        "engine_version": version,
        **network.fields(),
    }
    db = DbInstance(
        identifier=name,
        resource_id=new_resource_id(place),
        created_at=place.clock.now(),
        visible_at=place.visible_from_now(),
        tags=tags_in(request),
        **settings,
    )
    return {"DBInstance": admit(place, db, place.durations.db_create, "DB instance created")}


def _require(request: Mapping[str, Any]) -> None:
    for parameter in ("MasterUsername", "MasterUserPassword", "AllocatedStorage"):
        if not request.get(parameter):
            raise invalid_value(f"The parameter {parameter} must be provided and must not be blank.")
    if request.get("PreferredMaintenanceWindow"):
        check_window(request["PreferredMaintenanceWindow"])
    if len(request["MasterUserPassword"]) < SHORTEST_PASSWORD:
        raise invalid_value(
            "The parameter MasterUserPassword is not a valid password because it is shorter than "
            f"{SHORTEST_PASSWORD} characters."
        )


def new_resource_id(place: Place) -> str:
    return f"db-{place.world.random.getrandbits(104):026X}"


def admit(place: Place, db: DbInstance, seconds: float, message: str) -> dict[str, Any]:
    """Take a new DB instance in, `creating` for so long; returns how it looks at this moment.

    Raises InvalidParameterCombination or …NotFound for groups it cannot have.
    """
    option_group = usable_option_group(place, db.option_group, db.engine, db.engine_version, db.vpc_id)
    db.option_group = option_group.name
    db.parameter_group = usable_parameter_group(place, db.parameter_group, db.engine, db.engine_version).name
    bind(place, db.option_group, db.vpc_id)
    place.table(DbInstance)[db.identifier] = db

    def ready() -> None:
        become_available(place, db)
        note(place, db, message, "creation")

    pass_through(place, db, [Phase("creating", seconds, serving=False)], ready)
    return instance_view(place, db)


@operation("rds", "CreateDBInstanceReadReplica")
def create_db_instance_read_replica(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """On its source's platform and VPC. Needs backups of the source: else InvalidDBInstanceState."""
    name = identifier(request["DBInstanceIdentifier"], "DBInstanceIdentifier")
    refuse_taken(place, name)
    source = find(place, request.get("SourceDBInstanceIdentifier") or "")
    if source.status != "available" or not source.backup_retention:
        raise wrong_state(f"{source.identifier} must be available and have automatic backups to have a read replica.")
    if not ENGINES[source.engine].replicas:
        raise wrong_state(f"Read replicas are not supported for {source.engine}.")
    if request.get("DBSubnetGroupName"):
        raise AwsError(
            "DBSubnetGroupNotAllowedFault",
            "DbSubnetGroupName should not be specified for read replicas in the same region as their source.",
        )
    overrides = given(request) | {"engine_version": source.engine_version}
    if source.vpc_id:
        asked = request.get("VpcSecurityGroupIds") or source.vpc_security_group_ids
        overrides["vpc_security_group_ids"] = vpc_groups(place, asked, source.vpc_id)
    overrides.setdefault("backup_retention", 0)
    overrides.setdefault("multi_az", False)
    zone = request.get("AvailabilityZone") or source.zone
    replica = duplicate(place, source, name, overrides | {"zone": zone, "replica_of": source.identifier})
    replica.tags = tags_in(request)
    seconds = place.durations.db_restore
    return {"DBInstance": admit(place, replica, seconds, "Read replica created")}


def duplicate(place: Place, source: DbInstance, name: str, overrides: Mapping[str, Any]) -> DbInstance:
    """A new DB instance with its source's settings but for `overrides`; nothing is shared with it."""
    fresh: dict[str, Any] = {
        "identifier": name,
        "resource_id": new_resource_id(place),
        "created_at": place.clock.now(),
        "visible_at": place.visible_from_now(),
        "endpoint": None,
        "db_security_groups": list(source.db_security_groups),
        "vpc_security_group_ids": list(source.vpc_security_group_ids),
        "parameter_status": "in-sync",
        "option_status": "in-sync",
        "deletion_protection": False,
        "replica_of": None,
        "pending": {},
        "tags": {},
        "timer": None,
        "window": None,
    }
    return replace(source, **(fresh | dict(overrides)))
