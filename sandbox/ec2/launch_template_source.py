"""GetLaunchTemplateData: a running instance, said as a launch template."""

from collections.abc import Mapping
from typing import Any

from sandbox.ec2.instances import Instance, named_instance
from sandbox.ec2.tags import tags_of
from sandbox.ec2.volumes import Volume
from sandbox.service import operation
from sandbox.world import Place


@operation("ec2", "GetLaunchTemplateData")
def get_launch_template_data(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Raises InvalidInstanceID.Malformed, InvalidInstanceID.NotFound."""
    instance = named_instance(place, request["InstanceId"])
    tags = [{"Key": key, "Value": value} for key, value in tags_of(place, instance.id).items()]
    data = {
        "ImageId": instance.image_id,
        "InstanceType": instance.instance_type,
        "KeyName": instance.key_name,
        "KernelId": instance.kernel_id,
        "RamDiskId": instance.ramdisk_id,
        "IamInstanceProfile": {"Arn": instance.iam_profile_arn} if instance.iam_profile_arn else None,
        "UserData": instance.user_data,
        "EbsOptimized": instance.ebs_optimized,
        "Monitoring": {"Enabled": instance.monitoring},
        "DisableApiTermination": instance.termination_protection,
        "InstanceInitiatedShutdownBehavior": instance.shutdown_behavior,
        "Placement": {"AvailabilityZone": instance.zone, "Tenancy": instance.tenancy},
        "BlockDeviceMappings": _devices(place, instance),
        "TagSpecifications": [{"ResourceType": "instance", "Tags": tags}] if tags else [],
        **_network(instance),
    }
    return {"LaunchTemplateData": {key: value for key, value in data.items() if value is not None}}


def _network(instance: Instance) -> dict[str, Any]:
    if instance.in_classic:
        return {"SecurityGroupIds": list(instance.group_ids)}
    interface = {
        "DeviceIndex": 0,
        "SubnetId": instance.subnet_id,
        "Groups": list(instance.group_ids),
        "AssociatePublicIpAddress": instance.gives_public_ip,
        "DeleteOnTermination": True,
    }
    return {"NetworkInterfaces": [interface]}


def _devices(place: Place, instance: Instance) -> list[dict[str, Any]]:
    volumes = place.table(Volume)
    return [
        {
            "DeviceName": device.device_name,
            "Ebs": {
                "VolumeSize": volumes[device.volume_id].size,
                "VolumeType": volumes[device.volume_id].volume_type,
                "SnapshotId": volumes[device.volume_id].snapshot_id or None,
                "Encrypted": volumes[device.volume_id].encrypted,
                "DeleteOnTermination": device.delete_on_termination,
            },
        }
        for device in instance.block_devices
    ]
