"""Who has been called, and when: what load balancers and databases have to tell CloudWatch.

Taken down by whoever watches the declared flows: each flow's callers go on calling, wherever that leads them.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sandbox.world import Place


@dataclass
class Spell:
    """The callers of one flow came to one thing, on one port; `served` or not. `ended` None: they still do."""

    flow: str
    port: int
    served: bool
    began: datetime
    ended: datetime | None = None

    def seconds(self, since: datetime, until: datetime) -> float:
        """How much of that time it took up."""
        ended = min(self.ended or until, until)
        return max(0.0, (ended - max(self.began, since)).total_seconds())


@dataclass
class Visited:
    """By its ref: everything that ever came to one thing; what is gone keeps it, as CloudWatch does."""

    visible_at: datetime
    spells: list[Spell] = field(default_factory=list)
    going_on: dict[str, Spell] = field(default_factory=dict)  # by flow

    def note(self, flow: str, port: int, served: bool, now: datetime) -> None:
        known = self.going_on.get(flow)
        if known and (known.port, known.served) == (port, served):
            return
        self.end(flow, now)
        self.going_on[flow] = Spell(flow, port, served, now)
        self.spells.append(self.going_on[flow])

    def end(self, flow: str, now: datetime) -> None:
        if known := self.going_on.pop(flow, None):
            known.ended = now


Came = Mapping[str, tuple[int, bool]]  # by ref of what was come to: the port, and whether anybody served there


def note(place: Place, came: Iterable[tuple[str, Came]]) -> None:
    """From now on the flows' callers come to these, by the flow's id, and to no others."""
    now, table = place.clock.now(), place.table(Visited)
    for flow, visits in came:
        for ref, (port, served) in visits.items():
            table.setdefault(ref, Visited(now)).note(flow, port, served, now)
        for ref, visited in table.items():
            if ref not in visits:
                visited.end(flow, now)


def spells(place: Place, ref: str) -> Iterator[Spell]:
    visited = place.table(Visited).get(ref)
    yield from visited.spells if visited else ()
