"""Instances as DescribeInstances and RunInstances show them."""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sandbox.ec2.addresses import Address
from sandbox.ec2.groups import SecurityGroup
from sandbox.ec2.instances import STATE_CODES, Instance, private_dns_name, public_dns_name
from sandbox.ec2.tags import tag_list
from sandbox.ec2.vpcs import Vpc
from sandbox.world import Place


def group_names(place: Place, group_ids: Iterable[str]) -> list[dict[str, str]]:
    groups = place.table(SecurityGroup)
    return [
        {"GroupId": group_id, "GroupName": groups[group_id].name if group_id in groups else ""}
        for group_id in group_ids
    ]


def state_view(state: str) -> dict[str, Any]:
    return {"Code": STATE_CODES[state], "Name": state}


def instance_view(place: Place, instance: Instance) -> dict[str, Any]:
    """A terminated instance keeps neither network nor addresses: it looks as if it had been in Classic."""
    view = _facts(instance) | {
        "PrivateDnsName": private_dns_name(place, instance.private_ip),
        "PublicDnsName": _public_dns_name(place, instance),
        "StateTransitionReason": instance.transition_reason,
        "SecurityGroups": [],
        "NetworkInterfaces": [],
    }
    if instance.private_ip:
        view["PrivateIpAddress"] = instance.private_ip
    if instance.public_ip:
        view["PublicIpAddress"] = instance.public_ip
    if instance.state_reason:
        view["StateReason"] = dict(zip(("Code", "Message"), instance.state_reason, strict=True))
    if instance.state != "terminated":
        view["SecurityGroups"] = group_names(place, instance.group_ids)
        if instance.vpc_id:
            view |= _network(place, instance)
    tags = tag_list(place, instance.id)
    return {**view, "Tags": tags} if tags else view


def _facts(instance: Instance) -> dict[str, Any]:
    view: dict[str, Any] = {
        "InstanceId": instance.id,
        "ImageId": instance.image_id,
        "InstanceType": instance.instance_type,
        "State": state_view(instance.state),
        "AmiLaunchIndex": instance.launch_index,
        "LaunchTime": instance.launch_time,
        "Placement": {"AvailabilityZone": instance.zone, "GroupName": "", "Tenancy": instance.tenancy},
        "Monitoring": {"State": "enabled" if instance.monitoring else "disabled"},
        "ProductCodes": [],
        "Architecture": instance.architecture,
        "ClientToken": instance.client_token,
        "EbsOptimized": instance.ebs_optimized,
        "EnaSupport": instance.ena_support,
        "Hypervisor": "xen",
        "MetadataOptions": dict(instance.metadata_options),
        "VirtualizationType": instance.virtualization,
        "RootDeviceType": instance.root_device_type,
        "RootDeviceName": instance.root_device_name,
        "BlockDeviceMappings": [_device_view(instance, index) for index in range(len(instance.block_devices))],
    }
    optional = {
        "KeyName": instance.key_name,
        "KernelId": instance.kernel_id,
        "RamdiskId": instance.ramdisk_id,
        "Platform": instance.platform,
        "IamInstanceProfile": profile_view(instance.iam_profile_arn),
    }
    return view | {key: value for key, value in optional.items() if value is not None}


def profile_view(arn: str | None) -> dict[str, str] | None:
    if arn is None:
        return None
    return {"Arn": arn, "Id": "AIPA" + hashlib.sha256(arn.encode()).hexdigest()[:17].upper()}


def _device_view(instance: Instance, index: int) -> dict[str, Any]:
    device = instance.block_devices[index]
    return {
        "DeviceName": device.device_name,
        "Ebs": {
            "VolumeId": device.volume_id,
            "Status": device.status,
            "AttachTime": device.attached_at,
            "DeleteOnTermination": device.delete_on_termination,
        },
    }


def _public_dns_name(place: Place, instance: Instance) -> str:
    """In a VPC only with DNS hostnames, which nondefault VPCs have not by default (aws-facts A4, PLAT)."""
    vpc = place.table(Vpc).get(instance.vpc_id or "")
    named = instance.in_classic or (vpc is not None and vpc.dns_hostnames)
    return public_dns_name(place, instance.public_ip) if named else ""


def _network(place: Place, instance: Instance) -> dict[str, Any]:
    return {
        "VpcId": instance.vpc_id,
        "SubnetId": instance.subnet_id,
        "SourceDestCheck": instance.source_dest_check,
        "NetworkInterfaces": [interface_view(place, instance)],
    }


def interface_view(place: Place, instance: Instance) -> dict[str, Any]:
    """The one network interface of an instance in a VPC, as the instance shows it."""
    association = _association(place, instance)
    names = {"PrivateDnsName": private_dns_name(place, instance.private_ip)}
    address = {"Primary": True, "PrivateIpAddress": instance.private_ip, **names, **association}
    return {
        "NetworkInterfaceId": instance.network_interface_id,
        "VpcId": instance.vpc_id,
        "SubnetId": instance.subnet_id,
        "OwnerId": place.account_id,
        "Status": "in-use",
        "InterfaceType": "interface",
        "Description": "",
        "MacAddress": "02:" + ":".join((instance.network_interface_id or "")[-10:][i : i + 2] for i in range(0, 10, 2)),
        "SourceDestCheck": instance.source_dest_check,
        "Groups": group_names(place, instance.group_ids),
        "Ipv6Addresses": [],
        "PrivateIpAddress": instance.private_ip,
        "PrivateIpAddresses": [address],
        "Attachment": _attachment(instance.network_interface_id or "", instance.launch_time),
        **names,
        **association,
    }


def _attachment(interface_id: str, attached_at: datetime) -> dict[str, Any]:
    return {
        "AttachmentId": interface_id.replace("eni-", "eni-attach-"),
        "DeviceIndex": 0,
        "NetworkCardIndex": 0,
        "Status": "attached",
        "AttachTime": attached_at,
        "DeleteOnTermination": True,
    }


def _association(place: Place, instance: Instance) -> Mapping[str, Any]:
    if not instance.public_ip:
        return {}
    elastic = instance.public_ip in place.table(Address)
    return {
        "Association": {
            "PublicIp": instance.public_ip,
            "PublicDnsName": _public_dns_name(place, instance),
            "IpOwnerId": place.account_id if elastic else "amazon",
        }
    }


def reservation_view(place: Place, instances: list[Instance]) -> dict[str, Any]:
    """The instances of one launch; EC2-Classic repeats their groups here."""
    first = instances[0]
    classic = first.in_classic and first.state != "terminated"
    return {
        "ReservationId": first.reservation_id,
        "OwnerId": place.account_id,
        "Groups": group_names(place, first.group_ids) if classic else [],
        "Instances": [instance_view(place, instance) for instance in instances],
    }
