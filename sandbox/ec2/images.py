"""Machine images: what one is, and how it is shown."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.ec2.describing import Field
from sandbox.ec2.tags import tag_list
from sandbox.errors import AwsError
from sandbox.world import Place

_NAME = re.compile(r"[A-Za-z0-9 ()\[\]./\-'@_]{3,128}")


@dataclass(frozen=True)
class ImageDevice:
    """One block device of an image or of a launch: a volume to make, or an instance-store disk."""

    device_name: str
    size: int | None = None  # GiB; None: an instance-store disk
    snapshot_id: str | None = None
    volume_type: str = "gp2"
    iops: int | None = None
    throughput: int | None = None
    encrypted: bool = False
    kms_key_id: str | None = None
    delete_on_termination: bool = True
    virtual_name: str | None = None


@dataclass
class Image:
    id: str
    name: str
    description: str
    owner_id: str
    created_at: datetime
    visible_at: datetime
    state: str = "pending"  # pending | available
    owner_alias: str | None = None
    public: bool = False
    architecture: str = "x86_64"
    virtualization: str = "hvm"
    root_device_type: str = "ebs"
    root_device_name: str = "/dev/sda1"
    devices: list[ImageDevice] = field(default_factory=list)
    platform: str | None = None  # "windows" or None
    kernel_id: str | None = None
    ramdisk_id: str | None = None
    ena_support: bool = False
    location: str = ""
    source_instance_id: str | None = None
    client_token: str = ""
    asked: Mapping[str, Any] | None = None  # the request that `client_token` came with

    def snapshot_ids(self) -> list[str]:
        return [device.snapshot_id for device in self.devices if device.snapshot_id]


def become_available(image: Image) -> None:
    image.state = "available"


def check_new_name(place: Place, name: str) -> None:
    """Raises InvalidAMIName.Malformed, or InvalidAMIName.Duplicate: unique per owner and region."""
    if not _NAME.fullmatch(name):
        raise AwsError(
            "InvalidAMIName.Malformed",
            "AMI names must be between 3 and 128 characters long, and may only contain letters, numbers, "
            "spaces and ()[]./-'@_",
        )
    for image in place.table(Image).values():
        if image.name == name:
            raise AwsError("InvalidAMIName.Duplicate", f"AMI name {name} is already in use by AMI {image.id}")


def device_view(device: ImageDevice) -> dict[str, Any]:
    if device.size is None:
        return {"DeviceName": device.device_name, "VirtualName": device.virtual_name or "ephemeral0"}
    ebs = {
        "SnapshotId": device.snapshot_id,
        "VolumeSize": device.size,
        "VolumeType": device.volume_type,
        "Iops": device.iops,
        "Throughput": device.throughput,
        "Encrypted": device.encrypted,
        "DeleteOnTermination": device.delete_on_termination,
    }
    return {
        "DeviceName": device.device_name,
        "Ebs": {key: value for key, value in ebs.items() if value is not None},
    }


def image_view(place: Place, image: Image) -> dict[str, Any]:
    windows = image.platform == "windows"
    view: dict[str, Any] = {
        "ImageId": image.id,
        "Name": image.name,
        "Description": image.description,
        "OwnerId": image.owner_id,
        "Public": image.public,
        "State": image.state,
        "CreationDate": image.created_at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "ImageLocation": image.location or f"{image.owner_id}/{image.name}",
        "ImageType": "machine",
        "Architecture": image.architecture,
        "Hypervisor": "xen",
        "VirtualizationType": image.virtualization,
        "RootDeviceType": image.root_device_type,
        "BlockDeviceMappings": [device_view(device) for device in image.devices],
        "PlatformDetails": "Windows" if windows else "Linux/UNIX",
        "UsageOperation": "RunInstances:0002" if windows else "RunInstances",
        "EnaSupport": image.ena_support,
    }
    optional = {
        "ImageOwnerAlias": image.owner_alias,
        "Platform": image.platform,
        "SourceInstanceId": image.source_instance_id,
        "KernelId": image.kernel_id,
        "RamdiskId": image.ramdisk_id,
        "RootDeviceName": image.root_device_name if image.root_device_type == "ebs" else None,
        "Tags": tag_list(place, image.id) or None,
    }
    return view | {key: value for key, value in optional.items() if value is not None}


def _devices(view: Mapping[str, Any], key: str) -> list[Any]:
    return [device["Ebs"].get(key) for device in view["BlockDeviceMappings"] if "Ebs" in device]


IMAGE_FILTERS: dict[str, Field] = {
    "image-id": lambda view: [view["ImageId"]],
    "name": lambda view: [view["Name"]],
    "description": lambda view: [view["Description"]],
    "state": lambda view: [view["State"]],
    "owner-id": lambda view: [view["OwnerId"]],
    "owner-alias": lambda view: [view.get("ImageOwnerAlias")],
    "is-public": lambda view: [view["Public"]],
    "architecture": lambda view: [view["Architecture"]],
    "image-type": lambda view: [view["ImageType"]],
    "platform": lambda view: [view.get("Platform")],
    "kernel-id": lambda view: [view.get("KernelId")],
    "ramdisk-id": lambda view: [view.get("RamdiskId")],
    "root-device-type": lambda view: [view["RootDeviceType"]],
    "root-device-name": lambda view: [view.get("RootDeviceName")],
    "virtualization-type": lambda view: [view["VirtualizationType"]],
    "hypervisor": lambda view: [view["Hypervisor"]],
    "ena-support": lambda view: [view["EnaSupport"]],
    "block-device-mapping.snapshot-id": lambda view: _devices(view, "SnapshotId"),
    "block-device-mapping.volume-type": lambda view: _devices(view, "VolumeType"),
    "block-device-mapping.device-name": lambda view: [device["DeviceName"] for device in view["BlockDeviceMappings"]],
}
