"""Making, copying and deleting snapshots."""

from collections.abc import Mapping
from typing import Any

from sandbox.ec2.images import Image
from sandbox.ec2.instances import named_instance
from sandbox.ec2.snapshots import (
    Snapshot,
    check_rate,
    keep_snapshot,
    named_snapshot,
    snapshot_view,
    take_snapshot,
)
from sandbox.ec2.tags import drop_tags, requested_tags, set_tags, tag_from_request, tag_list, tags_of
from sandbox.ec2.volumes import Volume, named_volume
from sandbox.errors import AwsError
from sandbox.service import operation
from sandbox.world import Place


@operation("ec2", "CreateSnapshot")
def create_snapshot(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    volume = named_volume(place, request["VolumeId"])
    requested_tags(request, "snapshot")
    check_rate(place, volume)
    snapshot = take_snapshot(place, volume, request.get("Description", ""))
    tag_from_request(place, request, "snapshot", snapshot.id)
    return snapshot_view(place, snapshot)


@operation("ec2", "CreateSnapshots")
def create_snapshots(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Crash-consistent snapshots of all of an instance's volumes, all or none."""
    requested_tags(request, "snapshot")
    asked = request["InstanceSpecification"]
    instance = named_instance(place, asked["InstanceId"])
    left_out = set(asked.get("ExcludeDataVolumeIds") or ())
    volumes = [
        place.table(Volume)[device.volume_id]
        for device in instance.block_devices
        if device.volume_id not in left_out
        and not (asked.get("ExcludeBootVolume") and device.device_name == instance.root_device_name)
    ]
    for volume in volumes:
        check_rate(place, volume)
    made = [_snapshot_with_tags(place, volume, request) for volume in volumes]
    return {"Snapshots": [_info(place, snapshot) for snapshot in made]}


def _snapshot_with_tags(place: Place, volume: Volume, request: Mapping[str, Any]) -> Snapshot:
    snapshot = take_snapshot(place, volume, request.get("Description", ""))
    if request.get("CopyTagsFromSource") == "volume":
        set_tags(place, snapshot.id, dict(tags_of(place, volume.id)))
    tag_from_request(place, request, "snapshot", snapshot.id)
    return snapshot


def _info(place: Place, snapshot: Snapshot) -> dict[str, Any]:
    view = snapshot_view(place, snapshot)
    kept = ("SnapshotId", "VolumeId", "VolumeSize", "State", "StartTime", "Progress", "OwnerId", "Description")
    return {key: view[key] for key in kept} | {
        "Encrypted": snapshot.encrypted,
        "Tags": tag_list(place, snapshot.id),
    }


@operation("ec2", "CopySnapshot")
def copy_snapshot(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Called in the destination region; has no client token, so a repeated call makes another copy."""
    requested_tags(request, "snapshot")
    source_place = place.world.place(place.account_id, request["SourceRegion"])
    source = named_snapshot(source_place, request["SourceSnapshotId"])
    if source.state != "completed":
        raise AwsError("IncorrectState", f"Snapshot '{source.id}' is not 'completed'.")
    key = request.get("KmsKeyId")
    encrypted = source.encrypted or bool(request.get("Encrypted"))
    copy = keep_snapshot(
        place,
        "vol-ffffffff",  # what AWS answers for a copy, which is of no volume
        source.size,
        request.get("Description", ""),
        encryption=(encrypted, key or source.kms_key_id if encrypted else None),
        seconds=place.durations.snapshot_base + place.durations.snapshot_per_gib * source.size,
    )
    tag_from_request(place, request, "snapshot", copy.id)
    tags = tag_list(place, copy.id)
    return {"SnapshotId": copy.id, **({"Tags": tags} if tags else {})}


@operation("ec2", "DeleteSnapshot")
def delete_snapshot(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Raises InvalidSnapshot.InUse while an image stands on it."""
    snapshot = named_snapshot(place, request["SnapshotId"])
    image = image_on(place, snapshot.id)
    if image is not None:
        raise AwsError("InvalidSnapshot.InUse", f"The snapshot {snapshot.id} is currently in use by {image.id}")
    forget_snapshot(place, snapshot.id)
    return {}


def image_on(place: Place, snapshot_id: str) -> Image | None:
    """The image that stands on a snapshot, if one does."""
    return next((image for image in place.table(Image).values() if snapshot_id in image.snapshot_ids()), None)


def forget_snapshot(place: Place, snapshot_id: str) -> None:
    place.table(Snapshot).pop(snapshot_id, None)
    drop_tags(place, snapshot_id)
