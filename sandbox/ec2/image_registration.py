"""Registering, copying and deregistering images."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sandbox.ec2.image_catalogue import usable_image, visible_image
from sandbox.ec2.images import Image, ImageDevice, become_available, check_new_name
from sandbox.ec2.instance_storage import merge
from sandbox.ec2.snapshot_making import forget_snapshot, image_on
from sandbox.ec2.snapshots import Snapshot, keep_snapshot
from sandbox.ec2.tags import drop_tags, requested_tags, set_tags, tag_from_request, tags_of
from sandbox.errors import AwsError
from sandbox.service import operation
from sandbox.world import Place


@operation("ec2", "RegisterImage")
def register_image(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """From a snapshot as root, or from a bundle (ImageLocation) on instance store. Never makes a Windows
    image: that must come from an instance (aws-facts A4, WIN)."""
    check_new_name(place, request["Name"])
    requested_tags(request, "image")
    devices = merge(place, [], request.get("BlockDeviceMappings") or ())
    root = request.get("RootDeviceName")
    on_ebs = any(device.device_name == root and device.snapshot_id for device in devices)
    if not on_ebs and not request.get("ImageLocation"):
        raise AwsError(
            "MissingParameter",
            "The request must contain a root device with a snapshot, or the parameter imageLocation",
        )
    image = Image(
        id=place.new_id("ami"),
        name=request["Name"],
        description=request.get("Description", ""),
        owner_id=place.account_id,
        created_at=place.clock.now(),
        visible_at=place.visible_from_now(),
        state="available",
        architecture=request.get("Architecture", "i386"),
        virtualization=request.get("VirtualizationType", "paravirtual"),
        root_device_type="ebs" if on_ebs else "instance-store",
        root_device_name=root or "/dev/sda1",
        devices=devices,
        kernel_id=request.get("KernelId"),
        ramdisk_id=request.get("RamdiskId"),
        ena_support=bool(request.get("EnaSupport")),
        location=request.get("ImageLocation", ""),
    )
    place.table(Image)[image.id] = image
    tag_from_request(place, request, "image", image.id)
    return {"ImageId": image.id}


@operation("ec2", "CopyImage")
def copy_image(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Called in the destination region; the first copy is whole (aws-facts A8, COPYAMI)."""
    asked = {key: value for key, value in request.items() if key != "DryRun"}
    earlier = _with_token(place, asked)
    if earlier is not None:
        return {"ImageId": earlier.id}
    requested_tags(request, "image")
    requested_tags(request, "snapshot")
    check_new_name(place, request["Name"])
    source_place = place.world.place(place.account_id, request["SourceRegion"])
    source = usable_image(source_place, request["SourceImageId"])
    sizes = [device.size for device in source.devices if device.size is not None]
    seconds = place.durations.image_base + place.durations.snapshot_per_gib * max(sizes, default=0)
    copy = replace(
        source,
        id=place.new_id("ami"),
        name=request["Name"],
        description=request.get("Description", source.description),
        owner_id=place.account_id,
        owner_alias=None,
        public=False,
        source_instance_id=None,
        state="pending",
        created_at=place.clock.now(),
        visible_at=place.visible_from_now(),
        location="",
        client_token=request.get("ClientToken", ""),
        asked=asked,
    )
    copy.devices = [_copied(place, device, copy, seconds, request) for device in source.devices]
    place.table(Image)[copy.id] = copy
    if request.get("CopyImageTags"):
        set_tags(place, copy.id, tags_of(source_place, source.id))
    tag_from_request(place, request, "image", copy.id)
    place.clock.after(seconds, lambda: become_available(copy))
    return {"ImageId": copy.id}


def _with_token(place: Place, asked: Mapping[str, Any]) -> Image | None:
    token = asked.get("ClientToken")
    for image in place.table(Image).values() if token else ():
        if image.client_token == token:
            if image.asked != asked:
                raise AwsError(
                    "IdempotentParameterMismatch",
                    "The client token was used before with other parameters; use a new token.",
                )
            return image
    return None


def _copied(place: Place, device: ImageDevice, copy: Image, seconds: float, request: Mapping[str, Any]) -> ImageDevice:
    if device.size is None:
        return device
    encrypted = device.encrypted or bool(request.get("Encrypted"))
    key = (request.get("KmsKeyId") or device.kms_key_id) if encrypted else None
    snapshot = keep_snapshot(
        place,
        "vol-ffffffff",
        device.size,
        f"Copied for DestinationAmi {copy.id} from SourceAmi {request['SourceImageId']}",
        encryption=(encrypted, key),
        seconds=seconds,
    )
    tag_from_request(place, request, "snapshot", snapshot.id)
    return replace(device, snapshot_id=snapshot.id, encrypted=encrypted, kms_key_id=key)


@operation("ec2", "DeregisterImage")
def deregister_image(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Its snapshots stay, unless DeleteAssociatedSnapshots; one that another image needs is skipped."""
    image = visible_image(place, request["ImageId"])
    if image.owner_id != place.account_id:
        raise AwsError("AuthFailure", f"Not authorized for image:{image.id}")
    del place.table(Image)[image.id]
    drop_tags(place, image.id)
    results = []
    for snapshot_id in image.snapshot_ids() if request.get("DeleteAssociatedSnapshots") else ():
        free = image_on(place, snapshot_id) is None and snapshot_id in place.table(Snapshot)
        if free:
            forget_snapshot(place, snapshot_id)
        results.append({"SnapshotId": snapshot_id, "ReturnCode": "success" if free else "skipped"})
    return {"Return": True, "DeleteSnapshotResults": results}
