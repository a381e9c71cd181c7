"""PutMetricAlarm and DeleteAlarms."""

from collections.abc import Mapping
from typing import Any

from sandbox.cloudwatch.alarms import Alarm, find_alarm, put_alarm
from sandbox.errors import AwsError
from sandbox.service import operation
from sandbox.world import Place

MOST_NAMED = 100
MOST_ACTIONS = 5
_SHORT_PERIODS = {10, 20, 30}
_ACTIONS = ("AlarmActions", "OKActions", "InsufficientDataActions")


@operation("cloudwatch", "PutMetricAlarm")
def put_metric_alarm(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Tags are taken only when the alarm is new, as AWS says."""
    name = request["AlarmName"]
    _check(request)
    known = place.table(Alarm).get(name)
    if known is None and len(place.table(Alarm)) >= place.limits.alarms:
        raise AwsError("LimitExceeded", f"The maximum number of alarms, {place.limits.alarms}, has been reached.")
    settings = {key: value for key, value in request.items() if key not in {"ActionsEnabled", "Tags"}}
    alarm = put_alarm(place, name, settings, acts=request.get("ActionsEnabled", True))
    if known is None:
        alarm.tags = {tag["Key"]: tag["Value"] for tag in request.get("Tags") or ()}
    return {}


def _check(request: Mapping[str, Any]) -> None:
    """Raises ValidationError, or the codes CloudWatch has for what does not fit together."""
    if bool(request.get("MetricName")) == bool(request.get("Metrics")):
        raise AwsError("ValidationError", "Specify either MetricName or Metrics")
    if request.get("MetricName"):
        _check_metric(request)
    for name in ("EvaluationPeriods", "ComparisonOperator"):
        if not request.get(name):
            raise AwsError("MissingParameter", f"The parameter {name} is required.")
    if request.get("Threshold") is None and not request.get("ThresholdMetricId"):
        raise AwsError("MissingParameter", "The parameter Threshold is required.")
    for name in _ACTIONS:
        actions = request.get(name) or []
        if len(actions) > MOST_ACTIONS:
            raise AwsError("ValidationError", f"{name} has more than {MOST_ACTIONS} actions")
        if any(not arn.startswith("arn:") for arn in actions):
            raise AwsError("ValidationError", f"Invalid ARN in {name}: {actions}")


def _check_metric(request: Mapping[str, Any]) -> None:
    for name in ("Namespace", "Period"):
        if not request.get(name):
            raise AwsError("MissingParameter", f"The parameter {name} is required.")
    if bool(request.get("Statistic")) == bool(request.get("ExtendedStatistic")):
        raise AwsError("InvalidParameterCombination", "Specify either Statistic or ExtendedStatistic")
    period = request["Period"]
    if period not in _SHORT_PERIODS and (period <= 0 or period % 60):
        raise AwsError("InvalidParameterValue", f"Period {period} is not 10, 20, 30 or a multiple of 60")


@operation("cloudwatch", "DeleteAlarms")
def delete_alarms(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """All of them, or with ResourceNotFound none."""
    names = request["AlarmNames"]
    if len(names) > MOST_NAMED:
        raise AwsError("ValidationError", f"At most {MOST_NAMED} alarms can be deleted at once")
    for alarm in [find_alarm(place, name) for name in names]:
        place.table(Alarm).pop(alarm.name, None)
    return {}
