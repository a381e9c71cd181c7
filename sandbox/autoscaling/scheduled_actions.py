"""Scheduled actions: what one is, and what it does when its time comes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.autoscaling.groups import AutoScalingGroup, set_capacity, when_deleted
from sandbox.autoscaling.recurrence import Recurrence
from sandbox.clock import Timer
from sandbox.world import Place


@dataclass
class ScheduledAction:
    """`start` is when it acts next; a recurring one begins anew after each time until `end`."""

    name: str
    arn: str
    group_name: str
    start: datetime
    end: datetime | None
    recurrence: str | None
    time_zone: str | None
    minimum: int | None
    maximum: int | None
    desired: int | None
    visible_at: datetime
    timer: Timer | None = None

    def next_after(self, moment: datetime) -> datetime | None:
        """When it acts after a moment, if ever."""
        found = next_time(self.recurrence, self.time_zone, moment) if self.recurrence else None
        return None if found is None or (self.end is not None and found > self.end) else found


def next_time(recurrence: str, time_zone: str | None, moment: datetime) -> datetime | None:
    """Raises ValueError for a recurrence that is not understood, ZoneInfoNotFoundError."""
    local = moment.astimezone(ZoneInfo(time_zone) if time_zone else UTC)
    found = Recurrence.parse(recurrence).after(local)
    return found.astimezone(UTC) if found else None


def actions_of(place: Place, group_name: str) -> list[ScheduledAction]:
    return [action for action in place.table(ScheduledAction).values() if action.group_name == group_name]


def arm(place: Place, action: ScheduledAction) -> None:
    """Have it act at its start."""
    if action.timer:
        action.timer.cancel()
    seconds = max(0.0, (action.start - place.clock.now()).total_seconds())
    action.timer = place.clock.after(seconds, lambda: _act(place, action))


def drop_action(place: Place, action: ScheduledAction) -> None:
    if action.timer:
        action.timer.cancel()
    place.table(ScheduledAction).pop(action.arn, None)


@when_deleted
def drop_actions(place: Place, group: AutoScalingGroup) -> None:
    for action in actions_of(place, group.name):
        drop_action(place, action)


def _act(place: Place, action: ScheduledAction) -> None:
    """What comes while ScheduledActions is suspended is passed over, and not made up for."""
    following = action.next_after(action.start)
    group = place.table(AutoScalingGroup).get(action.group_name)
    if group is not None and not group.deleting and group.runs("ScheduledActions"):
        _resize(place, group, action)
    if following is None:
        drop_action(place, action)
        return
    action.start = following
    arm(place, action)


def _resize(place: Place, group: AutoScalingGroup, action: ScheduledAction) -> None:
    """Minimum and maximum that would not fit together with the group's others change nothing."""
    minimum = group.minimum if action.minimum is None else action.minimum
    maximum = group.maximum if action.maximum is None else action.maximum
    if minimum > maximum:
        return
    group.minimum, group.maximum = minimum, maximum
    said = {"min": action.minimum, "max": action.maximum, "desired": action.desired}
    constraints = ", ".join(f"{name}: {value}" for name, value in said.items() if value is not None)
    cause = f"a scheduled action update of AutoScalingGroup constraints to {constraints}"
    set_capacity(place, group, group.desired if action.desired is None else action.desired, cause)


def action_view(action: ScheduledAction) -> Mapping[str, Any]:
    return {
        "AutoScalingGroupName": action.group_name,
        "ScheduledActionName": action.name,
        "ScheduledActionARN": action.arn,
        "Time": action.start,
        "StartTime": action.start,
        "EndTime": action.end,
        "Recurrence": action.recurrence,
        "TimeZone": action.time_zone,
        "MinSize": action.minimum,
        "MaxSize": action.maximum,
        "DesiredCapacity": action.desired,
    }
