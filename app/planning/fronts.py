"""What happens behind load balancers: who is behind the one to which callers go, at every moment of a plan.

Callers go to the counterpart from the start of the first step that leads a name there, and to the source until
the last one has ended. Where no name is known they go to whichever has members.
"""

from bisect import insort
from collections.abc import Iterable, Iterator, Sequence

from app.planning.lives import CLASSIC_NETS, Lives, is_balancer
from app.planning.ordering import Edge
from app.planning.plan import Flow, StepId
from app.planning.rules import Call, Caller, Openers
from app.planning.windows import Window

CLASSIC_ONLY = "a load balancer of EC2-Classic takes no members in a VPC"
NAME_LEFT = "its name still leads to the load balancer in EC2-Classic"


def barred(groups: Iterable[str], caller: Caller, call: Call) -> str:
    """What is missing, as a person would ask for it."""
    who = ", ".join(map(_told, caller.groups)) or ("" if caller.nets == CLASSIC_NETS else ", ".join(caller.nets))
    return f"no rule of {', '.join(map(_told, groups)) or 'any group'} admits {who or 'who is in no group'} on {call}"


def _told(group: str) -> str:
    action, slash, subject = group.partition("/")
    return f"the group that '{action}' makes for {subject}" if slash else group


class Fronts:
    """The load balancers of a plan's flows, with who is behind them and on which ports they call them."""

    def __init__(self, flows: Iterable[Flow], lives: Lives, out: frozenset[str]) -> None:
        self._lives = lives
        self._order = lives.order
        self._calls: dict[str, dict[str, set[Call]]] = {}
        self._known: dict[tuple[str, str, Call], list[Window]] = {}
        for flow in flows:
            for balancer in filter(is_balancer, flow.sources):
                behind = self._calls.setdefault(balancer, {})
                for member in flow.targets:
                    if member not in out and self.lets_in(member, balancer, Call.of(flow)):
                        behind.setdefault(member, set()).add(Call.of(flow))

    def alive(self, balancer: str) -> bool:
        """Whether anybody serves behind it beforehand, as far as is known."""
        return balancer not in self._calls or bool(self._calls[balancer])

    def lets_in(self, member: str, balancer: str, call: Call) -> bool:
        """Whether the member's groups in EC2-Classic admit its load balancer beforehand."""
        home, caller = self._lives.home(member), self._lives.home(balancer)
        if home is None or caller is None or self._lives.in_vpc(balancer):
            return True
        return self._lives.rules.openers(home, Caller(caller, CLASSIC_NETS), call).always

    def outage(self, balancer: str) -> Window | None:
        """A load balancer serves while one of its members does: when all of them may be out at once."""
        found = []
        for member, calls in self._calls.get(balancer, {}).items():
            windows = [window for call in calls for window in self.windows(balancer, member, call)]
            if not windows:
                return None
            found.append((min(windows, key=self._opens), max(windows, key=self._closes)))
        if not found:
            return None
        last, back = (
            max((first for first, _ in found), key=self._opens),
            min((end for _, end in found), key=self._closes),
        )
        if self._closed(back, last):
            return None  # one of them is back before another leaves
        return Window(last.opens, back.closes, last.cause, last.detail)

    def least(self, balancer: str, members: Sequence[str], call: Call) -> int:
        """How many of these members it can call at every moment, in whatever order steps run.

        Members stand in rows in which each one is back before the next one leaves: no more can be out at once than
        there are rows. There may be fewer rows than are found here, and then it is more; it is never less.
        """
        out = [windows for each in members if (windows := self.windows(balancer, each, call))]
        rows: list[tuple[float, int, list[Window]]] = []  # the last one out of each, the first one back first
        for number, windows in enumerate(sorted(out, key=lambda found: min(map(self._opens, found)))):
            opens = min(map(self._opens, windows))
            for row in rows:
                if row[0] > opens:  # whoever is back later by the schedule need not be back in every order
                    break
                if all(self._closed(earlier, later) for earlier in row[2] for later in windows):
                    rows.remove(row)
                    break
            insort(rows, (max(map(self._closes, windows)), number, windows))
        return len(members) - len(rows)

    def _closed(self, earlier: Window, later: Window) -> bool:
        """Whether the one has closed whenever the other opens, in whatever order steps run."""
        closes, (step, side) = earlier.closes, later.opens
        if closes == self._order.last:
            return False  # it may last for good
        return self._order.before(closes[0], step) or (side == "end" and closes[0] == step)

    def _opens(self, window: Window) -> float:
        return self._order.time(window.opens)

    def _closes(self, window: Window) -> float:
        return self._order.time(window.closes)

    def windows(self, balancer: str, member: str, call: Call) -> list[Window]:
        """When the load balancer to which callers go cannot call any stand-in of a member."""
        key = (balancer, member, call)
        if key not in self._known:
            self._known[key] = list(self._found(balancer, member, call))
        return self._known[key]

    def _found(self, balancer: str, member: str, call: Call) -> Iterator[Window]:
        if self._lives.in_vpc(balancer):
            yield from self._turnover(balancer, member, call)
        elif not self._lives.made(balancer):
            for down in self._lives.downs(member)[:1]:
                yield Window((down, "start"), self._order.last, "left", CLASSIC_ONLY)
        else:
            shifts = self._lives.shifts(balancer)
            yield from self._behind_the_source(member, shifts)
            yield from self._arrival(balancer, member, call, [step for steps in shifts for step in steps])
            yield from self._turnover(balancer, member, call)

    def _behind_the_source(self, member: str, shifts: list[list[StepId]]) -> Iterator[Window]:
        """As long as a name leads to the source, so must the members be there: it never takes their counterparts."""
        for down in self._lives.downs(member)[:1]:
            for steps in shifts:
                late = [step for step in self._order.ends(steps) if not self._order.before(step, down)]
                if not steps:
                    yield Window((down, "start"), self._order.last, "astray", NAME_LEFT)
                elif late:
                    yield Window((down, "start"), (late[-1], "end"), "gone")

    def _arrival(self, balancer: str, member: str, call: Call, shifts: list[StepId]) -> Iterator[Window]:
        """As the first callers come to the counterpart, some stand-in of each member must be behind it."""
        if not shifts:
            return
        at: Edge = (self._order.starts(shifts)[0], "start")
        ended = self._order.ended(at)
        source_in = [
            each for each in self._lives.registered(balancer, member, False) if self._order.before(each, at[0])
        ]
        twins = self._lives.registered(balancer, member, True)
        twin_in = bool(twins) and all(self._order.before(each, at[0]) for each in twins)
        linked = self._lives.linked(member, ended)
        link = self._lives.link(member)
        source_rules = self._openers(link.groups if link else (), balancer, call)
        if source_in and linked and source_rules.by(ended):
            return
        if twin_in and self._openers(self._lives.joined(member) or (), balancer, call).by(ended):
            return
        if not source_in and not twin_in:
            entries = self._order.ends({*self._lives.registered(balancer, member, False), *twins})
            yield Window(at, (entries[0], "end") if entries else self._order.last, "unregistered")
        elif source_in and not linked:
            yield Window(at, (twins[-1], "end") if twins else self._order.last, "ahead")
        else:
            groups = link.groups if source_in and link else self._lives.joined(member) or ()
            yield self._barred(at, groups, balancer, call)

    def _turnover(self, balancer: str, member: str, call: Call) -> Iterator[Window]:
        """As the source leaves, its counterpart must be behind the load balancer, and let it in."""
        for down in self._lives.leaving(balancer, member)[:1]:
            at: Edge = (down, "start")
            twins = self._lives.registered(balancer, member, True)
            if not twins:
                yield Window(at, self._order.last, "unregistered")
                continue
            late = [twin for twin in twins if not self._order.before(twin, down)]
            if late:
                yield Window(at, (late[-1], "end"), "gone")
            groups = self._lives.joined(member) or ()
            there: Edge = (twins[-1], "end")
            if not self._openers(groups, balancer, call).by(self._order.ended(at) | self._order.ended(there)):
                yield self._barred(max(at, there, key=self._order.time), groups, balancer, call)

    def _openers(self, groups: tuple[str, ...], balancer: str, call: Call) -> Openers:
        return self._lives.rules.openers(groups, self._caller(balancer), call)

    def _caller(self, balancer: str) -> Caller:
        return Caller(self._lives.joined(balancer) or (), self._lives.nets)

    def _barred(self, opens: Edge, groups: tuple[str, ...], balancer: str, call: Call) -> Window:
        steps = self._openers(groups, balancer, call).steps
        closes: Edge = (steps[0], "end") if steps else self._order.last
        return Window(opens, closes, "barred", barred(groups, self._caller(balancer), call))
