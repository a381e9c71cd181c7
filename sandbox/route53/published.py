"""What Route 53's servers answer, and what callers with a cache still believe."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sandbox.route53.home import everywhere, full_name
from sandbox.route53.records import RecordSet
from sandbox.world import Place

_FURTHEST = 8  # CNAMEs and aliases followed before giving up


@dataclass(frozen=True)
class Resolution:
    """`current` is what the servers answer; `cached` is what else callers may hold, and until when."""

    current: frozenset[str]
    cached: Mapping[str, datetime] = field(default_factory=dict)


@dataclass
class Published:
    """All record sets of one name, as the servers have them, and answers that have not yet expired."""

    name: str
    visible_at: datetime
    records: dict[str, RecordSet] = field(default_factory=dict)
    lingering: dict[str, datetime] = field(default_factory=dict)

    def served(self) -> dict[str, int]:
        """Each answer given at this moment and the seconds for which it may be cached.

        Weighted sets all count, but those of weight 0 only if every one is 0, as in Route 53.
        """
        records = [record for record in self.records.values() if record.type in ("A", "AAAA", "CNAME")]
        weighted = [record for record in records if record.weight]
        if weighted:
            records = weighted
        answers: dict[str, int] = {}
        for record in records:
            for value in _answers_of(record):
                answers[value] = max(answers.get(value, 0), record.cached_for)
        return answers


def publish_later(home: Place, changes: Sequence[tuple[str, RecordSet]]) -> None:
    """Have the servers take up a batch after `durations.dns_change`."""
    home.clock.after(home.durations.dns_change, lambda: _publish(home, changes))


def resolve(place: Place, name: str) -> Resolution:
    """Where `name` leads: DNS names that no zone of the account answers (load balancers, databases)
    without the final dot, and addresses.
    """
    home = everywhere(place)
    now = home.clock.now()
    current: set[str] = set()
    cached: dict[str, datetime] = {}
    for value, until in _follow(home, full_name(name), now, None, _FURTHEST):
        if until is None:
            current.add(value)
        else:
            cached[value] = max(until, cached.get(value, until))
    return Resolution(frozenset(current), {value: until for value, until in cached.items() if value not in current})


def answers(place: Place, name: str) -> set[str]:
    """Everything that some caller may use for `name` at this moment, old answers in caches included."""
    found = resolve(place, name)
    return {*found.current, *found.cached}


def _publish(home: Place, changes: Sequence[tuple[str, RecordSet]]) -> None:
    table, now = home.table(Published), home.clock.now()
    touched = {record.name: table.setdefault(record.name, Published(record.name, now)) for _, record in changes}
    before = {name: published.served() for name, published in touched.items()}
    for action, record in changes:
        if action == "DELETE":
            touched[record.name].records.pop(record.key, None)
        else:
            touched[record.name].records[record.key] = record
    for name, published in touched.items():
        after = published.served()
        for value, ttl in before[name].items():
            if value not in after and ttl > 0:
                published.lingering[value] = now + timedelta(seconds=ttl)
                home.clock.after(ttl, home.changed)
    home.changed()


def _follow(
    home: Place, name: str, now: datetime, until: datetime | None, further: int
) -> Iterator[tuple[str, datetime | None]]:
    published = home.table(Published).get(name)
    if published is None or further == 0:
        yield name.rstrip("."), until
        return
    for value in published.served():
        yield from _next(home, value, now, until, further)
    for value, expires in published.lingering.items():
        if expires > now:
            yield from _next(home, value, now, min(until or expires, expires), further)


def _next(
    home: Place, value: str, now: datetime, until: datetime | None, further: int
) -> Iterator[tuple[str, datetime | None]]:
    if value.endswith("."):
        yield from _follow(home, value, now, until, further - 1)
    else:
        yield value, until


def _answers_of(record: RecordSet) -> list[str]:
    """Names keep a final dot, so that they differ from addresses."""
    if record.alias:
        return [record.alias[1].removeprefix("dualstack.")]
    if record.type == "CNAME":
        return [full_name(value) for value in record.values]
    return list(record.values)
