"""Single members: their health, their protection, their end."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sandbox.autoscaling.activity_calls import activity_view
from sandbox.autoscaling.groups import AutoScalingGroup, find_group, group_of
from sandbox.autoscaling.health import BY_USER, declare
from sandbox.autoscaling.leaving import begin_leaving
from sandbox.autoscaling.members import Member
from sandbox.errors import AwsError
from sandbox.service import operation
from sandbox.world import Place


def named_members(group: AutoScalingGroup, instance_ids: list[str]) -> list[Member]:
    """Raises ValidationError for an instance that is no member of the group."""
    strangers = [one for one in dict.fromkeys(instance_ids) if one not in group.members]
    if strangers:
        raise AwsError(
            "ValidationError", f"The instance {strangers[0]} is not part of Auto Scaling group {group.name}."
        )
    return [group.members[one] for one in dict.fromkeys(instance_ids)]


def _named(place: Place, instance_id: str) -> tuple[AutoScalingGroup, Member]:
    group = group_of(place, instance_id)
    if group is None:
        raise AwsError("ValidationError", f"Instance Id not found - No managed instance found for {instance_id}")
    return group, group.members[instance_id]


@operation("autoscaling", "SetInstanceHealth")
def set_instance_health(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Within the grace period, unless told not to respect it, nothing happens."""
    wanted = request["HealthStatus"]
    if wanted not in ("Healthy", "Unhealthy"):
        raise AwsError("ValidationError", f"Invalid health status {wanted}: Healthy or Unhealthy")
    _, member = _named(place, request["InstanceId"])
    if wanted == "Healthy":
        member.health = "Healthy"
    elif not (request.get("ShouldRespectGracePeriod", True) and _in_grace(member, place.clock.now())):
        declare(place, member, BY_USER)
    return {}


def _in_grace(member: Member, now: datetime) -> bool:
    return member.grace_until is not None and now < member.grace_until


@operation("autoscaling", "SetInstanceProtection")
def set_instance_protection(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    group = find_group(place, request["AutoScalingGroupName"])
    members = named_members(group, request["InstanceIds"])
    for member in members:
        if member.state not in ("InService", "EnteringStandby", "Standby") and not member.pending:
            raise AwsError(
                "ValidationError",
                f"The instance {member.instance_id} is not in InService or EnteringStandby or Standby.",
            )
    for member in members:
        member.protected = bool(request["ProtectedFromScaleIn"])
    place.changed()
    return {}


@operation("autoscaling", "TerminateInstanceInAutoScalingGroup")
def terminate_instance(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Protection from scale-in does not hold it back. Raises ValidationError, ScalingActivityInProgress."""
    group, member = _named(place, request["InstanceId"])
    if member.terminating:
        raise AwsError("ScalingActivityInProgress", f"Instance {member.instance_id} is being terminated already")
    if request["ShouldDecrementDesiredCapacity"]:
        shrink(group, 1)
    activity = begin_leaving(place, group, member, "instance was taken out of service in response to a user request.")
    return {"Activity": activity_view(place, activity)}


def shrink(group: AutoScalingGroup, by: int) -> None:
    """Lower the desired capacity. Raises ValidationError where the minimum forbids it."""
    if group.desired - by < group.minimum:
        raise AwsError(
            "ValidationError",
            f"Currently, desiredSize equals minSize ({group.minimum}). Terminating instance without replacement "
            "will violate group's min size constraint. Either set shouldDecrementDesiredCapacity flag to false or "
            "lower group's min size.",
        )
    group.desired -= by
