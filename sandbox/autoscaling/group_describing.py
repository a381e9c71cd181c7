"""How groups and their members are described."""

from collections.abc import Mapping
from typing import Any

from sandbox.autoscaling.behind import REMOVING
from sandbox.autoscaling.group_tags import tag_views
from sandbox.autoscaling.groups import AutoScalingGroup
from sandbox.autoscaling.members import Member
from sandbox.autoscaling.paging import filters_of, page
from sandbox.service import operation
from sandbox.world import Place


@operation("autoscaling", "DescribeAutoScalingGroups")
def describe_auto_scaling_groups(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Names that do not exist are passed over."""
    names = set(request.get("AutoScalingGroupNames") or ())
    asked = filters_of(request, ("tag:", "tag-key", "tag-value"))
    with_members = request.get("IncludeInstances", True)
    found = [
        group_view(group, with_members)
        for name, group in sorted(place.seen(AutoScalingGroup).items())
        if (not names or name in names or group.arn in names) and all(_fits(group, *one) for one in asked)
    ]
    return page(found, request, "AutoScalingGroups")


def _fits(group: AutoScalingGroup, name: str, values: set[str]) -> bool:
    if name == "tag-key":
        return bool(values & group.tags.keys())
    if name == "tag-value":
        return any(tag.value in values for tag in group.tags.values())
    tag = group.tags.get(name.removeprefix("tag:"))
    return tag is not None and tag.value in values


def group_view(group: AutoScalingGroup, with_members: bool = True) -> dict[str, Any]:
    """`VPCZoneIdentifier` is empty in EC2-Classic. aws-facts A0"""
    view: dict[str, Any] = {
        "AutoScalingGroupName": group.name,
        "AutoScalingGroupARN": group.arn,
        "MinSize": group.minimum,
        "MaxSize": group.maximum,
        "DesiredCapacity": group.desired,
        "DefaultCooldown": group.cooldown,
        "AvailabilityZones": list(group.zones),
        "LoadBalancerNames": [name for name, state in group.load_balancers.items() if state != REMOVING],
        "TargetGroupARNs": [],
        "HealthCheckType": group.health_check_type,
        "HealthCheckGracePeriod": group.grace,
        "Instances": [member_view(one) for one in group.members.values()] if with_members else [],
        "CreatedTime": group.created,
        "SuspendedProcesses": [
            {"ProcessName": name, "SuspensionReason": why} for name, why in sorted(group.suspended.items())
        ],
        "VPCZoneIdentifier": ",".join(group.subnets),
        "EnabledMetrics": [{"Metric": name, "Granularity": "1Minute"} for name in sorted(group.metrics)],
        "Tags": tag_views(group),
        "TerminationPolicies": list(group.termination_policies),
        "NewInstancesProtectedFromScaleIn": group.protects_new,
        "TrafficSources": [],
        **group.plain,
        **_source(group.launch_configuration, group.launch_template),
    }
    return view | ({"Status": group.state} if group.state else {})


def member_view(member: Member) -> dict[str, Any]:
    return {
        "InstanceId": member.instance_id,
        "InstanceType": member.instance_type,
        "AvailabilityZone": member.zone,
        "LifecycleState": member.state,
        "HealthStatus": member.health,
        "ProtectedFromScaleIn": member.protected,
        **_source(member.launch_configuration, member.launch_template),
    }


def _source(configuration: str | None, template: dict[str, str] | None) -> dict[str, Any]:
    if template:
        return {"LaunchTemplate": dict(template)}
    return {"LaunchConfigurationName": configuration} if configuration else {}


@operation("autoscaling", "DescribeAutoScalingInstances")
def describe_auto_scaling_instances(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Health is told in capitals here, and only here."""
    ids = set(request.get("InstanceIds") or ())
    found = [
        member_view(member) | {"AutoScalingGroupName": group.name, "HealthStatus": member.health.upper()}
        for _, group in sorted(place.seen(AutoScalingGroup).items())
        for member in group.members.values()
        if not ids or member.instance_id in ids
    ]
    return page(found, request, "AutoScalingInstances")
