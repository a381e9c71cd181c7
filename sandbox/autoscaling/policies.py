"""Scaling policies: what one is, finding one, describing and deleting it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox.autoscaling.groups import AutoScalingGroup, find_group, when_deleted
from sandbox.autoscaling.paging import page
from sandbox.cloudwatch.alarms import Alarm
from sandbox.errors import AwsError
from sandbox.service import operation
from sandbox.world import Place

SIMPLE, STEP, TARGET = "SimpleScaling", "StepScaling", "TargetTrackingScaling"


@dataclass
class ScalingPolicy:
    """`settings` is what PutScalingPolicy was told, by its names, without those of group and policy.

    While instances of its last step warm up (until `warm_until`), further steps count from `base`, the
    size before that step.
    """

    name: str
    arn: str
    group_name: str
    kind: str  # SIMPLE | STEP | TARGET
    settings: Mapping[str, Any]
    visible_at: datetime
    warm_until: datetime | None = None
    base: int = 0

    @property
    def enabled(self) -> bool:
        return bool(self.settings.get("Enabled", True))


def policies_of(place: Place, group_name: str) -> list[ScalingPolicy]:
    """In the order of their names."""
    found = [policy for policy in place.seen(ScalingPolicy).values() if policy.group_name == group_name]
    return sorted(found, key=lambda policy: policy.name)


def find_policy(place: Place, request: Mapping[str, Any]) -> ScalingPolicy:
    """By ARN, or by its name in the group named. Raises ValidationError."""
    name = request["PolicyName"]
    if found := place.seen(ScalingPolicy).get(name):
        return found
    if not request.get("AutoScalingGroupName"):
        raise AwsError("ValidationError", "AutoScalingGroupName must be given with a PolicyName that is not an ARN")
    group = find_group(place, request["AutoScalingGroupName"])
    for policy in policies_of(place, group.name):
        if policy.name == name:
            return policy
    raise AwsError("ValidationError", f"No policy found with name {name} for group {group.name}")


def alarms_of(place: Place, policy: ScalingPolicy) -> list[Alarm]:
    """Whoever made them: all that have the policy for an action."""
    return [alarm for _, alarm in sorted(place.seen(Alarm).items()) if alarm.names(policy.arn)]


def alarm_names(place: Place, policy: ScalingPolicy) -> list[dict[str, str]]:
    return [{"AlarmName": alarm.name, "AlarmARN": alarm.arn} for alarm in alarms_of(place, policy)]


def drop_policy(place: Place, policy: ScalingPolicy) -> None:
    """With the alarms it made for itself; alarms that people made stay, and call nobody."""
    place.table(ScalingPolicy).pop(policy.arn, None)
    drop_own_alarms(place, policy)


def drop_own_alarms(place: Place, policy: ScalingPolicy) -> None:
    for name in [name for name, alarm in place.table(Alarm).items() if alarm.names(policy.arn)]:
        if name.startswith(f"TargetTracking-{policy.group_name}-"):
            del place.table(Alarm)[name]


@when_deleted
def drop_policies(place: Place, group: AutoScalingGroup) -> None:
    for policy in [one for one in place.table(ScalingPolicy).values() if one.group_name == group.name]:
        drop_policy(place, policy)


@operation("autoscaling", "DescribePolicies")
def describe_policies(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Of one group or of all; names may be ARNs. A name there is not is passed over."""
    group_name = request.get("AutoScalingGroupName")
    if group_name:
        group_name = find_group(place, group_name).name
    names, kinds = set(request.get("PolicyNames") or ()), set(request.get("PolicyTypes") or ())
    everything = sorted(place.seen(ScalingPolicy).values(), key=lambda policy: (policy.group_name, policy.name))
    views = [
        policy_view(place, policy)
        for policy in everything
        if group_name in (None, policy.group_name)
        and (not names or names & {policy.name, policy.arn})
        and (not kinds or policy.kind in kinds)
    ]
    return page(views, request, "ScalingPolicies")


def policy_view(place: Place, policy: ScalingPolicy) -> dict[str, Any]:
    return {
        "AutoScalingGroupName": policy.group_name,
        "PolicyName": policy.name,
        "PolicyARN": policy.arn,
        "PolicyType": policy.kind,
        "StepAdjustments": [],
        **policy.settings,
        "Enabled": policy.enabled,
        "Alarms": alarm_names(place, policy),
    }


@operation("autoscaling", "DeletePolicy")
def delete_policy(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    drop_policy(place, find_policy(place, request))
    return {}
