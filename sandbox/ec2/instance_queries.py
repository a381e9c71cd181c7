"""DescribeInstances, DescribeInstanceStatus and DescribeIamInstanceProfileAssociations."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from sandbox.ec2.describing import Field, View, paginate, refuse_ids_with_pages, select
from sandbox.ec2.instance_describing import group_names, instance_view, profile_view, state_view
from sandbox.ec2.instances import Instance, named_instance
from sandbox.service import operation
from sandbox.world import Place


def _get(*path: str) -> Field:
    """The value at a path of keys in a view, if it is there."""

    def values(view: View) -> Iterable[Any]:
        value: Any = view
        for key in path:
            value = value.get(key) if value else None
        return [value]

    return values


def _each(member: str, *path: str) -> Field:
    """The value at a path of keys in every item of a list in a view."""
    inner = _get(*path)
    return lambda view: [value for item in view.get(member, ()) for value in inner(item)]


_ENI_IPS: Field = lambda view: [  # noqa: E731 - a table entry like its neighbours
    address["PrivateIpAddress"] for each in view["NetworkInterfaces"] for address in each["PrivateIpAddresses"]
]

INSTANCE_FILTERS: dict[str, Field] = {
    "architecture": _get("Architecture"),
    "availability-zone": _get("Placement", "AvailabilityZone"),
    "block-device-mapping.device-name": _each("BlockDeviceMappings", "DeviceName"),
    "block-device-mapping.volume-id": _each("BlockDeviceMappings", "Ebs", "VolumeId"),
    "block-device-mapping.status": _each("BlockDeviceMappings", "Ebs", "Status"),
    "block-device-mapping.delete-on-termination": _each("BlockDeviceMappings", "Ebs", "DeleteOnTermination"),
    "client-token": _get("ClientToken"),
    "dns-name": _get("PublicDnsName"),
    "group-id": _each("SecurityGroups", "GroupId"),
    "group-name": _each("SecurityGroups", "GroupName"),
    "hypervisor": _get("Hypervisor"),
    "iam-instance-profile.arn": _get("IamInstanceProfile", "Arn"),
    "image-id": _get("ImageId"),
    "instance-state-code": _get("State", "Code"),
    "instance-state-name": _get("State", "Name"),
    "instance-type": _get("InstanceType"),
    "instance.group-id": _each("SecurityGroups", "GroupId"),
    "instance.group-name": _each("SecurityGroups", "GroupName"),
    "ip-address": _get("PublicIpAddress"),
    "kernel-id": _get("KernelId"),
    "key-name": _get("KeyName"),
    "launch-index": _get("AmiLaunchIndex"),
    "launch-time": lambda view: [view["LaunchTime"].strftime("%Y-%m-%dT%H:%M:%S.000Z")],
    "monitoring-state": _get("Monitoring", "State"),
    "network-interface.addresses.private-ip-address": _ENI_IPS,
    "network-interface.group-id": lambda view: [
        group["GroupId"] for each in view["NetworkInterfaces"] for group in each["Groups"]
    ],
    "network-interface.network-interface-id": _each("NetworkInterfaces", "NetworkInterfaceId"),
    "network-interface.subnet-id": _each("NetworkInterfaces", "SubnetId"),
    "network-interface.vpc-id": _each("NetworkInterfaces", "VpcId"),
    "platform": _get("Platform"),
    "private-dns-name": _get("PrivateDnsName"),
    "private-ip-address": _get("PrivateIpAddress"),
    "ramdisk-id": _get("RamdiskId"),
    "root-device-name": _get("RootDeviceName"),
    "root-device-type": _get("RootDeviceType"),
    "source-dest-check": _get("SourceDestCheck"),
    "subnet-id": _get("SubnetId"),
    "tenancy": _get("Placement", "Tenancy"),
    "virtualization-type": _get("VirtualizationType"),
    "vpc-id": _get("VpcId"),
    "owner-id": _get("OwnerId"),
    "reservation-id": _get("ReservationId"),
}


@operation("ec2", "DescribeInstances")
def describe_instances(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Grouped by launch; a page counts instances. A linked Classic instance is in no VPC (aws-facts A0)."""
    refuse_ids_with_pages(request, "InstanceIds")
    instances = place.seen(Instance)
    views = ((key, partial(_with_launch, place, instance)) for key, instance in instances.items())
    found = select(
        place,
        request,
        views,
        INSTANCE_FILTERS,
        ids_param="InstanceIds",
        not_found_code="InvalidInstanceID.NotFound",
        id_filter="instance-id",
    )
    page = paginate(found, request, "Reservations")
    reservations: dict[str, dict[str, Any]] = {}
    for view in page["Reservations"]:
        instance = instances[view["InstanceId"]]
        owner, reservation_id = view.pop("OwnerId"), view.pop("ReservationId")
        reservation = reservations.setdefault(
            reservation_id,
            {
                "ReservationId": reservation_id,
                "OwnerId": owner,
                "Groups": group_names(place, instance.group_ids)
                if instance.in_classic and instance.state != "terminated"
                else [],
                "Instances": [],
            },
        )
        reservation["Instances"].append(view)
    return {**page, "Reservations": list(reservations.values())}


