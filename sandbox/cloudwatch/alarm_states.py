"""SetAlarmState, EnableAlarmActions, DisableAlarmActions."""

import json
from collections.abc import Mapping
from typing import Any

from sandbox.cloudwatch.alarms import Alarm, find_alarm, set_state
from sandbox.errors import AwsError
from sandbox.service import operation
from sandbox.world import Place


@operation("cloudwatch", "SetAlarmState")
def set_alarm_state(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Acts as if the metric had done it. A step policy reads the metric's value from StateReasonData
    ({"recentDatapoints": [80.0], …}); without it the metric is taken to be right at the threshold."""
    alarm = find_alarm(place, request["AlarmName"])
    data = request.get("StateReasonData")
    if data:
        try:
            json.loads(data)
        except ValueError as error:
            raise AwsError("InvalidFormat", f"StateReasonData is not JSON: {error}") from error
    set_state(place, alarm, request["StateValue"], request["StateReason"], data)
    return {}


@operation("cloudwatch", "EnableAlarmActions")
def enable_alarm_actions(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    return _set_acting(place, request, acts=True)


@operation("cloudwatch", "DisableAlarmActions")
def disable_alarm_actions(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    return _set_acting(place, request, acts=False)


def _set_acting(place: Place, request: Mapping[str, Any], *, acts: bool) -> dict[str, Any]:
    """Names of alarms that are not there are passed over, as AWS does."""
    for name in request["AlarmNames"]:
        if alarm := place.seen(Alarm).get(name):
            alarm.acts = acts
    return {}
