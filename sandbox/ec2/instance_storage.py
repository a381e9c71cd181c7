"""The block devices of a launch: the image's, with the request's merged over them, made into volumes."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from sandbox.ec2.images import ImageDevice
from sandbox.ec2.instances import BlockDevice, Instance
from sandbox.ec2.snapshots import named_snapshot
from sandbox.ec2.tags import tag_from_request
from sandbox.ec2.volumes import new_volume, performance
from sandbox.errors import AwsError
from sandbox.world import Place


def merge(place: Place, devices: list[ImageDevice], asked: Iterable[Mapping[str, Any]]) -> list[ImageDevice]:
    """`devices` as changed by a request's BlockDeviceMappings: NoDevice takes one away, a name the image
    has is changed, another is added. Raises InvalidBlockDeviceMapping, InvalidSnapshot.NotFound."""
    merged = {device.device_name: device for device in devices}
    for mapping in asked:
        name = mapping.get("DeviceName", "")
        if not name:
            raise AwsError("MissingParameter", "The request must contain the parameter deviceName")
        if "NoDevice" in mapping:
            merged.pop(name, None)
        elif "Ebs" in mapping:
            merged[name] = _volume(place, name, merged.get(name), mapping["Ebs"])
        else:
            merged[name] = ImageDevice(name, virtual_name=mapping.get("VirtualName", "ephemeral0"))
    return list(merged.values())


def _volume(place: Place, name: str, before: ImageDevice | None, ebs: Mapping[str, Any]) -> ImageDevice:
    """A new device stays after the instance's end unless it says otherwise; the image's keeps its flag."""
    base = before if before and before.size is not None else ImageDevice(name, delete_on_termination=False)
    least, encrypted = base.size, base.encrypted
    if ebs.get("SnapshotId") and ebs["SnapshotId"] != base.snapshot_id:
        snapshot = named_snapshot(place, ebs["SnapshotId"])
        least, encrypted = snapshot.size, snapshot.encrypted
    size = ebs.get("VolumeSize", least)
    if size is None:
        raise AwsError("MissingParameter", "The request must contain the parameter size or snapshotId")
    if least is not None and size < least:
        raise AwsError(
            "InvalidBlockDeviceMapping",
            f"Volume of size {size}GB is smaller than snapshot '{ebs.get('SnapshotId', base.snapshot_id)}', "
            f"expect size >= {least}GB",
        )
    volume_type = ebs.get("VolumeType", base.volume_type)
    kept_iops = base.iops if volume_type == base.volume_type else None
    merged = replace(
        base,
        size=size,
        snapshot_id=ebs.get("SnapshotId", base.snapshot_id),
        volume_type=volume_type,
        iops=ebs.get("Iops", kept_iops),
        throughput=ebs.get("Throughput", base.throughput),
        encrypted=encrypted or bool(ebs.get("Encrypted")),
        kms_key_id=ebs.get("KmsKeyId", base.kms_key_id),
        delete_on_termination=ebs.get("DeleteOnTermination", base.delete_on_termination),
    )
    performance(volume_type, size, _asked(merged))  # refuses what does not fit, before anything is made
    return merged


def _asked(device: ImageDevice) -> dict[str, Any]:
    asked = {
        "Size": device.size,
        "SnapshotId": device.snapshot_id,
        "VolumeType": device.volume_type,
        "Iops": device.iops,
        "Throughput": device.throughput,
        "Encrypted": device.encrypted,
        "KmsKeyId": device.kms_key_id,
    }
    return {key: value for key, value in asked.items() if value is not None}


def make_volumes(place: Place, instance: Instance, devices: list[ImageDevice], request: Mapping[str, Any]) -> None:
    """Make and attach the volumes of a new instance; instance-store disks leave nothing to describe."""
    for device in devices:
        if device.size is None:
            continue
        volume = new_volume(place, instance.zone, _asked(device), "in-use")
        volume.instance_id = instance.id
        tag_from_request(place, request, "volume", volume.id)
        instance.block_devices.append(
            BlockDevice(device.device_name, volume.id, device.delete_on_termination, place.clock.now())
        )
