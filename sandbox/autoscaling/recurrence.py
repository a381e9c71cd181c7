"""Recurrences of scheduled actions: cron's five fields.

Numbers, names of months and days, lists, ranges and steps. Where day of month and day of week are both
restricted, either will do, as in cron. Anything else (L, W, #, @daily, a sixth field) is refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAY_NAMES = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, 1)}
_DAYS = {name: number for number, name in enumerate(_DAY_NAMES)}
_FIELDS: tuple[tuple[str, int, int, Mapping[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of month", 1, 31, {}),
    ("month", 1, 12, _MONTHS),
    ("day of week", 0, 7, _DAYS),
)
_YEARS_AHEAD = 8  # 29 February comes back within eight years, also over the turn of a century


@dataclass(frozen=True)
class Recurrence:
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]  # 0 is Sunday
    any_day: bool
    any_weekday: bool

    @classmethod
    def parse(cls, text: str) -> "Recurrence":
        """Raises ValueError with the part that is not understood."""
        parts = text.split()
        if len(parts) != len(_FIELDS):
            raise ValueError(f"'{text}' has not five fields")
        minutes, hours, days, months, weekdays = (
            _values(part, *known) for part, known in zip(parts, _FIELDS, strict=True)
        )
        return cls(
            minutes,
            hours,
            days,
            months,
            frozenset(day % 7 for day in weekdays),
            parts[2].startswith("*"),
            parts[4].startswith("*"),
        )

    def after(self, moment: datetime) -> datetime | None:
        """The first time later than `moment`, in its own time zone; None for a day that never comes."""
        start = moment.replace(second=0, microsecond=0) + timedelta(minutes=1)
        day = start.replace(hour=0, minute=0)
        last = day + timedelta(days=366 * _YEARS_AHEAD)
        while day <= last:
            if self._on(day):
                for hour in sorted(self.hours):
                    for minute in sorted(self.minutes):
                        found = day.replace(hour=hour, minute=minute)
                        if found >= start:
                            return found
            day += timedelta(days=1)
        return None

    def _on(self, day: datetime) -> bool:
        if day.month not in self.months:
            return False
        of_month, of_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        if self.any_day or self.any_weekday:
            return of_month and of_week
        return of_month or of_week


def _values(text: str, name: str, least: int, most: int, words: Mapping[str, int]) -> frozenset[int]:
    values: set[int] = set()
    for part in text.split(","):
        span, slash, step = part.partition("/")
        first, dash, last = span.partition("-")
        if span == "*":
            low, high = least, most
        else:
            low = _number(first, name, words)
            high = _number(last, name, words) if dash else (most if slash else low)
        if not least <= low <= high <= most or (slash and not (step.isdecimal() and int(step))):
            raise ValueError(f"'{part}' is not a {name} in a recurrence")
        values.update(range(low, high + 1, int(step) if slash else 1))
    return frozenset(values)


def _number(text: str, name: str, words: Mapping[str, int]) -> int:
    if text.lower() in words:
        return words[text.lower()]
    if not text.isdecimal():
        raise ValueError(f"'{text}' is not a {name} in a recurrence")
    return int(text)
