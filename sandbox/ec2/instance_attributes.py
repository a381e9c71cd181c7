"""DescribeInstanceAttribute and ModifyInstanceAttribute."""

import base64
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.ec2.instance_describing import group_names
from sandbox.ec2.instance_types import check_known, check_platform, check_virtualization
from sandbox.ec2.instances import Instance, named_instance
from sandbox.ec2.landing import groups_of_vpc
from sandbox.errors import AwsError
from sandbox.service import operation
from sandbox.world import Place

# How each attribute is shown: {member: value}; a value that there is not leaves out its Value.
_SHOW: dict[str, Callable[[Place, Instance], dict[str, Any]]] = {
    "instanceType": lambda _, each: {"InstanceType": {"Value": each.instance_type}},
    "kernel": lambda _, each: {"KernelId": _value(each.kernel_id)},
    "ramdisk": lambda _, each: {"RamdiskId": _value(each.ramdisk_id)},
    "userData": lambda _, each: {"UserData": _value(each.user_data)},
    "disableApiTermination": lambda _, each: {"DisableApiTermination": {"Value": each.termination_protection}},
    "disableApiStop": lambda _, each: {"DisableApiStop": {"Value": False}},
    "instanceInitiatedShutdownBehavior": lambda _, each: {
        "InstanceInitiatedShutdownBehavior": {"Value": each.shutdown_behavior}
    },
    "rootDeviceName": lambda _, each: {"RootDeviceName": {"Value": each.root_device_name}},
    "sourceDestCheck": lambda _, each: {"SourceDestCheck": {"Value": each.source_dest_check}},
    "groupSet": lambda place, each: {"Groups": group_names(place, each.group_ids)},
    "ebsOptimized": lambda _, each: {"EbsOptimized": {"Value": each.ebs_optimized}},
    "enaSupport": lambda _, each: {"EnaSupport": {"Value": each.ena_support}},
    "sriovNetSupport": lambda _, each: {"SriovNetSupport": {}},
    "productCodes": lambda _, each: {"ProductCodes": []},
    "blockDeviceMapping": lambda _, each: {
        "BlockDeviceMappings": [
            {
                "DeviceName": device.device_name,
                "Ebs": {
                    "VolumeId": device.volume_id,
                    "Status": device.status,
                    "AttachTime": device.attached_at,
                    "DeleteOnTermination": device.delete_on_termination,
                },
            }
            for device in each.block_devices
        ]
    },
}


def _value(value: str | None) -> dict[str, str]:
    return {} if value is None else {"Value": value}


