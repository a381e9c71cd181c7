"""DescribeAlarms and DescribeAlarmsForMetric."""

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.cloudwatch.alarms import Alarm, alarm_view
from sandbox.errors import AwsError
from sandbox.service import operation
from sandbox.world import Place

DEFAULT_PAGE = 50
LARGEST_PAGE = 100


@operation("cloudwatch", "DescribeAlarms")
def describe_alarms(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """By name, in pages whose token is the last name shown. The sandbox has alarms on metrics alone."""
    if request.get("AlarmNames") and request.get("AlarmNamePrefix"):
        raise AwsError("InvalidParameterCombination", "Specify either AlarmNames or AlarmNamePrefix")
    if len(request.get("AlarmNames") or ()) > LARGEST_PAGE:
        raise AwsError("ValidationError", f"At most {LARGEST_PAGE} alarms can be named at once")
    size = request.get("MaxRecords") or DEFAULT_PAGE
    if not 1 <= size <= LARGEST_PAGE:
        raise AwsError("ValidationError", f"MaxRecords must be between 1 and {LARGEST_PAGE}")
    after = _name_in(request.get("NextToken"))
    rest = [alarm for alarm in _asked(place, request) if alarm.name > after]
    answer: dict[str, Any] = {"CompositeAlarms": [], "MetricAlarms": [alarm_view(alarm) for alarm in rest[:size]]}
    if len(rest) > size:
        answer["NextToken"] = base64.urlsafe_b64encode(rest[size - 1].name.encode()).decode()
    return answer


def _asked(place: Place, request: Mapping[str, Any]) -> Iterator[Alarm]:
    names = set(request.get("AlarmNames") or ())
    prefix, acting = request.get("AlarmNamePrefix") or "", request.get("ActionPrefix") or ""
    types = request.get("AlarmTypes") or ["MetricAlarm"]
    for name, alarm in sorted(place.seen(Alarm).items()):
        if "MetricAlarm" not in types or (names and name not in names) or not name.startswith(prefix):
            continue
        if request.get("StateValue") not in (None, alarm.state):
            continue
        actions = alarm.settings.get("AlarmActions", ())
        if not acting or any(arn.startswith(acting) for arn in actions):
            yield alarm


def _name_in(token: str | None) -> str:
    try:
        return base64.urlsafe_b64decode((token or "").encode()).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise AwsError("InvalidNextToken", f"The token '{token}' is invalid") from error


@operation("cloudwatch", "DescribeAlarmsForMetric")
def describe_alarms_for_metric(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """On exactly this metric, dimensions and all."""
    asked = _metric(request)
    optional = [name for name in ("Statistic", "ExtendedStatistic", "Period", "Unit") if name in request]
    found = [
        alarm_view(alarm)
        for _, alarm in sorted(place.seen(Alarm).items())
        if _metric(alarm.settings) == asked and all(alarm.settings.get(name) == request[name] for name in optional)
    ]
    return {"MetricAlarms": found}


def _metric(settings: Mapping[str, Any]) -> tuple[object, ...]:
    dimensions = sorted((each["Name"], each["Value"]) for each in settings.get("Dimensions") or ())
    return settings.get("Namespace"), settings.get("MetricName"), tuple(dimensions)
