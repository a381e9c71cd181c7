"""DB snapshots: taken, copied, listed and deleted."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sandbox.errors import AwsError
from sandbox.rds.db_instances import DbInstance, find_available
from sandbox.rds.db_phases import Phase, become_available, pass_through
from sandbox.rds.listing import View, filtered, page
from sandbox.rds.names import arn, bare, identifier
from sandbox.rds.refusals import already_exists, not_found
from sandbox.rds.tagging import tag_list, tags_in
from sandbox.service import operation
from sandbox.world import Place


@dataclass
class DbSnapshot:
    """`source` is the DB instance as it was when the snapshot began; `vpc_id` None is EC2-Classic."""

    name: str
    source: DbInstance
    started_at: datetime
    ready_at: datetime
    visible_at: datetime
    copied_from: str | None = None
    tags: dict[str, str] = field(default_factory=dict)

    def is_ready(self, now: datetime) -> bool:
        return now >= self.ready_at


def find_snapshot(place: Place, name_or_arn: str) -> DbSnapshot:
    """Raises DBSnapshotNotFound."""
    snapshot = place.seen(DbSnapshot).get(bare(place, name_or_arn))
    if snapshot is None:
        raise not_found("DBSnapshotNotFound", "DBSnapshot", name_or_arn)
    return snapshot


def ready_snapshot(place: Place, name_or_arn: str) -> DbSnapshot:
    """As `find_snapshot`; raises InvalidDBSnapshotState while it is still being made."""
    snapshot = find_snapshot(place, name_or_arn)
    if not snapshot.is_ready(place.clock.now()):
        raise AwsError("InvalidDBSnapshotState", f"DB snapshot {snapshot.name} is not available yet.")
    return snapshot


def refuse_snapshot_taken(place: Place, name: str) -> None:
    """Raises DBSnapshotAlreadyExists."""
    if name in place.table(DbSnapshot):
        raise already_exists("DBSnapshotAlreadyExists", "DB snapshot", name)


def snapshot_seconds(place: Place, db: DbInstance) -> float:
    """How long a snapshot of the DB instance would take now: what is in an earlier one is not copied again."""
    durations, now = place.durations, place.clock.now()
    earlier = [
        snapshot.started_at
        for snapshot in place.table(DbSnapshot).values()
        if snapshot.source.resource_id == db.resource_id and snapshot.is_ready(now)
    ]
    if not earlier:
        return durations.db_snapshot
    changed = min(1.0, (now - max(earlier)).total_seconds() / durations.volume_turnover)
    return durations.db_snapshot_base + (durations.db_snapshot - durations.db_snapshot_base) * changed


def start_snapshot(place: Place, db: DbInstance, name: str, tags: Mapping[str, str]) -> DbSnapshot:
    """Begin a snapshot of the DB instance as it is now; the status of the DB instance is the caller's."""
    refuse_snapshot_taken(place, name)
    now = place.clock.now()
    as_it_is = deepcopy(replace(db, timer=None, window=None, pending={}))
    snapshot = DbSnapshot(
        name=name,
        source=as_it_is,
        started_at=now,
        ready_at=now + timedelta(seconds=snapshot_seconds(place, db)),
        visible_at=place.visible_from_now(),
        tags={**(db.tags if db.copy_tags_to_snapshot else {}), **tags},
    )
    place.table(DbSnapshot)[name] = snapshot
    return snapshot


def snapshot_view(place: Place, snapshot: DbSnapshot) -> View:
    db, now = snapshot.source, place.clock.now()
    ready = snapshot.is_ready(now)
    length = (snapshot.ready_at - snapshot.started_at).total_seconds()
    passed = (now - snapshot.started_at).total_seconds()
    view: View = {
        "DBSnapshotIdentifier": snapshot.name,
        "DBSnapshotArn": arn(place, "snapshot", snapshot.name),
        "DBInstanceIdentifier": db.identifier,
        "DbiResourceId": db.resource_id,
        "Status": "available" if ready else "creating",
        "PercentProgress": 100 if ready else int(100 * passed / length),
        "SnapshotType": "manual",
        "SnapshotCreateTime": snapshot.started_at,
        "OriginalSnapshotCreateTime": snapshot.started_at,
        "InstanceCreateTime": db.created_at,
        "Engine": db.engine,
        "EngineVersion": db.engine_version,
        "LicenseModel": db.license_model,
        "AllocatedStorage": db.allocated_storage,
        "StorageType": db.storage_type,
        "Encrypted": db.storage_encrypted,
        "Port": db.port,
        "AvailabilityZone": db.zone,
        "MasterUsername": db.master_username,
        "OptionGroupName": db.option_group,
        "TagList": tag_list(snapshot.tags),
    }
    optional = {
        "VpcId": db.vpc_id,
        "Iops": db.iops,
        "KmsKeyId": db.kms_key_id,
        "SourceDBSnapshotIdentifier": snapshot.copied_from,
    }
    return view | {name: value for name, value in optional.items() if value is not None}


