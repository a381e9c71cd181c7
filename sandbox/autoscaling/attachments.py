"""Instances taken into a group and let go of, and members in standby."""

from collections.abc import Mapping
from typing import Any

from sandbox.autoscaling import activities, behind
from sandbox.autoscaling.activities import at
from sandbox.autoscaling.activity_calls import activity_view
from sandbox.autoscaling.balancing import spots
from sandbox.autoscaling.groups import AutoScalingGroup, find_group, group_of
from sandbox.autoscaling.launching import tag_member
from sandbox.autoscaling.leaving import begin_detaching, begin_standby
from sandbox.autoscaling.member_calls import named_members, shrink
from sandbox.autoscaling.members import Member
from sandbox.autoscaling.starting import enter
from sandbox.ec2.instances import Instance
from sandbox.errors import AwsError
from sandbox.service import operation
from sandbox.world import Place


@operation("autoscaling", "AttachInstances")
def attach_instances(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """The desired capacity grows with them. Raises ValidationError for an instance that does not run, is in
    a group, or is not where the group is, and for more than the maximum.
    """
    group = find_group(place, request["AutoScalingGroupName"])
    ids = list(dict.fromkeys(request.get("InstanceIds") or ()))
    instances = [_attachable(place, group, one) for one in ids]
    _grow(group, len(instances), "attach")
    for instance in instances:
        member = Member(
            instance_id=instance.id,
            instance_type=instance.instance_type,
            image_id=instance.image_id,
            zone=instance.zone,
            subnet_id=instance.subnet_id or "",
            state="Pending:Proceed",
            since=place.clock.now(),
        )
        cause = f"{at(place.clock.now())} an instance was attached in response to a user request."
        described = f"Attaching an existing EC2 instance: {instance.id}"
        member.activity = activities.begin(place, group.name, group.arn, described, cause)
        group.members[instance.id] = member
        tag_member(place, group, instance.id)
    place.changed()
    return {}


def _attachable(place: Place, group: AutoScalingGroup, instance_id: str) -> Instance:
    instance = place.seen(Instance).get(instance_id)
    if instance is None or instance.state != "running":
        raise AwsError("ValidationError", f"Invalid Instance ID(s): [{instance_id}]: it must exist and be running.")
    if group_of(place, instance_id) is not None:
        raise AwsError("ValidationError", f"The instance {instance_id} is already part of an Auto Scaling group.")
    possible = {spot.zone for spot in spots(place, group)}
    if instance.vpc_id != group.network or instance.zone not in possible:
        raise AwsError("ValidationError", f"The instance {instance_id} is not in a zone and network of {group.name}.")
    return instance


def _grow(group: AutoScalingGroup, by: int, what: str) -> None:
    if group.desired + by > group.maximum:
        raise AwsError(
            "ValidationError",
            f"AutoScalingGroup {group.name} has min-size={group.minimum}, max-size={group.maximum}, and "
            f"desired-size={group.desired}. To {what} {by} more instances, please update the AutoScalingGroup sizes.",
        )
    group.desired += by


@operation("autoscaling", "DetachInstances")
def detach_instances(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """They run on, out of the group and its load balancers; replaced unless the capacity shrinks."""
    group = find_group(place, request["AutoScalingGroupName"])
    members = _in_state(group, request, ("InService", "Standby"))
    if request["ShouldDecrementDesiredCapacity"]:
        shrink(group, sum(member.state == "InService" for member in members))
    sentence = "instance was detached in response to a user request."
    begun = [begin_detaching(place, group, member, sentence) for member in members]
    return {"Activities": [activity_view(place, one) for one in begun]}


@operation("autoscaling", "EnterStandby")
def enter_standby(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    group = find_group(place, request["AutoScalingGroupName"])
    members = _in_state(group, request, ("InService",))
    if request["ShouldDecrementDesiredCapacity"]:
        shrink(group, len(members))
    sentence = "instance was moved to standby in response to a user request."
    begun = [begin_standby(place, group, member, sentence) for member in members]
    return {"Activities": [activity_view(place, one) for one in begun]}


@operation("autoscaling", "ExitStandby")
def exit_standby(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Back in service and behind the load balancers; the desired capacity grows with them. One that does
    not run is found by the next health check.
    """
    group = find_group(place, request["AutoScalingGroupName"])
    members = _in_state(group, request, ("Standby",))
    _grow(group, len(members), "move out of standby")
    begun = []
    for member in members:
        cause = f"{at(place.clock.now())} instance was moved out of standby in response to a user request."
        described = f"Moving EC2 instance out of Standby: {member.instance_id}"
        member.activity = activities.begin(place, group.name, group.arn, described, cause)
        begun.append(member.activity)
        instance = place.table(Instance).get(member.instance_id)
        if instance is not None and instance.state == "running":
            behind.join(place, group, member)
        enter(place, group, member)
    return {"Activities": [activity_view(place, one) for one in begun]}


def _in_state(group: AutoScalingGroup, request: Mapping[str, Any], states: tuple[str, ...]) -> list[Member]:
    members = named_members(group, list(request.get("InstanceIds") or ()))
    for member in members:
        if member.state not in states:
            raise AwsError("ValidationError", f"The instance {member.instance_id} is not in {' or '.join(states)}.")
    return members


@operation("autoscaling", "AttachLoadBalancers")
def attach_load_balancers(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Members in service are registered. Raises ValidationError for one of another network."""
    group = find_group(place, request["AutoScalingGroupName"])
    names = list(dict.fromkeys(request["LoadBalancerNames"]))
    for name in names:
        behind.check_balancer(place, group, name)
    for name in names:
        group.load_balancers[name] = ""
    if group.runs("AddToLoadBalancer"):
        for balancer in behind.balancers(place, group):
            for member in group.in_service if balancer.name in names else ():
                behind.join_one(place, balancer, member)
    place.changed()
    return {}


@operation("autoscaling", "DetachLoadBalancers")
def detach_load_balancers(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Members are deregistered, and drained where the load balancer drains."""
    group = find_group(place, request["AutoScalingGroupName"])
    names = list(dict.fromkeys(request["LoadBalancerNames"]))
    for name in names:
        if name not in group.load_balancers:
            raise AwsError("ValidationError", f"Trying to remove Load Balancers that are not part of the group: {name}")
    for balancer in behind.balancers(place, group):
        for member in group.members.values() if balancer.name in names else ():
            behind.leave_one(place, balancer, member)
    for name in names:
        group.load_balancers[name] = behind.REMOVING
    place.changed()
    return {}


@operation("autoscaling", "DescribeLoadBalancers")
def describe_load_balancers(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    group = find_group(place, request["AutoScalingGroupName"])
    return {
        "LoadBalancers": [
            {"LoadBalancerName": name, "State": behind.state_of(place, group, name)} for name in group.load_balancers
        ]
    }
