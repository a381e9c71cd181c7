"""The two alarms that a target tracking policy makes and looks after itself."""

import uuid
from collections.abc import Mapping
from typing import Any

from sandbox.autoscaling.policies import ScalingPolicy
from sandbox.cloudwatch.alarms import put_alarm
from sandbox.world import Place

# Seen on such alarms in AWS; it documents neither.
_HIGH = {"EvaluationPeriods": 3, "ComparisonOperator": "GreaterThanThreshold"}
_LOW = {"EvaluationPeriods": 15, "ComparisonOperator": "LessThanThreshold"}
_LOW_SHARE = 0.9
_PREDEFINED = {
    "ASGAverageCPUUtilization": ("AWS/EC2", "CPUUtilization"),
    "ASGAverageCPUUtilizationHighResolution": ("AWS/EC2", "CPUUtilization"),
    "ASGAverageNetworkIn": ("AWS/EC2", "NetworkIn"),
    "ASGAverageNetworkOut": ("AWS/EC2", "NetworkOut"),
    "ALBRequestCountPerTarget": ("AWS/ApplicationELB", "RequestCountPerTarget"),
}


def put_own_alarms(place: Place, policy: ScalingPolicy) -> None:
    """One above the target, and one below it unless the policy never scales in."""
    configuration = policy.settings["TargetTrackingConfiguration"]
    target = float(configuration["TargetValue"])
    sides = [("AlarmHigh", {**_HIGH, "Threshold": target})]
    if not configuration.get("DisableScaleIn"):
        sides.append(("AlarmLow", {**_LOW, "Threshold": target * _LOW_SHARE}))
    for side, settings in sides:
        number = uuid.UUID(int=place.world.random.getrandbits(128), version=4)
        name = f"TargetTracking-{policy.group_name}-{side}-{number}"
        description = f"DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {policy.arn}."
        common = {"AlarmName": name, "AlarmDescription": description, "AlarmActions": [policy.arn]}
        put_alarm(place, name, {**common, **_metric(policy.group_name, configuration), **settings})


def _metric(group_name: str, configuration: Mapping[str, Any]) -> dict[str, Any]:
    predefined = configuration.get("PredefinedMetricSpecification")
    if predefined:
        namespace, metric = _PREDEFINED[predefined["PredefinedMetricType"]]
        return {
            "Namespace": namespace,
            "MetricName": metric,
            "Dimensions": [{"Name": "AutoScalingGroupName", "Value": group_name}],
            "Statistic": "Average",
            "Period": 60,
        }
    customized = configuration["CustomizedMetricSpecification"]
    taken = ("Namespace", "MetricName", "Dimensions", "Statistic", "Unit")
    return {**{key: customized[key] for key in taken if key in customized}, "Period": 60}
