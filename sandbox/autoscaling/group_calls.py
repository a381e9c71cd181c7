"""Making, changing and deleting Auto Scaling groups."""

import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sandbox.autoscaling.activities import Activity
from sandbox.autoscaling.behind import check_balancer
from sandbox.autoscaling.engine import try_again_soon, watch_groups
from sandbox.autoscaling.group_network import asked_network
from sandbox.autoscaling.group_settings import apply_settings, apply_size, apply_source, refuse_what_is_not_here
from sandbox.autoscaling.group_tags import merge_tags
from sandbox.autoscaling.groups import AutoScalingGroup, find_group, forget, set_capacity
from sandbox.autoscaling.hook_calls import read_hook
from sandbox.autoscaling.leaving import begin_leaving
from sandbox.errors import AwsError
from sandbox.service import operation
from sandbox.world import Place

_ROLE = "aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
DELETING = "Delete in progress"


@operation("autoscaling", "CreateAutoScalingGroup")
def create_auto_scaling_group(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """In EC2-Classic by AvailabilityZones, in a VPC by VPCZoneIdentifier. Members follow.

    Raises AlreadyExists, LimitExceeded, ValidationError.
    """
    refuse_what_is_not_here(request)
    name = _free_name(place, request["AutoScalingGroupName"])
    if not (request.get("LaunchConfigurationName") or request.get("LaunchTemplate")):
        raise AwsError(
            "ValidationError",
            "Valid requests must contain either LaunchTemplate, LaunchConfigurationName, InstanceId or "
            "MixedInstancesPolicy parameter.",
        )
    network = asked_network(place, request)
    if network is None:
        raise AwsError("ValidationError", "At least one Availability Zone or VPC Subnet is required.")
    uid = uuid.UUID(int=place.world.random.getrandbits(128), version=4)
    group = AutoScalingGroup(
        name=name,
        arn=f"arn:aws:autoscaling:{place.region}:{place.account_id}:autoScalingGroup:{uid}:autoScalingGroupName/{name}",
        created=place.clock.now(),
        visible_at=place.visible_from_now(),
        minimum=0,
        maximum=0,
        desired=0,
        zones=network.zones,
        subnets=network.subnets,
        network=network.vpc,
        plain={"ServiceLinkedRoleARN": f"arn:aws:iam::{place.account_id}:role/{_ROLE}"},
    )
    _fill(place, group, request)
    place.table(AutoScalingGroup)[name] = group
    watch_groups(place.world)
    place.changed()
    return {}


def _free_name(place: Place, name: str) -> str:
    if not name or ":" in name:
        raise AwsError("ValidationError", "A group's name must have 1 to 255 characters and no colon")
    if name in place.table(AutoScalingGroup):
        raise AwsError(
            "AlreadyExists",
            f"AutoScalingGroup by this name already exists - A group with the name {name} already exists",
        )
    most = place.limits.auto_scaling_groups
    if len(place.table(AutoScalingGroup)) >= most:
        raise AwsError("LimitExceeded", f"Only {most} AutoScalingGroups are allowed")
    return name


def _fill(place: Place, group: AutoScalingGroup, request: Mapping[str, Any]) -> None:
    apply_source(place, group, request)
    apply_settings(group, request)
    apply_size(place, group, request)
    for name in dict.fromkeys(request.get("LoadBalancerNames") or ()):
        check_balancer(place, group, name)
        group.load_balancers[name] = ""
    merge_tags(group, request.get("Tags") or ())
    for asked in request.get("LifecycleHookSpecificationList") or ():
        hook = read_hook(asked)
        group.hooks[hook.name] = hook


@operation("autoscaling", "UpdateAutoScalingGroup")
def update_auto_scaling_group(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """What the request does not name stays; members that run are not touched by another source.

    Raises ValidationError, also for another network while there are members or load balancers: whether
    AWS moves a group in place has no source (aws-facts A6).
    """
    refuse_what_is_not_here(request)
    group = _not_deleting(find_group(place, request["AutoScalingGroupName"]))
    network = asked_network(place, request)
    if network and network.vpc != group.network and (group.members or group.load_balancers):
        raise AwsError("ValidationError", "The group has members or load balancers in another network")
    changed = replace(group, causes=list(group.causes))  # all of it or nothing
    if network:
        changed.zones, changed.subnets, changed.network = network.zones, network.subnets, network.vpc
    apply_source(place, changed, request)
    apply_settings(changed, request)
    apply_size(place, changed, request)
    vars(group).update(vars(changed))
    try_again_soon(group)
    place.changed()
    return {}


@operation("autoscaling", "SetDesiredCapacity")
def set_desired_capacity(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Raises ScalingActivityInProgress during a cooldown it is told to honour, ValidationError."""
    group = _not_deleting(find_group(place, request["AutoScalingGroupName"]))
    wanted = request["DesiredCapacity"]
    if wanted > group.maximum:
        raise AwsError("ValidationError", f"New SetDesiredCapacity value {wanted} is above max value {group.maximum}")
    if wanted < group.minimum:
        raise AwsError("ValidationError", f"New SetDesiredCapacity value {wanted} is below min value {group.minimum}")
    if request.get("HonorCooldown") and (group.cools(place.clock.now()) or _under_way(place, group)):
        raise AwsError("ScalingActivityInProgress", "Scaling activity is in progress and the cooldown is honored.")
    set_capacity(place, group, wanted, "a user request explicitly set group desired capacity")
    try_again_soon(group)
    place.changed()
    return {}


@operation("autoscaling", "DeleteAutoScalingGroup")
def delete_auto_scaling_group(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """By force with all its members, past hooks and scale-in protection. Raises ResourceInUse while it has
    members, ScalingActivityInProgress while it launches or terminates.
    """
    group = find_group(place, request["AutoScalingGroupName"])
    if not request.get("ForceDelete"):
        if any(not member.terminating for member in group.members.values()):
            raise AwsError(
                "ResourceInUse", "You cannot delete an AutoScalingGroup while there are instances still in the group."
            )
        if group.members:
            raise AwsError(
                "ScalingActivityInProgress",
                "You cannot delete an AutoScalingGroup while there are scaling activities in progress for that group.",
            )
        forget(place, group)
        return {}
    group.state, group.minimum, group.desired = DELETING, 0, 0
    for member in list(group.members.values()):
        member.abandoned = True
        if not member.terminating:
            begin_leaving(place, group, member, "an instance was taken out of service: its group is being deleted.")
        elif member.waiting:
            member.state = "Terminating:Proceed"
    place.changed()
    return {}


def _under_way(place: Place, group: AutoScalingGroup) -> bool:
    return any(one.under_way for one in place.table(Activity).values() if one.group_arn == group.arn)


def _not_deleting(group: AutoScalingGroup) -> AutoScalingGroup:
    """No source found for the code."""
    if group.deleting:
        raise AwsError("ValidationError", f"AutoScalingGroup {group.name} is pending delete")
    return group
