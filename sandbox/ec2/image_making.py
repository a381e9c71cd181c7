"""CreateImage: an image from an instance, with snapshots of its volumes."""

from collections.abc import Mapping
from typing import Any

from sandbox.ec2.images import Image, ImageDevice, become_available, check_new_name
from sandbox.ec2.instance_states import begin_reboot
from sandbox.ec2.instances import BlockDevice, Instance, named_instance, refuse_state
from sandbox.ec2.snapshots import Snapshot, check_rate, snapshot_seconds, take_snapshot
from sandbox.ec2.tags import requested_tags, tag_from_request
from sandbox.ec2.volumes import Volume
from sandbox.errors import AwsError
from sandbox.service import operation
from sandbox.world import Place


@operation("ec2", "CreateImage")
def create_image(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Reboots a running instance unless NoReboot; it carries volumes, but neither type, profile, user data
    nor tags of the instance (aws-facts A4). Raises InvalidAMIName.Duplicate, InvalidParameterValue for
    an instance-store root, IncorrectInstanceState, SnapshotCreationPerVolumeRateExceeded."""
    instance = named_instance(place, request["InstanceId"])
    _check(place, instance, request)
    devices = _chosen(instance, request)
    volumes = [place.table(Volume)[device.volume_id] for device in devices]
    for volume in volumes:
        check_rate(place, volume)
    seconds = _seconds(place, volumes)
    image = _kept_image(place, instance, request)
    snapshots = [_snapshot(place, request, image, instance, volume) for volume in volumes]
    image.devices = [
        _device(device, volume, snapshot, _asked_ebs(request, device.device_name))
        for device, volume, snapshot in zip(devices, volumes, snapshots, strict=True)
    ]
    place.clock.after(seconds, lambda: become_available(image))
    if instance.state == "running" and not request.get("NoReboot"):
        begin_reboot(place, instance)
    return {"ImageId": image.id}


def _check(place: Place, instance: Instance, request: Mapping[str, Any]) -> None:
    check_new_name(place, request["Name"])
    requested_tags(request, "image")
    requested_tags(request, "snapshot")
    if instance.root_device_type != "ebs":
        raise AwsError(
            "InvalidParameterValue", "Instance does not have a volume attached at root (an EBS root is needed)"
        )
    if instance.state not in ("running", "stopped", "stopping"):
        raise refuse_state(instance, "imaged")


def _chosen(instance: Instance, request: Mapping[str, Any]) -> list[BlockDevice]:
    left_out = {each["DeviceName"] for each in request.get("BlockDeviceMappings") or () if "NoDevice" in each}
    return [device for device in instance.block_devices if device.device_name not in left_out]


def _asked_ebs(request: Mapping[str, Any], device_name: str) -> Mapping[str, Any]:
    for each in request.get("BlockDeviceMappings") or ():
        if each.get("DeviceName") == device_name:
            found: Mapping[str, Any] = each.get("Ebs", {})
            return found
    return {}


def _seconds(place: Place, volumes: list[Volume]) -> float:
    snapshots = [snapshot_seconds(place, volume) for volume in volumes]
    data = max(snapshots, default=0.0) - place.durations.snapshot_base
    return max([place.durations.image_base + max(0.0, data), *snapshots])


def _kept_image(place: Place, instance: Instance, request: Mapping[str, Any]) -> Image:
    image = Image(
        id=place.new_id("ami"),
        name=request["Name"],
        description=request.get("Description", ""),
        owner_id=place.account_id,
        created_at=place.clock.now(),
        visible_at=place.visible_from_now(),
        source_instance_id=instance.id,
        architecture=instance.architecture,
        virtualization=instance.virtualization,
        root_device_name=instance.root_device_name,
        platform=instance.platform,
        kernel_id=instance.kernel_id,
        ramdisk_id=instance.ramdisk_id,
        ena_support=instance.ena_support,
    )
    place.table(Image)[image.id] = image
    tag_from_request(place, request, "image", image.id)
    return image


def _snapshot(place: Place, request: Mapping[str, Any], image: Image, instance: Instance, volume: Volume) -> Snapshot:
    snapshot = take_snapshot(place, volume, f"Created by CreateImage({instance.id}) for {image.id}")
    tag_from_request(place, request, "snapshot", snapshot.id)
    return snapshot


def _device(device: BlockDevice, volume: Volume, snapshot: Snapshot, asked: Mapping[str, Any]) -> ImageDevice:
    """Size and encryption stay as they are (aws-facts A4, BC:CreateImage)."""
    volume_type = asked.get("VolumeType", volume.volume_type)
    return ImageDevice(
        device_name=device.device_name,
        size=volume.size,
        snapshot_id=snapshot.id,
        volume_type=volume_type,
        iops=asked.get("Iops", volume.iops if volume_type in ("io1", "io2", "gp3") else None),
        throughput=volume.throughput if volume_type == "gp3" else None,
        encrypted=volume.encrypted,
        kms_key_id=volume.kms_key_id,
        delete_on_termination=asked.get("DeleteOnTermination", device.delete_on_termination),
    )
