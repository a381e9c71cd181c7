"""PutScalingPolicy."""

import uuid
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

from sandbox.autoscaling.groups import AutoScalingGroup, find_group
from sandbox.autoscaling.policies import (
    SIMPLE,
    STEP,
    TARGET,
    ScalingPolicy,
    alarm_names,
    drop_own_alarms,
    policies_of,
)
from sandbox.autoscaling.target_tracking import put_own_alarms
from sandbox.errors import AwsError
from sandbox.service import operation
from sandbox.world import Place

MOST_STEPS = 20
ADJUSTMENTS = ("ChangeInCapacity", "ExactCapacity", "PercentChangeInCapacity")
_NAMES = {"AutoScalingGroupName", "PolicyName", "PolicyType"}
_COMMON = {"Enabled"}
_SIZES = {"AdjustmentType", "MinAdjustmentStep", "MinAdjustmentMagnitude"}
_NEEDED = {
    SIMPLE: {"AdjustmentType", "ScalingAdjustment"},
    STEP: {"AdjustmentType", "StepAdjustments"},
    TARGET: {"TargetTrackingConfiguration"},
}
_TAKEN = {
    SIMPLE: _COMMON | _SIZES | {"ScalingAdjustment", "Cooldown"},
    STEP: _COMMON | _SIZES | {"StepAdjustments", "MetricAggregationType", "EstimatedInstanceWarmup"},
    TARGET: _COMMON | {"TargetTrackingConfiguration", "EstimatedInstanceWarmup"},
}


@operation("autoscaling", "PutScalingPolicy")
def put_scaling_policy(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Replaces a policy of this name, whose ARN stays. One that tracks a target makes its own alarms."""
    group = find_group(place, request["AutoScalingGroupName"])
    kind = request.get("PolicyType") or SIMPLE
    settings = {key: value for key, value in request.items() if key not in _NAMES}
    _check(kind, settings)
    if kind == STEP:
        settings = {"MetricAggregationType": "Average", **settings}
    policy = _policy(place, group, request["PolicyName"])
    drop_own_alarms(place, policy)
    policy.kind, policy.settings, policy.warm_until = kind, settings, None
    place.table(ScalingPolicy)[policy.arn] = policy
    if kind == TARGET:
        put_own_alarms(place, policy)
    return {"PolicyARN": policy.arn, "Alarms": alarm_names(place, policy)}


def _policy(place: Place, group: AutoScalingGroup, name: str) -> ScalingPolicy:
    """The one there is, or a new one. Raises LimitExceeded, ValidationError for a name AWS does not take."""
    known = policies_of(place, group.name)
    for policy in known:
        if policy.name == name:
            return policy
    if ":" in name or not name:
        raise AwsError("ValidationError", f"The policy name '{name}' is empty or has a colon")
    if len(known) >= place.limits.scaling_policies_per_group:
        raise AwsError("LimitExceeded", f"Only {place.limits.scaling_policies_per_group} policies are allowed")
    number = uuid.UUID(int=place.world.random.getrandbits(128), version=4)
    arn = (
        f"arn:aws:autoscaling:{place.region}:{place.account_id}:scalingPolicy:{number}"
        f":autoScalingGroupName/{group.name}:policyName/{name}"
    )
    return ScalingPolicy(name, arn, group.name, SIMPLE, {}, place.visible_from_now())


def _check(kind: str, settings: Mapping[str, Any]) -> None:
    """Raises ValidationError for what does not go with this type of policy."""
    if kind not in _NEEDED:
        raise AwsError("ValidationError", f"The sandbox has no policies of type {kind}")
    if lacking := sorted(name for name in _NEEDED[kind] if settings.get(name) in (None, [])):
        raise AwsError("ValidationError", f"{', '.join(lacking)} must be specified for policy type {kind}")
    if extra := sorted(name for name in settings if name not in _TAKEN[kind] and settings[name] not in (None, [])):
        raise AwsError("ValidationError", f"{', '.join(extra)} cannot be specified for policy type {kind}")
    adjustment = settings.get("AdjustmentType")
    if kind != TARGET and adjustment not in ADJUSTMENTS:
        raise AwsError("ValidationError", f"Invalid AdjustmentType {adjustment}: one of {', '.join(ADJUSTMENTS)}")
    if settings.get("MinAdjustmentMagnitude") and adjustment != "PercentChangeInCapacity":
        raise AwsError("ValidationError", "MinAdjustmentMagnitude goes with PercentChangeInCapacity only")
    if kind == STEP:
        _check_steps(settings["StepAdjustments"])
    if kind == TARGET:
        _check_target(settings["TargetTrackingConfiguration"])


def _check_steps(steps: Iterable[Mapping[str, Any]]) -> None:
    """Ranges that touch without gaps or overlaps; one may be open below, one above."""
    ranges = sorted(
        (step.get("MetricIntervalLowerBound", float("-inf")), step.get("MetricIntervalUpperBound", float("inf")))
        for step in steps
    )
    if len(ranges) > MOST_STEPS:
        raise AwsError("ValidationError", f"A policy has at most {MOST_STEPS} step adjustments")
    if any(lower >= upper for lower, upper in ranges):
        raise AwsError("ValidationError", "A step's MetricIntervalLowerBound must be below its upper bound")
    if any(before[1] != after[0] for before, after in pairwise(ranges)):
        raise AwsError("ValidationError", "Step adjustment ranges must neither overlap nor leave gaps")
    if ranges[0][0] == float("-inf") and ranges[-1][1] == float("inf") and len(ranges) == 1:
        raise AwsError("ValidationError", "At least one bound must be specified for a step adjustment")


def _check_target(configuration: Mapping[str, Any]) -> None:
    metrics = ("PredefinedMetricSpecification", "CustomizedMetricSpecification")
    if sum(bool(configuration.get(name)) for name in metrics) != 1:
        raise AwsError("ValidationError", f"Specify either {metrics[0]} or {metrics[1]}")