@operation("rds", "CreateDBSnapshot")
def create_db_snapshot(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """The DB instance is `backing-up`, answering all the while, until the snapshot is there."""
    name = identifier(request["DBSnapshotIdentifier"], "DBSnapshotIdentifier")
    refuse_snapshot_taken(place, name)
    db = find_available(place, request["DBInstanceIdentifier"])
    snapshot = start_snapshot(place, db, name, tags_in(request))
    seconds = (snapshot.ready_at - snapshot.started_at).total_seconds()
    phases = [Phase("backing-up", seconds, serving=True)]
    pass_through(place, db, phases, lambda: become_available(place, db))
    return {"DBSnapshot": snapshot_view(place, snapshot)}


@operation("rds", "CopyDBSnapshot")
def copy_db_snapshot(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """A copy within the region; a KmsKeyId encrypts it."""
    name = identifier(request["TargetDBSnapshotIdentifier"], "TargetDBSnapshotIdentifier")
    refuse_snapshot_taken(place, name)
    original = ready_snapshot(place, request["SourceDBSnapshotIdentifier"])
    source = deepcopy(original.source)
    if request.get("KmsKeyId"):
        source.storage_encrypted, source.kms_key_id = True, request["KmsKeyId"]
    if request.get("OptionGroupName"):
        source.option_group = request["OptionGroupName"]
    now = place.clock.now()
    copied = replace(
        original,
        name=name,
        source=source,
        started_at=now,
        ready_at=now + timedelta(seconds=place.durations.db_snapshot),
        visible_at=place.visible_from_now(),
        copied_from=arn(place, "snapshot", original.name),
        tags={**(original.tags if request.get("CopyTags") else {}), **tags_in(request)},
    )
    place.table(DbSnapshot)[name] = copied
    return {"DBSnapshot": snapshot_view(place, copied)}


@operation("rds", "DescribeDBSnapshots")
def describe_db_snapshots(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Raises DBSnapshotNotFound for an unknown snapshot; an unknown DB instance has none."""
    name, of = request.get("DBSnapshotIdentifier"), request.get("DBInstanceIdentifier")
    chosen = [find_snapshot(place, name)] if name else list(place.seen(DbSnapshot).values())
    views = [
        view
        for view in (snapshot_view(place, snapshot) for snapshot in chosen)
        if (not of or view["DBInstanceIdentifier"] == bare(place, of))
        and request.get("SnapshotType") in (None, view["SnapshotType"])
        and request.get("DbiResourceId") in (None, view["DbiResourceId"])
    ]
    fields = {
        "db-instance-id": lambda view: (view["DBInstanceIdentifier"],),
        "db-snapshot-id": lambda view: (view["DBSnapshotIdentifier"],),
        "dbi-resource-id": lambda view: (view["DbiResourceId"],),
        "snapshot-type": lambda view: (view["SnapshotType"],),
        "engine": lambda view: (view["Engine"],),
    }
    return page(filtered(views, request, fields), request, "DBSnapshots", "DBSnapshotIdentifier")


@operation("rds", "DeleteDBSnapshot")
def delete_db_snapshot(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Raises InvalidDBSnapshotState while it is still being made."""
    snapshot = ready_snapshot(place, request["DBSnapshotIdentifier"])
    del place.table(DbSnapshot)[snapshot.name]
    return {"DBSnapshot": snapshot_view(place, snapshot) | {"Status": "deleted"}}