@operation("ec2", "DescribeInstanceAttribute")
def describe_instance_attribute(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """User data comes as base64. Raises InvalidParameterCombination for sourceDestCheck in EC2-Classic."""
    instance = named_instance(place, request["InstanceId"])
    attribute = request["Attribute"]
    if attribute not in _SHOW:
        raise AwsError("InvalidParameterValue", f"Value ({attribute}) for parameter attribute is invalid.")
    if attribute == "sourceDestCheck" and instance.in_classic:
        raise AwsError("InvalidParameterCombination", "The attribute sourceDestCheck is of instances in a VPC only")
    return {"InstanceId": instance.id, **_SHOW[attribute](place, instance)}


@operation("ec2", "ModifyInstanceAttribute")
def modify_instance_attribute(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """One attribute a call. Type, kernel, ramdisk, user data and EBS optimisation need a stopped instance
    (IncorrectInstanceState); groups cannot change in EC2-Classic (aws-facts A2)."""
    instance = named_instance(place, request["InstanceId"])
    asked = {key: value for key, value in request.items() if key not in ("InstanceId", "DryRun")}
    if "Attribute" in asked:
        asked = _spelled_out(asked)
    names = [name for name in asked if name in _CHANGE]
    if len(names) != 1 or len(asked) != 1:
        raise AwsError("InvalidParameterCombination", "Fields for multiple attribute types specified")
    name = names[0]
    if name in _WHILE_STOPPED and instance.state != "stopped":
        raise AwsError("IncorrectInstanceState", f"The instance '{instance.id}' is not in the 'stopped' state.")
    _CHANGE[name](place, instance, asked[name])
    place.changed()
    return {}


_WHILE_STOPPED = {"InstanceType", "Kernel", "Ramdisk", "UserData", "EbsOptimized", "EnaSupport"}


def _spelled_out(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The older form, Attribute and Value, as the newer one that names the member."""
    name, value = asked["Attribute"], asked.get("Value")
    if name == "blockDeviceMapping":
        return {"BlockDeviceMappings": asked.get("BlockDeviceMappings", [])}
    member = name[0].upper() + name[1:]
    if name == "userData":
        return {member: {"Value": base64.b64decode(value or "")}}
    truth = {"true": True, "false": False}
    return {member: {"Value": truth.get(str(value).lower(), value)}}


def _set_type(_: Place, instance: Instance, asked: Mapping[str, Any]) -> None:
    check_known(asked["Value"])
    check_platform(asked["Value"], in_vpc=not instance.in_classic)
    check_virtualization(asked["Value"], instance.virtualization)
    instance.instance_type = asked["Value"]


def _set_user_data(_: Place, instance: Instance, asked: Mapping[str, Any]) -> None:
    value = asked.get("Value", b"")
    raw = value.encode() if isinstance(value, str) else value
    instance.user_data = base64.b64encode(raw).decode() or None


def _set_shutdown(_: Place, instance: Instance, asked: Mapping[str, Any]) -> None:
    if asked["Value"] not in ("stop", "terminate"):
        raise AwsError("InvalidParameterValue", f"Invalid value '{asked['Value']}' for shutdown behavior.")
    if instance.root_device_type != "ebs" and asked["Value"] == "stop":
        raise AwsError("UnsupportedOperation", "An instance-store instance cannot be stopped.")
    instance.shutdown_behavior = asked["Value"]


def _set_groups(place: Place, instance: Instance, asked: list[str]) -> None:
    if instance.vpc_id is None:
        raise AwsError("InvalidParameterCombination", "Security groups of an instance in EC2-Classic cannot be changed")
    groups = groups_of_vpc(place, instance.vpc_id, asked)
    if not groups:
        raise AwsError("InvalidParameterValue", "An instance must be in at least one security group")
    instance.group_ids = groups


def _set_source_dest_check(_: Place, instance: Instance, asked: Mapping[str, Any]) -> None:
    if instance.in_classic:
        raise AwsError("InvalidParameterCombination", "sourceDestCheck is of instances in a VPC only")
    instance.source_dest_check = asked["Value"]


def _set_devices(_: Place, instance: Instance, asked: list[Mapping[str, Any]]) -> None:
    devices = {device.device_name: device for device in instance.block_devices}
    for mapping in asked:
        if mapping.get("DeviceName") not in devices:
            raise AwsError(
                "InvalidInstanceAttributeValue",
                f"No device is currently mapped at {mapping.get('DeviceName')}",
            )
    for mapping in asked:
        device = devices[mapping["DeviceName"]]
        device.delete_on_termination = mapping.get("Ebs", {}).get("DeleteOnTermination", device.delete_on_termination)


def _plain(field: str) -> Callable[[Place, Instance, Any], None]:
    """A change that sets one field of an instance, with nothing to refuse."""

    def change(_: Place, instance: Instance, asked: Mapping[str, Any]) -> None:
        setattr(instance, field, asked["Value"])

    return change


_CHANGE: dict[str, Callable[[Place, Instance, Any], None]] = {
    "InstanceType": _set_type,
    "UserData": _set_user_data,
    "Kernel": _plain("kernel_id"),
    "Ramdisk": _plain("ramdisk_id"),
    "DisableApiTermination": _plain("termination_protection"),
    "InstanceInitiatedShutdownBehavior": _set_shutdown,
    "EbsOptimized": _plain("ebs_optimized"),
    "EnaSupport": _plain("ena_support"),
    "SourceDestCheck": _set_source_dest_check,
    "Groups": _set_groups,
    "BlockDeviceMappings": _set_devices,
}
