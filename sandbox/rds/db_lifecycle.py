"""Rebooting, stopping, starting, promoting and deleting DB instances."""

from collections.abc import Mapping
from typing import Any

from sandbox.rds.db_instances import DbInstance, find, find_available, replicas_of
from sandbox.rds.db_phases import Phase, become_available, enter, note, pass_through, stop_timers
from sandbox.rds.db_snapshots import refuse_snapshot_taken, start_snapshot
from sandbox.rds.db_subnet_groups import standby_zone
from sandbox.rds.db_views import instance_view
from sandbox.rds.names import identifier
from sandbox.rds.refusals import invalid_combination, wrong_state
from sandbox.service import operation
from sandbox.world import Place

# Deleted in these, too, but without a final snapshot unless available.
_DELETABLE = ("available", "creating", "stopped")


@operation("rds", "RebootDBInstance")
def reboot_db_instance(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Brings a pending parameter group into force; ForceFailover swaps the zones of a Multi-AZ one."""
    db = find_available(place, request["DBInstanceIdentifier"])
    if request.get("ForceFailover") and not db.multi_az:
        raise invalid_combination("Cannot failover a DB instance which is not Multi-AZ.")

    def up() -> None:
        if request.get("ForceFailover"):
            db.zone = standby_zone(place, db)
        db.parameter_status = "in-sync"
        become_available(place, db)
        note(place, db, "DB instance restarted", "availability")

    pass_through(place, db, [Phase("rebooting", place.durations.db_reboot, serving=False)], up)
    return {"DBInstance": instance_view(place, db)}


@operation("rds", "StopDBInstance")
def stop_db_instance(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Raises InvalidDBInstanceState for one that has, or is, a read replica."""
    db = find_available(place, request["DBInstanceIdentifier"])
    if db.replica_of or replicas_of(place, db):
        raise wrong_state("Cannot stop a DB instance that has or is a read replica.")
    snapshot = request.get("DBSnapshotIdentifier")
    if snapshot:
        start_snapshot(place, db, identifier(snapshot, "DBSnapshotIdentifier"), {})

    def down() -> None:
        enter(place, db, "stopped", serving=False)
        note(place, db, "DB instance stopped", "notification")

    pass_through(place, db, [Phase("stopping", place.durations.db_stop, serving=False)], down)
    return {"DBInstance": instance_view(place, db)}


@operation("rds", "StartDBInstance")
def start_db_instance(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    db = find(place, request["DBInstanceIdentifier"])
    if db.status != "stopped":
        raise wrong_state(f"Instance {db.identifier} is not stopped: it is {db.status}.")

    def up() -> None:
        become_available(place, db)
        note(place, db, "DB instance started", "notification")

    pass_through(place, db, [Phase("starting", place.durations.db_start, serving=False)], up)
    return {"DBInstance": instance_view(place, db)}


@operation("rds", "PromoteReadReplica")
def promote_read_replica(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """It stands alone after a restart; it has backups from then on unless told otherwise."""
    db = find_available(place, request["DBInstanceIdentifier"])
    if not db.replica_of:
        raise wrong_state(f"DB instance {db.identifier} is not a read replica.")

    def alone() -> None:
        db.replica_of = None
        db.backup_retention = request.get("BackupRetentionPeriod", 1)
        db.backup_window = request.get("PreferredBackupWindow") or db.backup_window
        become_available(place, db)
        note(place, db, "Promoted Read Replica instance to a stand-alone database instance", "read replica")

    phases = [
        Phase("modifying", place.durations.db_modify, serving=True),
        Phase("rebooting", place.durations.db_reboot, serving=False),
    ]
    pass_through(place, db, phases, alone)
    return {"DBInstance": instance_view(place, db)}


@operation("rds", "DeleteDBInstance")
def delete_db_instance(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """With a final snapshot unless SkipFinalSnapshot. Its replicas live on by themselves.

    Raises InvalidParameterCombination, InvalidDBInstanceState or DBSnapshotAlreadyExists.
    """
    db = find(place, request["DBInstanceIdentifier"])
    final = _final_snapshot(place, db, request)
    if db.deletion_protection:
        raise invalid_combination(
            "Cannot delete protected DB Instance, please disable deletion protection and try again."
        )
    stop_timers(db)
    db.pending.clear()
    seconds = place.durations.db_delete
    if final:
        start_snapshot(place, db, final, {})
        seconds += place.durations.db_snapshot

    def gone() -> None:
        for replica in replicas_of(place, db):
            replica.replica_of = None
        note(place, db, "DB instance deleted", "deletion")
        del place.table(DbInstance)[db.identifier]
        place.changed()

    pass_through(place, db, [Phase("deleting", seconds, serving=False)], gone)
    return {"DBInstance": instance_view(place, db)}


def _final_snapshot(place: Place, db: DbInstance, request: Mapping[str, Any]) -> str | None:
    skip, name = bool(request.get("SkipFinalSnapshot")), request.get("FinalDBSnapshotIdentifier")
    if skip == bool(name):
        raise invalid_combination(
            "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified, "
            "and cannot be given together with it."
        )
    if db.status not in _DELETABLE:
        raise wrong_state(f"Instance {db.identifier} cannot be deleted: it is {db.status}.")
    if name and db.replica_of:
        raise invalid_combination("FinalDBSnapshotIdentifier cannot be specified when deleting a read replica.")
    if name and db.status == "creating":
        raise wrong_state(f"A final snapshot of {db.identifier} cannot be taken: it is {db.status}.")
    if not name:
        return None
    final = identifier(name, "FinalDBSnapshotIdentifier")
    refuse_snapshot_taken(place, final)
    return final
