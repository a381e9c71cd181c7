"""PutScheduledUpdateGroupAction, DescribeScheduledActions, DeleteScheduledAction, and the calls for several."""

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfoNotFoundError

from sandbox.autoscaling.groups import AutoScalingGroup, find_group
from sandbox.autoscaling.paging import page
from sandbox.autoscaling.scheduled_actions import (
    ScheduledAction,
    action_view,
    actions_of,
    arm,
    drop_action,
    next_time,
)
from sandbox.errors import AwsError
from sandbox.service import operation
from sandbox.world import Place

MOST_AT_ONCE = 50
_MOMENT = timedelta(seconds=1)
_SIZES = ("MinSize", "MaxSize", "DesiredCapacity")


@operation("autoscaling", "PutScheduledUpdateGroupAction")
def put_scheduled_update_group_action(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Replaces one of this name."""
    _put(place, find_group(place, request["AutoScalingGroupName"]), request)
    return {}


@operation("autoscaling", "BatchPutScheduledUpdateGroupAction")
def batch_put_scheduled_update_group_action(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Each by itself: what is refused is told and stops no other."""
    group = find_group(place, request["AutoScalingGroupName"])
    failed = []
    for one in _few(request["ScheduledUpdateGroupActions"]):
        try:
            _put(place, group, one)
        except AwsError as error:
            failed.append(_failure(one["ScheduledActionName"], error))
    return {"FailedScheduledUpdateGroupActions": failed}


def _few(wanted: list[Any]) -> list[Any]:
    if len(wanted) > MOST_AT_ONCE:
        raise AwsError("ValidationError", f"At most {MOST_AT_ONCE} scheduled actions can be given at once")
    return wanted


def _failure(name: str, error: AwsError) -> dict[str, str]:
    return {"ScheduledActionName": name, "ErrorCode": error.code, "ErrorMessage": error.message}


def _put(place: Place, group: AutoScalingGroup, asked: Mapping[str, Any]) -> None:
    """Raises ValidationError, AlreadyExists (another action of the group starts then), LimitExceeded."""
    if all(asked.get(name) is None for name in _SIZES):
        raise AwsError("ValidationError", "At least one of MinSize, MaxSize and DesiredCapacity must be given")
    name = asked["ScheduledActionName"]
    others = [action for action in actions_of(place, group.name) if action.name != name]
    known = next((action for action in actions_of(place, group.name) if action.name == name), None)
    if known is None and len(others) >= place.limits.scheduled_actions_per_group:
        most = place.limits.scheduled_actions_per_group
        raise AwsError("LimitExceeded", f"Only {most} scheduled actions are allowed")
    start = _start(place, asked)
    if any(action.start == start and not action.recurrence and not asked.get("Recurrence") for action in others):
        raise AwsError("AlreadyExists", f"Another scheduled action of {group.name} starts at {start}")
    if known:
        drop_action(place, known)
    action = ScheduledAction(
        name=name,
        arn=known.arn if known else _arn(place, group.name, name),
        group_name=group.name,
        start=start,
        end=asked.get("EndTime"),
        recurrence=asked.get("Recurrence"),
        time_zone=asked.get("TimeZone"),
        minimum=asked.get("MinSize"),
        maximum=asked.get("MaxSize"),
        desired=asked.get("DesiredCapacity"),
        visible_at=place.visible_from_now(),
    )
    place.table(ScheduledAction)[action.arn] = action
    arm(place, action)


def _start(place: Place, asked: Mapping[str, Any]) -> datetime:
    """StartTime, or the recurrence's first time after it (or after now)."""
    now = place.clock.now()
    start: datetime | None = asked.get("StartTime") or asked.get("Time")
    end: datetime | None = asked.get("EndTime")
    if start is not None and start < now:
        raise AwsError("ValidationError", "Given start time is in the past")
    if end is not None and end <= (start or now):
        raise AwsError("ValidationError", "Given end time is in the past, or not after the start time")
    if not asked.get("Recurrence"):
        if start is None:
            raise AwsError("ValidationError", "Either StartTime or Recurrence must be given")
        return start
    try:
        # The start time may itself be the first of the recurrence's times.
        found = next_time(asked["Recurrence"], asked.get("TimeZone"), start - _MOMENT if start else now)
    except (ValueError, ZoneInfoNotFoundError) as error:
        raise AwsError("ValidationError", f"Given recurrence string is invalid: {error}") from error
    if found is None:
        raise AwsError("ValidationError", f"Given recurrence string '{asked['Recurrence']}' never comes")
    return found


def _arn(place: Place, group_name: str, name: str) -> str:
    number = uuid.UUID(int=place.world.random.getrandbits(128), version=4)
    return (
        f"arn:aws:autoscaling:{place.region}:{place.account_id}:scheduledUpdateGroupAction:{number}"
        f":autoScalingGroupName/{group_name}:scheduledActionName/{name}"
    )


@operation("autoscaling", "DescribeScheduledActions")
def describe_scheduled_actions(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """In order of time. Times are ignored where names are given, as AWS says."""
    group_name = request.get("AutoScalingGroupName")
    if group_name:
        group_name = find_group(place, group_name).name
    names = set(request.get("ScheduledActionNames") or ())
    least, most = (None, None) if names else (request.get("StartTime"), request.get("EndTime"))
    found = [
        action
        for action in place.seen(ScheduledAction).values()
        if group_name in (None, action.group_name)
        and (not names or names & {action.name, action.arn})
        and (least is None or action.start >= least)
        and (most is None or action.start <= most)
    ]
    found.sort(key=lambda action: (action.start, action.group_name, action.name))
    return page([action_view(action) for action in found], request, "ScheduledUpdateGroupActions")


@operation("autoscaling", "DeleteScheduledAction")
def delete_scheduled_action(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    group = find_group(place, request["AutoScalingGroupName"])
    _delete(place, group, request["ScheduledActionName"])
    return {}


@operation("autoscaling", "BatchDeleteScheduledAction")
def batch_delete_scheduled_action(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Each by itself, as with putting several."""
    group = find_group(place, request["AutoScalingGroupName"])
    failed = []
    for name in _few(request["ScheduledActionNames"]):
        try:
            _delete(place, group, name)
        except AwsError as error:
            failed.append(_failure(name, error))
    return {"FailedScheduledActions": failed}


def _delete(place: Place, group: AutoScalingGroup, name: str) -> None:
    for action in actions_of(place, group.name):
        if name in (action.name, action.arn):
            drop_action(place, action)
            return
    raise AwsError("ValidationError", f"Scheduled action name not found - {name} in {group.name}")
