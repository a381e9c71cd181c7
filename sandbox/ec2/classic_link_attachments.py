"""Linking instances of EC2-Classic to a VPC and unlinking them (aws-facts A1)."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from sandbox.ec2.classic_link import ClassicLink, refuse_without_classic
from sandbox.ec2.describing import Field, View, paginate, select
from sandbox.ec2.instance_describing import group_names
from sandbox.ec2.instances import Instance, named_instance
from sandbox.ec2.landing import groups_of_vpc
from sandbox.ec2.tags import tag_list
from sandbox.ec2.vpcs import find_vpc
from sandbox.errors import AwsError
from sandbox.service import operation
from sandbox.world import Place


@operation("ec2", "AttachClassicLinkVpc")
def attach_classic_link_vpc(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """The groups are fixed while linked. Raises InvalidInstanceID.NotLinkable (not running, or in a VPC),
    InstanceAlreadyLinked (also to the same VPC), InvalidGroup.NotFound for a group of anything else,
    SecurityGroupsPerInterfaceLimitExceeded (that limit is a setting: no source for ClassicLink's own)."""
    refuse_without_classic(place)
    instance = named_instance(place, request["InstanceId"])
    vpc = find_vpc(place, request["VpcId"])
    if not vpc.classic_link:
        raise AwsError(
            "InvalidInstanceID.NotLinkable",
            f"Instance '{instance.id}' cannot be linked: ClassicLink is not enabled for '{vpc.id}'.",
        )
    _check_linkable(place, instance)
    if not request["Groups"]:
        raise AwsError("MissingParameter", "The request must contain the parameter securityGroupId")
    groups = groups_of_vpc(place, vpc.id, request["Groups"])
    link = ClassicLink(instance.id, vpc.id, groups, place.visible_from_now())
    place.table(ClassicLink)[instance.id] = link
    place.changed()
    return {"Return": True}


def _check_linkable(place: Place, instance: Instance) -> None:
    link = place.table(ClassicLink).get(instance.id)
    if link is not None:
        raise AwsError("InstanceAlreadyLinked", f"Instance '{instance.id}' is already linked to '{link.vpc_id}'.")
    if not instance.in_classic or instance.state != "running":
        raise AwsError(
            "InvalidInstanceID.NotLinkable",
            f"Instance '{instance.id}' is unlinkable: it must be a running instance in EC2-Classic.",
        )


@operation("ec2", "DetachClassicLinkVpc")
def detach_classic_link_vpc(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Raises InvalidInstanceID.NotLinked."""
    refuse_without_classic(place)
    instance = named_instance(place, request["InstanceId"])
    vpc = find_vpc(place, request["VpcId"])
    link = place.table(ClassicLink).get(instance.id)
    if link is None or link.vpc_id != vpc.id:
        raise AwsError("InvalidInstanceID.NotLinked", f"Instance '{instance.id}' is not linked to '{vpc.id}'.")
    del place.table(ClassicLink)[instance.id]
    place.changed()
    return {"Return": True}


LINKED_FILTERS: dict[str, Field] = {
    "group-id": lambda view: [group["GroupId"] for group in view["Groups"]],
    "vpc-id": lambda view: [view["VpcId"]],
}


@operation("ec2", "DescribeClassicLinkInstances")
def describe_classic_link_instances(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Linked instances only: one that exists but is not linked is left out, also if it is named."""
    refuse_without_classic(place)
    for instance_id in request.get("InstanceIds") or ():
        named_instance(place, instance_id)
    links = place.seen(ClassicLink)
    wanted = request.get("InstanceIds") or list(links)
    views = ((key, partial(_view, place, links[key])) for key in wanted if key in links)
    found = select(place, request, views, LINKED_FILTERS, id_filter="instance-id")
    return paginate(found, request, "Instances")


def _view(place: Place, link: ClassicLink) -> View:
    return {
        "InstanceId": link.instance_id,
        "VpcId": link.vpc_id,
        "Groups": group_names(place, link.group_ids),
        "Tags": tag_list(place, link.instance_id),
    }
