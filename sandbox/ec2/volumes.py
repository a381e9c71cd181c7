"""EBS volumes: making, deleting and describing them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sandbox.ec2.describing import Field, paginate, refuse_ids_with_pages, select
from sandbox.ec2.instances import Instance
from sandbox.ec2.lookup import named
from sandbox.ec2.snapshots import Snapshot, named_snapshot
from sandbox.ec2.tags import drop_tags, requested_tags, tag_from_request, tag_list
from sandbox.errors import AwsError
from sandbox.service import operation
from sandbox.world import Place

PROVISIONED = {"io1", "io2"}
TYPES = {"standard", "gp2", "gp3", "st1", "sc1"} | PROVISIONED


@dataclass
class Volume:
    """`instance_id` names who has it; how it is attached is in that instance's block devices."""

    id: str
    size: int  # GiB
    zone: str
    volume_type: str
    iops: int | None
    throughput: int | None
    encrypted: bool
    kms_key_id: str | None
    snapshot_id: str
    state: str  # creating | available | in-use
    created_at: datetime
    visible_at: datetime
    instance_id: str | None = None
    client_token: str = ""
    asked: Mapping[str, Any] | None = None  # the request that `client_token` came with


def named_volume(place: Place, volume_id: str) -> Volume:
    """Raises InvalidVolume.NotFound."""
    return named(place, Volume, volume_id, "InvalidVolume.NotFound", "volume")


