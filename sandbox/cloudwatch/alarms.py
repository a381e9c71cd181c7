"""Alarms on metrics: what one is, finding one, and what follows when its state is set."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.errors import AwsError
from sandbox.world import Place

UNCHECKED = "Unchecked: Initial alarm creation"
_ACTIONS_IN = {"ALARM": "AlarmActions", "OK": "OKActions", "INSUFFICIENT_DATA": "InsufficientDataActions"}


@dataclass
class Alarm:
    """`settings` is what PutMetricAlarm was told, by its names, without ActionsEnabled and Tags."""

    name: str
    arn: str
    settings: Mapping[str, Any]
    configured_at: datetime
    state_at: datetime
    visible_at: datetime
    acts: bool = True
    state: str = "INSUFFICIENT_DATA"
    reason: str = UNCHECKED
    reason_data: str | None = None
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def threshold(self) -> float | None:
        value = self.settings.get("Threshold")
        return None if value is None else float(value)

    def names(self, arn: str) -> bool:
        """Whether any state of this alarm has `arn` for an action."""
        return any(arn in self.settings.get(kind, ()) for kind in _ACTIONS_IN.values())


# Does what an alarm's action says: the alarm, the action's ARN, the metric's newest value if known.
Doing = Callable[[Place, Alarm, str, float | None], None]
_doings: list[tuple[str, Doing]] = []


def does(service: str) -> Callable[[Doing], Doing]:
    """Register who carries out actions whose ARN is of `service`. Topics of SNS have nobody who listens."""

    def register(doing: Doing) -> Doing:
        _doings.append((service, doing))
        return doing

    return register


def find_alarm(place: Place, name: str) -> Alarm:
    """Raises ResourceNotFound."""
    alarm = place.seen(Alarm).get(name)
    if alarm is None:
        raise AwsError("ResourceNotFound", f"The alarm {name} does not exist.", 404)
    return alarm


def put_alarm(place: Place, name: str, settings: Mapping[str, Any], *, acts: bool = True) -> Alarm:
    """Make an alarm, or give the one there is other settings; its state and tags stay."""
    now = place.clock.now()
    alarm = place.table(Alarm).get(name)
    if alarm is None:
        arn = f"arn:aws:cloudwatch:{place.region}:{place.account_id}:alarm:{name}"
        alarm = place.table(Alarm)[name] = Alarm(name, arn, settings, now, now, place.visible_from_now())
    alarm.settings, alarm.configured_at, alarm.acts = settings, now, acts
    return alarm


def set_state(place: Place, alarm: Alarm, state: str, reason: str, reason_data: str | None = None) -> None:
    """Put an alarm into a state and have done what it does then, unless its actions are disabled.

    Each call acts, also one that finds the state there is: an alarm that stays in a state has Auto
    Scaling act again and again. Nothing here measures: a state that was set stays.
    """
    alarm.state, alarm.reason, alarm.reason_data = state, reason, reason_data
    alarm.state_at = place.clock.now()
    if not alarm.acts:
        return
    for arn in alarm.settings.get(_ACTIONS_IN[state], ()):
        for service, doing in _doings:
            if arn.split(":")[2:3] == [service]:
                doing(place, alarm, arn, _newest_value(reason_data))


def _newest_value(reason_data: str | None) -> float | None:
    """The metric's last value, from what CloudWatch itself writes into StateReasonData."""
    if not reason_data:
        return None
    said = json.loads(reason_data)
    points = said.get("recentDatapoints") if isinstance(said, dict) else None
    return float(points[-1]) if points else None


def alarm_view(alarm: Alarm) -> dict[str, Any]:
    lists = {kind: list(alarm.settings.get(kind, ())) for kind in _ACTIONS_IN.values()}
    return {
        **alarm.settings,
        **lists,
        "AlarmArn": alarm.arn,
        "AlarmConfigurationUpdatedTimestamp": alarm.configured_at,
        "ActionsEnabled": alarm.acts,
        "StateValue": alarm.state,
        "StateReason": alarm.reason,
        "StateReasonData": alarm.reason_data,
        "StateUpdatedTimestamp": alarm.state_at,
        "StateTransitionedTimestamp": alarm.state_at,
        "Dimensions": list(alarm.settings.get("Dimensions", ())),
    }
