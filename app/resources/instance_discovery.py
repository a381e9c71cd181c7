"""How instances are read: a paged describe, their volumes, and what only DescribeInstanceAttribute tells."""

import asyncio
import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from app.planning.inventory import Json, Platform, Ref, Resource
from app.resources.kind import Survey, platform_of, tags_of

# DescribeInstanceAttribute takes one instance and one attribute a call: this many are under way at once.
AT_ONCE = 32
ATTRIBUTES = ("userData", "disableApiTermination", "instanceInitiatedShutdownBehavior")
GONE = ("shutting-down", "terminated")


@dataclass(frozen=True, slots=True)
class _Around:
    """What the other describe calls told, by id of the instance or volume."""

    volumes: Mapping[str, Mapping[str, Any]]
    addresses: Mapping[str, list[str]]


async def discover(survey: Survey) -> list[Resource]:
    """Every instance that is not on its way out; of Classic ones also what no page tells (aws-facts A4), where all
    are wanted."""
    items = [
        item
        for item in await survey.named("ec2.describe_instances", "Reservations[].Instances[]", "instance-id")
        if item["State"]["Name"] not in GONE
    ]
    volumes = await survey.named("ec2.describe_volumes", "Volumes[]", "attachment.instance-id") if items else []
    addresses = await survey.named("ec2.describe_addresses", "Addresses[]", "instance-id") if items else []
    classic = [item["InstanceId"] for item in items if not item.get("VpcId") and survey.only is None]
    attributes = await _attributes(survey, classic)
    around = _Around({volume["VolumeId"]: volume for volume in volumes}, _by_instance(addresses))
    return [_resource(item, around, attributes.get(item["InstanceId"])) for item in items]


def user_data_of(answer: Mapping[str, Any]) -> bytes:
    """The user data in an answer of DescribeInstanceAttribute, where it stands as base64."""
    return base64.b64decode(answer.get("UserData", {}).get("Value") or "")


def digest(user_data: bytes) -> str:
    """What is kept of user data, which may hold secrets: "" where there is none."""
    return hashlib.sha256(user_data).hexdigest() if user_data else ""


async def _attributes(survey: Survey, instance_ids: Iterable[str]) -> dict[str, dict[str, Json] | None]:
    """Per instance its facts; None where one of the calls failed."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def read(instance_id: str, attribute: str) -> dict[str, Any] | None:
        async with gate:
            return await survey.one(
                Ref("instance", instance_id),
                "ec2.describe_instance_attribute",
                InstanceId=instance_id,
                Attribute=attribute,
            )

    async def read_all(instance_id: str) -> dict[str, Json] | None:
        answers = await asyncio.gather(*(read(instance_id, attribute) for attribute in ATTRIBUTES))
        whole = [answer for answer in answers if answer is not None]
        return _attribute_facts(whole) if len(whole) == len(ATTRIBUTES) else None

    ids = list(instance_ids)
    return dict(zip(ids, await asyncio.gather(*(read_all(id_) for id_ in ids)), strict=True))


def _attribute_facts(answers: Iterable[Mapping[str, Any]]) -> dict[str, Json]:
    merged = {key: value for answer in answers for key, value in answer.items()}
    user_data = user_data_of(merged)
    return {
        "user_data_sha256": digest(user_data),
        "user_data_bytes": len(user_data),
        "termination_protection": bool(merged["DisableApiTermination"].get("Value")),
        "shutdown_behavior": merged["InstanceInitiatedShutdownBehavior"].get("Value", "stop"),
    }


def _by_instance(addresses: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for address in addresses:
        if address.get("InstanceId"):
            found.setdefault(address["InstanceId"], []).append(address["PublicIp"])
    return found


def _resource(item: dict[str, Any], around: _Around, attributes: dict[str, Json] | None) -> Resource:
    platform: Platform = platform_of(item.get("VpcId"))
    if platform == "classic" and attributes is None:
        platform = "unknown"
    instance_id = item["InstanceId"]
    facts = {**_facts(item), "block_devices": _block_devices(item, around.volumes), **(attributes or {})}
    refers = {Ref("security_group", group) for group in facts["groups"]}
    refers |= {Ref("elastic_ip", address) for address in around.addresses.get(instance_id, ())}
    refers |= {Ref(kind, facts[kind]) for kind in ("vpc", "subnet") if facts[kind]}
    name = facts["tags"].get("Name") or instance_id
    return Resource(Ref("instance", instance_id), name, platform, facts, frozenset(refers))


def _facts(item: dict[str, Any]) -> dict[str, Json]:
    aws_tags = {tag["Key"]: tag.get("Value", "") for tag in item.get("Tags", ())}
    return {
        "state": item["State"]["Name"],
        "zone": item["Placement"]["AvailabilityZone"],
        "instance_type": item["InstanceType"],
        "image_id": item["ImageId"],
        "groups": sorted(group["GroupId"] for group in item.get("SecurityGroups", ())),
        "key_name": item.get("KeyName", ""),
        "iam_profile": item.get("IamInstanceProfile", {}).get("Arn", ""),
        "monitoring": item.get("Monitoring", {}).get("State") in ("enabled", "pending"),
        "ebs_optimized": bool(item.get("EbsOptimized")),
        "platform": "windows" if str(item.get("Platform", "")).lower() == "windows" else "",
        "virtualization": item.get("VirtualizationType", "hvm"),
        "root_device_type": item.get("RootDeviceType", "ebs"),
        "root_device_name": item.get("RootDeviceName", ""),
        "subnet": item.get("SubnetId", ""),
        "vpc": item.get("VpcId", ""),
        "source_dest_check": bool(item.get("SourceDestCheck", True)),
        "held_by": f"auto_scaling_group:{group}" if (group := aws_tags.get("aws:autoscaling:groupName")) else "",
        "tags": tags_of(item),
    }


def _block_devices(item: Mapping[str, Any], volumes: Mapping[str, Mapping[str, Any]]) -> list[Json]:
    """EBS devices in order of name. AWS shows no instance-store disks here."""
    rows = []
    for mapping in item.get("BlockDeviceMappings", ()):
        ebs = mapping.get("Ebs", {})
        volume = volumes.get(ebs.get("VolumeId", ""), {})
        rows.append(
            {
                "device": mapping["DeviceName"],
                "volume_id": ebs.get("VolumeId", ""),
                "delete_on_termination": bool(ebs.get("DeleteOnTermination")),
                "size": volume.get("Size", 0),
                "type": volume.get("VolumeType", ""),
                "iops": volume.get("Iops"),
                "encrypted": bool(volume.get("Encrypted")),
            }
        )
    return sorted(rows, key=lambda row: str(row["device"]))
