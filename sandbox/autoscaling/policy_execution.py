"""What a scaling policy does: by ExecutePolicy, or by an alarm that names it."""

import math
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sandbox.autoscaling.groups import AutoScalingGroup, find_group, set_capacity
from sandbox.autoscaling.policies import SIMPLE, STEP, TARGET, ScalingPolicy, find_policy
from sandbox.cloudwatch.alarms import Alarm, does
from sandbox.errors import AwsError
from sandbox.service import operation
from sandbox.world import Place


@operation("autoscaling", "ExecutePolicy")
def execute_policy(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """A person's word: suspended AlarmNotification does not stop it. Raises ScalingActivityInProgress for a
    simple policy within the cooldown it is told to honour."""
    policy = find_policy(place, request)
    group = find_group(place, policy.group_name)
    if policy.kind == TARGET:
        raise AwsError("ValidationError", f"A policy of type {TARGET} cannot be executed")
    if not policy.enabled:
        raise AwsError("ValidationError", f"The policy {policy.name} is not enabled")
    value, threshold = request.get("MetricValue"), request.get("BreachThreshold")
    if policy.kind == STEP and (value is None or threshold is None):
        raise AwsError("ValidationError", "MetricValue and BreachThreshold must be given for a step policy")
    if policy.kind == SIMPLE and request.get("HonorCooldown") and group.cools(place.clock.now()):
        raise AwsError("ScalingActivityInProgress", f"{group.name} is in its cooldown")
    cause = f"a user request executed policy {policy.name}"
    if policy.kind == STEP:
        _step(place, group, policy, float(value or 0) - float(threshold or 0), cause)
    else:
        _simple(place, group, policy, cause)
    return {}


@does("autoscaling")
def on_alarm(place: Place, alarm: Alarm, arn: str, value: float | None) -> None:
    """Nothing while AlarmNotification is suspended, or for a policy that is gone or not enabled."""
    policy = place.table(ScalingPolicy).get(arn)
    if policy is None or not policy.enabled:
        return
    group = place.table(AutoScalingGroup).get(policy.group_name)
    if group is None or group.deleting or not group.runs("AlarmNotification"):
        return
    cause = f"a monitor alarm {alarm.name} in state {alarm.state} triggered policy {policy.name}"
    if policy.kind == SIMPLE:
        if not group.cools(place.clock.now()):
            _simple(place, group, policy, cause)
    elif policy.kind == STEP:
        threshold = alarm.threshold or 0.0
        _step(place, group, policy, (threshold if value is None else value) - threshold, cause, below=_below(alarm))
    else:
        _track(place, group, policy, alarm, value, cause)


def _below(alarm: Alarm) -> bool:
    return str(alarm.settings.get("ComparisonOperator", "")).startswith("LessThan")


def _simple(place: Place, group: AutoScalingGroup, policy: ScalingPolicy, cause: str) -> None:
    before = group.desired
    set_capacity(place, group, adjusted(before, policy.settings, policy.settings["ScalingAdjustment"]), cause)
    if group.desired != before:
        group.policy_cooldown = policy.settings.get("Cooldown")
        group.cool_down(place.clock.now())  # and anew when the activity is over


def _step(
    place: Place, group: AutoScalingGroup, policy: ScalingPolicy, breach: float, cause: str, *, below: bool = False
) -> None:
    """The step whose range the breach is in: how far the metric is above or below the threshold."""
    for step in policy.settings["StepAdjustments"]:
        lower = step.get("MetricIntervalLowerBound", -math.inf)
        upper = step.get("MetricIntervalUpperBound", math.inf)
        # A step begins at its bound that is nearer to the threshold.
        if (lower < breach <= upper) if below or breach < 0 else (lower <= breach < upper):
            _grow_to(place, group, policy, step["ScalingAdjustment"], cause)
            return


def _grow_to(place: Place, group: AutoScalingGroup, policy: ScalingPolicy, adjustment: int, cause: str) -> None:
    """Instances that still warm up after the policy's last step count for this one (no step on a step)."""
    now = place.clock.now()
    warming = policy.warm_until is not None and now < policy.warm_until and adjustment > 0
    base = policy.base if warming else group.desired
    wanted = adjusted(base, policy.settings, adjustment)
    before = group.desired
    set_capacity(place, group, max(before, wanted) if warming else wanted, cause)
    if group.desired > before:
        policy.base = base
        policy.warm_until = now + timedelta(seconds=policy.settings.get("EstimatedInstanceWarmup", group.cooldown))


def _track(
    place: Place, group: AutoScalingGroup, policy: ScalingPolicy, alarm: Alarm, value: float | None, cause: str
) -> None:
    """In proportion to how far the metric is from its target, or one where nobody says how far."""
    target = float(policy.settings["TargetTrackingConfiguration"]["TargetValue"])
    if _below(alarm):
        wanted = group.desired - 1 if value is None else max(1, math.ceil(group.desired * value / target))
        wanted = min(group.desired, wanted)
    else:
        wanted = group.desired + 1 if value is None else math.ceil(group.desired * value / target)
        wanted = max(group.desired, wanted)
    set_capacity(place, group, wanted, cause)


def adjusted(size: int, settings: Mapping[str, Any], adjustment: int) -> int:
    """The size after an adjustment, before the group's limits. Percentages are rounded as AWS says: towards
    zero, but never to nothing, and never to less than MinAdjustmentMagnitude."""
    kind = settings["AdjustmentType"]
    if kind == "ExactCapacity":
        return adjustment
    if kind == "ChangeInCapacity":
        return size + adjustment
    change = abs(size * adjustment) // 100
    least = settings.get("MinAdjustmentMagnitude") or settings.get("MinAdjustmentStep") or 1
    change = max(change, least) if size * adjustment else 0
    return size + (change if adjustment > 0 else -change)