def _with_launch(place: Place, instance: Instance) -> View:
    return instance_view(place, instance) | {
        "OwnerId": place.account_id,
        "ReservationId": instance.reservation_id,
    }


STATUS_FILTERS: dict[str, Field] = {
    "availability-zone": _get("AvailabilityZone"),
    "instance-state-name": _get("InstanceState", "Name"),
    "instance-state-code": _get("InstanceState", "Code"),
    "instance-status.status": _get("InstanceStatus", "Status"),
    "instance-status.reachability": _each("Reachability", "Status"),
    "system-status.status": _get("SystemStatus", "Status"),
}


@operation("ec2", "DescribeInstanceStatus")
def describe_instance_status(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Running instances only, unless IncludeAllInstances."""
    refuse_ids_with_pages(request, "InstanceIds")
    instances = place.seen(Instance)
    for instance_id in request.get("InstanceIds") or ():
        named_instance(place, instance_id)
    views = (
        (key, partial(_status_view, place, instances[key]))
        for key in request.get("InstanceIds") or instances
        if request.get("IncludeAllInstances") or instances[key].state == "running"
    )
    found = select(place, request, views, STATUS_FILTERS)
    return paginate(found, request, "InstanceStatuses")


def _status_view(place: Place, instance: Instance) -> View:
    check = {"Status": _check_status(place, instance)}
    if check["Status"] != "not-applicable":
        reachability = "passed" if check["Status"] == "ok" else "initializing"
        details = {"Details": [{"Name": "reachability", "Status": reachability}]}
    else:
        details = {}
    return {
        "InstanceId": instance.id,
        "AvailabilityZone": instance.zone,
        "InstanceState": state_view(instance.state),
        "InstanceStatus": check | details,
        "SystemStatus": check | details,
    }


def _check_status(place: Place, instance: Instance) -> str:
    if instance.state != "running" or instance.running_since is None:
        return "not-applicable"
    ready_at = instance.running_since + timedelta(seconds=place.durations.status_checks)
    return "ok" if place.clock.now() >= ready_at else "initializing"


@operation("ec2", "DescribeIamInstanceProfileAssociations")
def describe_profile_associations(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    views = (
        (instance.id.replace("i-", "iip-assoc-"), partial(_association, instance))
        for instance in place.seen(Instance).values()
        if instance.iam_profile_arn and instance.state != "terminated"
    )
    fields: dict[str, Field] = {"instance-id": _get("InstanceId"), "state": _get("State")}
    found = select(
        place,
        request,
        views,
        fields,
        ids_param="AssociationIds",
        not_found_code="InvalidAssociationID.NotFound",
    )
    return paginate(found, request, "IamInstanceProfileAssociations")


def _association(instance: Instance) -> View:
    return {
        "AssociationId": instance.id.replace("i-", "iip-assoc-"),
        "InstanceId": instance.id,
        "IamInstanceProfile": profile_view(instance.iam_profile_arn),
        "State": "associated",
    }
