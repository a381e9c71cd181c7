"""DescribeNetworkInterfaces: each instance in a VPC has one; the sandbox has no others."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from sandbox.ec2.addresses import address_of
from sandbox.ec2.describing import Field, View, paginate, select
from sandbox.ec2.instance_describing import interface_view
from sandbox.ec2.instances import Instance
from sandbox.service import operation
from sandbox.world import Place

INTERFACE_FILTERS: dict[str, Field] = {
    "network-interface-id": lambda view: [view["NetworkInterfaceId"]],
    "vpc-id": lambda view: [view["VpcId"]],
    "subnet-id": lambda view: [view["SubnetId"]],
    "availability-zone": lambda view: [view["AvailabilityZone"]],
    "status": lambda view: [view["Status"]],
    "description": lambda view: [view["Description"]],
    "owner-id": lambda view: [view["OwnerId"]],
    "private-ip-address": lambda view: [view["PrivateIpAddress"]],
    "addresses.private-ip-address": lambda view: [view["PrivateIpAddress"]],
    "group-id": lambda view: [group["GroupId"] for group in view["Groups"]],
    "group-name": lambda view: [group["GroupName"] for group in view["Groups"]],
    "attachment.instance-id": lambda view: [view["Attachment"]["InstanceId"]],
    "attachment.attachment-id": lambda view: [view["Attachment"]["AttachmentId"]],
    "association.public-ip": lambda view: [view.get("Association", {}).get("PublicIp")],
    "association.allocation-id": lambda view: [view.get("Association", {}).get("AllocationId")],
}


@operation("ec2", "DescribeNetworkInterfaces")
def describe_network_interfaces(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    views = (
        (each.network_interface_id or "", partial(_view, place, each))
        for each in place.seen(Instance).values()
        if each.network_interface_id and each.state != "terminated"
    )
    found = select(
        place,
        request,
        views,
        INTERFACE_FILTERS,
        ids_param="NetworkInterfaceIds",
        not_found_code="InvalidNetworkInterfaceID.NotFound",
    )
    return paginate(found, request, "NetworkInterfaces")


def _view(place: Place, instance: Instance) -> View:
    view = interface_view(place, instance)
    view["AvailabilityZone"] = instance.zone
    view["RequesterManaged"] = False
    view["TagSet"] = []
    view["Attachment"] |= {"InstanceId": instance.id, "InstanceOwnerId": place.account_id}
    elastic = address_of(place, instance.id)
    if elastic is not None:
        ids = {"AllocationId": elastic.allocation_id, "AssociationId": elastic.association_id}
        view["Association"] = {**view.get("Association", {}), **ids}
    return view
