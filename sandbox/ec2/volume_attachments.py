"""Attaching volumes to instances and detaching them."""

from collections.abc import Mapping
from typing import Any

from sandbox.ec2.instances import BlockDevice, Instance, named_instance
from sandbox.ec2.volumes import Volume, attachment_view, forget_volume, named_volume
from sandbox.errors import AwsError
from sandbox.service import operation
from sandbox.world import Place


@operation("ec2", "AttachVolume")
def attach_volume(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Raises VolumeInUse, IncorrectState, InvalidVolume.ZoneMismatch (aws-facts A4, MIG)."""
    volume = named_volume(place, request["VolumeId"])
    instance = named_instance(place, request["InstanceId"])
    if volume.instance_id:
        raise AwsError("VolumeInUse", f"{volume.id} is already attached to an instance")
    if volume.state != "available":
        raise AwsError("IncorrectState", f"Volume '{volume.id}' is not 'available'.")
    if instance.state not in ("running", "stopped"):
        raise AwsError("IncorrectState", f"Instance '{instance.id}' is not 'running'.")
    if volume.zone != instance.zone:
        raise AwsError(
            "InvalidVolume.ZoneMismatch",
            f"The volume '{volume.id}' is not in the same availability zone as instance '{instance.id}'",
        )
    name = request["Device"]
    if any(device.device_name == name for device in instance.block_devices):
        raise AwsError(
            "InvalidParameterValue",
            f"Invalid value '{name}' for unixDevice. Attachment point {name} is already in use",
        )
    device = BlockDevice(name, volume.id, False, place.clock.now(), "attaching")
    instance.block_devices.append(device)
    volume.instance_id, volume.state = instance.id, "in-use"
    place.clock.after(place.durations.volume_attach, lambda: _attached(device))
    return attachment_view(place, volume) or {}


def _attached(device: BlockDevice) -> None:
    if device.status == "attaching":
        device.status = "attached"


@operation("ec2", "DetachVolume")
def detach_volume(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Raises IncorrectState when it is not attached, OperationNotPermitted for a live root (aws-facts A4)."""
    volume = named_volume(place, request["VolumeId"])
    instance = place.table(Instance).get(volume.instance_id or "")
    device = instance.device(volume.id) if instance else None
    if instance is None or device is None:
        raise AwsError("IncorrectState", f"Volume '{volume.id}' is in the '{volume.state}' state.")
    if request.get("InstanceId", instance.id) != instance.id:
        raise AwsError(
            "InvalidAttachment.NotFound",
            f"The volume '{volume.id}' is not attached to instance '{request['InstanceId']}'.",
        )
    if device.device_name == instance.root_device_name and instance.state != "stopped":
        raise AwsError(
            "OperationNotPermitted",
            f"Unable to detach root volume '{volume.id}' from instance '{instance.id}'",
        )
    device.status = "detaching"
    answer = attachment_view(place, volume) or {}
    place.clock.after(place.durations.volume_attach, lambda: _detached(instance, device, volume))
    return answer


def _detached(instance: Instance, device: BlockDevice, volume: Volume) -> None:
    if device in instance.block_devices:
        instance.block_devices.remove(device)
        volume.instance_id, volume.state = None, "available"


def let_go_of_volumes(place: Place, instance: Instance) -> None:
    """At the end of an instance: its volumes go with it or stay, as each attachment's flag says."""
    for device in instance.block_devices:
        volume = place.table(Volume).get(device.volume_id)
        if volume is not None and device.delete_on_termination:
            forget_volume(place, volume.id)
        elif volume is not None:
            volume.instance_id, volume.state = None, "available"
    instance.block_devices = []
