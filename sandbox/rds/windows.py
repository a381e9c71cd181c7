"""Maintenance windows: when what waits for one is applied."""

import re
from datetime import datetime, timedelta

from sandbox.rds.refusals import invalid_value

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WINDOW = re.compile(r"(mon|tue|wed|thu|fri|sat|sun):([01]\d|2[0-3]):([0-5]\d)-(?:[a-z]{3}):\d\d:\d\d")


def check_window(window: str) -> None:
    """Raises InvalidParameterValue unless it reads like sun:05:00-sun:05:30 (UTC)."""
    if not _WINDOW.fullmatch(window.lower()):
        raise invalid_value(f"Invalid maintenance window format: {window}")


def seconds_until(window: str, now: datetime) -> float:
    """From `now` to the next time the window opens; never 0, so that one opening is used once."""
    match = _WINDOW.fullmatch(window.lower())
    if match is None:
        raise invalid_value(f"Invalid maintenance window format: {window}")
    day, hour, minute = match.groups()
    opens = now.replace(hour=int(hour), minute=int(minute), second=0, microsecond=0)
    opens += timedelta(days=(_DAYS.index(day) - now.weekday()) % 7)
    if opens <= now:
        opens += timedelta(days=7)
    return (opens - now).total_seconds()
