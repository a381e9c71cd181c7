"""Processes of a group, suspended and resumed, its metrics, and what there is of each kind of word."""

from collections.abc import Mapping
from typing import Any

from sandbox.autoscaling.balancing import POLICIES
from sandbox.autoscaling.groups import PROCESSES, AutoScalingGroup, find_group
from sandbox.autoscaling.launch_configurations import LaunchConfiguration
from sandbox.errors import AwsError
from sandbox.service import operation
from sandbox.world import Place

METRICS = (
    "GroupDesiredCapacity",
    "GroupInServiceCapacity",
    "GroupInServiceInstances",
    "GroupMaxSize",
    "GroupMinSize",
    "GroupPendingCapacity",
    "GroupPendingInstances",
    "GroupStandbyCapacity",
    "GroupStandbyInstances",
    "GroupTerminatingCapacity",
    "GroupTerminatingInstances",
    "GroupTotalCapacity",
    "GroupTotalInstances",
)


@operation("autoscaling", "SuspendProcesses")
def suspend_processes(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """All of them where none is named. Raises ValidationError for a word that names no process."""
    group = find_group(place, request["AutoScalingGroupName"])
    for name in _named(request):
        group.suspended.setdefault(name, f"User suspended at {place.clock.now():%Y-%m-%dT%H:%M:%SZ}")
    place.changed()
    return {}


@operation("autoscaling", "ResumeProcesses")
def resume_processes(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    group = find_group(place, request["AutoScalingGroupName"])
    for name in _named(request):
        group.suspended.pop(name, None)
    place.changed()
    return {}


def _named(request: Mapping[str, Any]) -> list[str]:
    names = list(request.get("ScalingProcesses") or PROCESSES)
    if unknown := [name for name in names if name not in PROCESSES]:
        raise AwsError("ValidationError", f"Invalid scaling processes: {', '.join(unknown)}")
    return names


@operation("autoscaling", "DescribeScalingProcessTypes")
def describe_scaling_process_types(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    return {"Processes": [{"ProcessName": name} for name in sorted(PROCESSES)]}


@operation("autoscaling", "DescribeTerminationPolicyTypes")
def describe_termination_policy_types(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    return {"TerminationPolicyTypes": list(POLICIES)}


@operation("autoscaling", "EnableMetricsCollection")
def enable_metrics(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    group = find_group(place, request["AutoScalingGroupName"])
    if request["Granularity"] != "1Minute":
        raise AwsError("ValidationError", "The only valid value of Granularity is 1Minute")
    group.metrics |= _metrics(request)
    return {}


@operation("autoscaling", "DisableMetricsCollection")
def disable_metrics(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    group = find_group(place, request["AutoScalingGroupName"])
    group.metrics -= _metrics(request)
    return {}


def _metrics(request: Mapping[str, Any]) -> set[str]:
    named = set(request.get("Metrics") or METRICS)
    if unknown := named - set(METRICS):
        raise AwsError("ValidationError", f"Invalid metrics: {', '.join(sorted(unknown))}")
    return named


@operation("autoscaling", "DescribeMetricCollectionTypes")
def describe_metric_collection_types(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "Metrics": [{"Metric": name} for name in METRICS],
        "Granularities": [{"Granularity": "1Minute"}],
    }


@operation("autoscaling", "DescribeAccountLimits")
def describe_account_limits(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "MaxNumberOfAutoScalingGroups": place.limits.auto_scaling_groups,
        "MaxNumberOfLaunchConfigurations": place.limits.launch_configurations,
        "NumberOfAutoScalingGroups": len(place.table(AutoScalingGroup)),
        "NumberOfLaunchConfigurations": len(place.table(LaunchConfiguration)),
    }
