"""New DB instances from a snapshot or from a moment in another's past."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sandbox.errors import AwsError
from sandbox.rds.db_create import admit, duplicate
from sandbox.rds.db_instances import DbInstance, find, given, refuse_taken
from sandbox.rds.db_network import choose_network
from sandbox.rds.db_snapshots import ready_snapshot
from sandbox.rds.db_views import instance_view
from sandbox.rds.engines import default_parameter_group
from sandbox.rds.names import identifier
from sandbox.rds.refusals import invalid_combination, invalid_value
from sandbox.rds.tagging import tags_in
from sandbox.service import operation
from sandbox.world import Place


@operation("rds", "RestoreDBInstanceFromDBSnapshot")
def restore_from_snapshot(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """On the platform the request asks for, whichever the snapshot was made on."""
    name = identifier(request["DBInstanceIdentifier"], "DBInstanceIdentifier")
    refuse_taken(place, name)
    if not request.get("DBSnapshotIdentifier"):
        raise invalid_value("The parameter DBSnapshotIdentifier must be provided and must not be blank.")
    source = ready_snapshot(place, request["DBSnapshotIdentifier"]).source
    return {"DBInstance": _restored(place, request, source, name)}


@operation("rds", "RestoreDBInstanceToPointInTime")
def restore_to_point_in_time(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Raises PointInTimeRestoreNotEnabled without automatic backups, InvalidParameterValue for a bad time."""
    name = identifier(request["TargetDBInstanceIdentifier"], "TargetDBInstanceIdentifier")
    refuse_taken(place, name)
    source = find(place, request.get("SourceDBInstanceIdentifier") or "")
    if not source.backup_retention:
        raise AwsError("PointInTimeRestoreNotEnabled", f"{source.identifier} has no automatic backups to restore from.")
    _check_time(place, source, request)
    return {"DBInstance": _restored(place, request, source, name)}


def _check_time(place: Place, source: DbInstance, request: Mapping[str, Any]) -> None:
    at: datetime | None = request.get("RestoreTime")
    if bool(at) == bool(request.get("UseLatestRestorableTime")):
        raise invalid_combination("Specify either RestoreTime or UseLatestRestorableTime.")
    latest = instance_view(place, source).get("LatestRestorableTime")
    if latest is None or (at and not source.created_at <= at <= latest):
        raise invalid_value(f"{source.identifier} cannot be restored to {at}: the latest is {latest}.")


def _restored(place: Place, request: Mapping[str, Any], source: DbInstance, name: str) -> dict[str, Any]:
    """The source's data and settings; the network, the parameter group and the tags are not its."""
    asked = given(request)
    instance_class = asked.get("instance_class", source.instance_class)
    network = choose_network(place, request, instance_class)
    overrides = {
        "engine_version": source.engine_version,
        "parameter_group": default_parameter_group(source.engine, source.engine_version),
        "multi_az": False,
        **asked,
        **network.fields(),
        "tags": tags_in(request),
        "master_username": source.master_username,
    }
    restored = duplicate(place, source, name, overrides)
    return admit(place, restored, place.durations.db_restore, "Restored from snapshot")