def performance(volume_type: str, size: int, asked: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """IOPS and throughput (MiB/s) of a volume. Raises what AWS raises for values that do not fit its type."""
    if volume_type not in TYPES:
        raise AwsError("InvalidParameterValue", f"Invalid value '{volume_type}' for VolumeType.")
    iops: int | None = asked.get("Iops")
    if volume_type in PROVISIONED and iops is None:
        raise AwsError("MissingParameter", f"The parameter iops must be specified for {volume_type} volumes.")
    if volume_type == "gp2":
        iops = min(16000, max(100, 3 * size))
    elif volume_type == "gp3":
        iops = iops or 3000
    elif volume_type not in PROVISIONED:
        iops = None
    return iops, asked.get("Throughput", 125) if volume_type == "gp3" else None


def new_volume(place: Place, zone: str, asked: Mapping[str, Any], state: str) -> Volume:
    """Keep a new volume; `asked` has Size, SnapshotId, VolumeType, Iops, Throughput, Encrypted, KmsKeyId."""
    volume_type = asked.get("VolumeType", "gp2")
    iops, throughput = performance(volume_type, asked["Size"], asked)
    volume = Volume(
        id=place.new_id("vol"),
        size=asked["Size"],
        zone=zone,
        volume_type=volume_type,
        iops=iops,
        throughput=throughput,
        encrypted=bool(asked.get("Encrypted")),
        kms_key_id=asked.get("KmsKeyId"),
        snapshot_id=asked.get("SnapshotId") or "",
        state=state,
        created_at=place.clock.now(),
        visible_at=place.visible_from_now(),
    )
    place.table(Volume)[volume.id] = volume
    return volume


def forget_volume(place: Place, volume_id: str) -> None:
    place.table(Volume).pop(volume_id, None)
    drop_tags(place, volume_id)


def size_over_snapshot(asked: Mapping[str, Any], size: int | None, snapshot: Snapshot | None) -> int:
    """The size a volume gets in GiB. Raises when none is given, or one smaller than its snapshot."""
    if snapshot is None:
        if size is None:
            raise AwsError("MissingParameter", "The request must contain the parameter size or snapshotId")
    elif size is None:
        size = snapshot.size
    elif size < snapshot.size:
        raise AwsError(
            "InvalidParameterValue",
            f"The size of a volume from snapshot '{snapshot.id}' must be at least {snapshot.size} GiB, not {size}.",
        )
    if not 1 <= size <= 16384:
        raise AwsError("InvalidParameterValue", f"Volume of {size}GiB is outside of 1 to 16384 GiB.")
    return size


@operation("ec2", "CreateVolume")
def create_volume(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    asked = {key: value for key, value in request.items() if key != "DryRun"}
    earlier = _with_token(place, asked)
    if earlier is not None:
        return volume_view(place, earlier)
    requested_tags(request, "volume")
    zone = request.get("AvailabilityZone")
    if zone not in place.zones:
        raise AwsError("InvalidZone.NotFound", f"The zone '{zone}' does not exist.")
    snapshot = named_snapshot(place, request["SnapshotId"]) if request.get("SnapshotId") else None
    if snapshot is not None and snapshot.state != "completed":
        raise AwsError("IncorrectState", f"Snapshot '{snapshot.id}' is not 'completed'.")
    size = size_over_snapshot(request, request.get("Size"), snapshot)
    encrypted = bool(request.get("Encrypted")) or (snapshot is not None and snapshot.encrypted)
    volume = new_volume(place, zone, {**request, "Size": size, "Encrypted": encrypted}, "creating")
    volume.client_token, volume.asked = request.get("ClientToken", ""), asked
    tag_from_request(place, request, "volume", volume.id)
    place.clock.after(place.durations.volume_create, lambda: _created(volume))
    return volume_view(place, volume)


def _created(volume: Volume) -> None:
    if volume.state == "creating":
        volume.state = "available"


def _with_token(place: Place, asked: Mapping[str, Any]) -> Volume | None:
    token = asked.get("ClientToken")
    for volume in place.table(Volume).values() if token else ():
        if volume.client_token == token:
            if volume.asked != asked:
                raise AwsError(
                    "IdempotentParameterMismatch",
                    "The client token was used before with other parameters; use a new token.",
                )
            return volume
    return None


@operation("ec2", "DeleteVolume")
def delete_volume(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    volume = named_volume(place, request["VolumeId"])
    if volume.instance_id:
        raise AwsError("VolumeInUse", f"Volume {volume.id} is currently attached to {volume.instance_id}")
    forget_volume(place, volume.id)
    return {}


def attachment_view(place: Place, volume: Volume) -> dict[str, Any] | None:
    instance = place.table(Instance).get(volume.instance_id or "")
    device = instance.device(volume.id) if instance else None
    if instance is None or device is None:
        return None
    return {
        "VolumeId": volume.id,
        "InstanceId": instance.id,
        "Device": device.device_name,
        "State": device.status,
        "AttachTime": device.attached_at,
        "DeleteOnTermination": device.delete_on_termination,
    }


def volume_view(place: Place, volume: Volume) -> dict[str, Any]:
    attachment = attachment_view(place, volume)
    view: dict[str, Any] = {
        "VolumeId": volume.id,
        "Size": volume.size,
        "AvailabilityZone": volume.zone,
        "VolumeType": volume.volume_type,
        "Encrypted": volume.encrypted,
        "SnapshotId": volume.snapshot_id,
        "State": volume.state,
        "CreateTime": volume.created_at,
        "Attachments": [attachment] if attachment else [],
        "MultiAttachEnabled": False,
    }
    optional = {"Iops": volume.iops, "Throughput": volume.throughput, "KmsKeyId": volume.kms_key_id}
    view.update({key: value for key, value in optional.items() if value is not None})
    tags = tag_list(place, volume.id)
    return {**view, "Tags": tags} if tags else view


VOLUME_FILTERS: dict[str, Field] = {
    "volume-id": lambda view: [view["VolumeId"]],
    "status": lambda view: [view["State"]],
    "availability-zone": lambda view: [view["AvailabilityZone"]],
    "size": lambda view: [view["Size"]],
    "snapshot-id": lambda view: [view["SnapshotId"]],
    "volume-type": lambda view: [view["VolumeType"]],
    "encrypted": lambda view: [view["Encrypted"]],
    "attachment.instance-id": lambda view: [each["InstanceId"] for each in view["Attachments"]],
    "attachment.device": lambda view: [each["Device"] for each in view["Attachments"]],
    "attachment.status": lambda view: [each["State"] for each in view["Attachments"]],
    "attachment.delete-on-termination": lambda view: [each["DeleteOnTermination"] for each in view["Attachments"]],
}


@operation("ec2", "DescribeVolumes")
def describe_volumes(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    refuse_ids_with_pages(request, "VolumeIds")
    views = ((volume.id, partial(volume_view, place, volume)) for volume in place.seen(Volume).values())
    found = select(
        place, request, views, VOLUME_FILTERS, ids_param="VolumeIds", not_found_code="InvalidVolume.NotFound"
    )
    return paginate(found, request, "Volumes")
