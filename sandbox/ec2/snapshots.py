"""EBS snapshots: what one is, how long it takes, and describing them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from sandbox.ec2.describing import Field, paginate, refuse_ids_with_pages, select
from sandbox.ec2.lookup import named
from sandbox.ec2.tags import tag_list
from sandbox.errors import AwsError
from sandbox.service import operation
from sandbox.world import Place

if TYPE_CHECKING:
    from sandbox.ec2.volumes import Volume

LEAST_SECONDS_BETWEEN = 15  # snapshots of one volume (aws-facts A4)


@dataclass
class Snapshot:
    id: str
    volume_id: str
    size: int  # GiB
    description: str
    encrypted: bool
    kms_key_id: str | None
    started_at: datetime
    ready_at: datetime
    visible_at: datetime
    state: str = "pending"  # pending | completed


def named_snapshot(place: Place, snapshot_id: str) -> Snapshot:
    """Raises InvalidSnapshot.NotFound."""
    return named(place, Snapshot, snapshot_id, "InvalidSnapshot.NotFound", "snapshot")


def snapshot_seconds(place: Place, volume: "Volume") -> float:
    """How long a snapshot of `volume` would take now: a fresh earlier one shortens it (aws-facts A4, AMI)."""
    finished = [
        snapshot.started_at
        for snapshot in place.table(Snapshot).values()
        if snapshot.volume_id == volume.id and snapshot.state == "completed"
    ]
    changed = 1.0
    if finished:
        age = (place.clock.now() - max(finished)).total_seconds()
        changed = min(1.0, age / place.durations.volume_turnover)
    return place.durations.snapshot_base + place.durations.snapshot_per_gib * volume.size * changed


def check_rate(place: Place, volume: "Volume") -> None:
    """Raises SnapshotCreationPerVolumeRateExceeded for the second within 15 seconds (aws-facts A4)."""
    since = place.clock.now() - timedelta(seconds=LEAST_SECONDS_BETWEEN)
    for snapshot in place.table(Snapshot).values():
        if snapshot.volume_id == volume.id and snapshot.started_at > since:
            raise AwsError(
                "SnapshotCreationPerVolumeRateExceeded",
                "The maximum per volume CreateSnapshot request rate has been exceeded. Use an increasing or "
                f"variable sleep interval of at least {LEAST_SECONDS_BETWEEN} seconds between requests.",
            )


def take_snapshot(place: Place, volume: "Volume", description: str, seconds: float | None = None) -> Snapshot:
    """Start a snapshot of `volume`, done after `seconds` or as long as its data takes."""
    took = snapshot_seconds(place, volume) if seconds is None else seconds
    return keep_snapshot(
        place, volume.id, volume.size, description, encryption=(volume.encrypted, volume.kms_key_id), seconds=took
    )


def keep_snapshot(
    place: Place,
    volume_id: str,
    size: int,
    description: str,
    *,
    encryption: tuple[bool, str | None],
    seconds: float,
) -> Snapshot:
    """Keep a new snapshot that is completed after `seconds`; `encryption` is whether, and under which key."""
    now = place.clock.now()
    encrypted, key = encryption
    snapshot = Snapshot(
        id=place.new_id("snap"),
        volume_id=volume_id,
        size=size,
        description=description,
        encrypted=encrypted,
        kms_key_id=key,
        started_at=now,
        ready_at=now + timedelta(seconds=seconds),
        visible_at=place.visible_from_now(),
    )
    place.table(Snapshot)[snapshot.id] = snapshot
    place.clock.after(seconds, lambda: _completed(snapshot))
    return snapshot


def _completed(snapshot: Snapshot) -> None:
    snapshot.state = "completed"


def progress(place: Place, snapshot: Snapshot) -> str:
    if snapshot.state == "completed":
        return "100%"
    whole = (snapshot.ready_at - snapshot.started_at).total_seconds()
    gone = (place.clock.now() - snapshot.started_at).total_seconds()
    return f"{min(99, int(100 * gone / whole))}%" if whole else "0%"


def snapshot_view(place: Place, snapshot: Snapshot) -> dict[str, Any]:
    view: dict[str, Any] = {
        "SnapshotId": snapshot.id,
        "VolumeId": snapshot.volume_id,
        "VolumeSize": snapshot.size,
        "State": snapshot.state,
        "StartTime": snapshot.started_at,
        "Progress": progress(place, snapshot),
        "OwnerId": place.account_id,
        "Description": snapshot.description,
        "Encrypted": snapshot.encrypted,
        "StorageTier": "standard",
    }
    if snapshot.kms_key_id:
        view["KmsKeyId"] = snapshot.kms_key_id
    tags = tag_list(place, snapshot.id)
    return {**view, "Tags": tags} if tags else view


SNAPSHOT_FILTERS: dict[str, Field] = {
    "snapshot-id": lambda view: [view["SnapshotId"]],
    "volume-id": lambda view: [view["VolumeId"]],
    "volume-size": lambda view: [view["VolumeSize"]],
    "status": lambda view: [view["State"]],
    "progress": lambda view: [view["Progress"]],
    "description": lambda view: [view["Description"]],
    "owner-id": lambda view: [view["OwnerId"]],
    "encrypted": lambda view: [view["Encrypted"]],
}


@operation("ec2", "DescribeSnapshots")
def describe_snapshots(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    refuse_ids_with_pages(request, "SnapshotIds")
    owners = request.get("OwnerIds") or ["self"]
    mine = bool({"self", place.account_id} & set(owners))
    snapshots = place.seen(Snapshot).values() if mine else ()
    views = ((snapshot.id, partial(snapshot_view, place, snapshot)) for snapshot in snapshots)
    found = select(
        place,
        request,
        views,
        SNAPSHOT_FILTERS,
        ids_param="SnapshotIds",
        not_found_code="InvalidSnapshot.NotFound",
    )
    return paginate(found, request, "Snapshots")
