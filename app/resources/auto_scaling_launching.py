"""From what a group launches: its launch configuration as facts, read again in full, and its user data."""

import base64
from collections.abc import Mapping
from typing import Any

from app.execution.step import Run, StepBroken, Watch
from app.planning.inventory import Json
from app.resources.instance_discovery import digest
from app.resources.looking_twice import look_twice

DESCRIBE = "autoscaling.describe_launch_configurations"
# What AWS says of a launch configuration that nobody asked for.
ABOUT = ("LaunchConfigurationName", "LaunchConfigurationARN", "CreatedTime")

Configuration = dict[str, Any]


def configuration_facts(item: Mapping[str, Any], image: Mapping[str, Any] | None) -> dict[str, Json]:
    """A launch configuration without its user data, which may hold secrets; `image` {} where that is gone."""
    user_data = user_data_of(item)
    return {
        "name": item["LaunchConfigurationName"],
        "image_id": item["ImageId"],
        "image": {
            "virtualization": image.get("VirtualizationType", "hvm"),
            "root_device_type": image.get("RootDeviceType", "ebs"),
        }
        if image
        else {},
        "instance_type": item["InstanceType"],
        "key_name": item.get("KeyName") or "",
        "iam_profile": item.get("IamInstanceProfile") or "",
        "monitoring": bool(item.get("InstanceMonitoring", {}).get("Enabled", True)),
        "ebs_optimized": bool(item.get("EbsOptimized")),
        "kernel_id": item.get("KernelId") or "",
        "ramdisk_id": item.get("RamdiskId") or "",
        "spot_price": item.get("SpotPrice") or "",
        "public_ip": item.get("AssociatePublicIpAddress"),
        "tenancy": item.get("PlacementTenancy") or "",
        "metadata": dict(item.get("MetadataOptions") or {}),
        "block_devices": sorted(item.get("BlockDeviceMappings", ()), key=lambda row: str(row["DeviceName"])),
        "link_vpc": item.get("ClassicLinkVPCId") or "",
        "link_groups": sorted(item.get("ClassicLinkVPCSecurityGroups") or ()),
        "user_data_sha256": digest(user_data),
        "user_data_bytes": len(user_data),
    }


def user_data_of(item: Mapping[str, Any]) -> bytes:
    """Launch configurations show it as base64."""
    return base64.b64decode(item.get("UserData") or "")


async def find_configuration(run: Run, name: str) -> Configuration | None:
    answer = await run.cloud.call(DESCRIBE, LaunchConfigurationNames=[name])
    found: list[Configuration] = answer["LaunchConfigurations"]
    return next(iter(found), None)


async def source_configuration(run: Run, name: str, sha256: str) -> Configuration:
    """The launch configuration the plan was made from. Raises StepBroken where it is not the same any more."""
    found = await look_twice(run, lambda: find_configuration(run, name))
    if found is None:
        raise StepBroken(f"The launch configuration {name} is gone: discover and plan anew.")
    if digest(user_data_of(found)) != sha256:
        raise StepBroken(f"The user data of the launch configuration {name} has changed: discover and plan anew.")
    return found


def plain(item: Mapping[str, Any]) -> Configuration:
    """What was asked for when it was made: what decides whether two are the same."""
    return {key: value for key, value in item.items() if key not in ABOUT and value not in (None, "", [], {})}


def watch_configuration(name: str) -> Watch:
    return Watch(
        DESCRIBE,
        (name,),
        by="list:LaunchConfigurationNames",
        items="LaunchConfigurations[]",
        key="LaunchConfigurationName",
        within=600.0,
        most=50,
    )
