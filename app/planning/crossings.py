"""Calls between those who are in the VPC and those who are still in EC2-Classic, and calls within the VPC:
they take a link of the one that is not there, and a rule of a group in the VPC (aws-facts A1, A2)."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from app.planning.fronts import barred
from app.planning.lives import CLASSIC_NETS, Lives, is_outside
from app.planning.ordering import Edge
from app.planning.plan import StepId
from app.planning.rules import Call, Caller, Groups, Openers
from app.planning.windows import Window, Windows


@dataclass
class Alike:
    """Parties that the rules cannot tell apart. `joined` None: no counterpart. `awaited`: the steps that link
    them, `made`: those that put their counterparts in service, as bits."""

    link: Groups | None
    joined: Groups | None
    in_vpc: bool
    refs: list[str] = field(default_factory=list)
    awaited: int = 0
    made: int = 0


@dataclass(frozen=True, slots=True)
class _Ask:
    """Whether a caller is let in by groups; and by whom he would be."""

    groups: Groups
    caller: Caller
    openers: Openers


class Crossings:
    """The calls of one flow; what cannot be proved goes into its windows."""

    def __init__(self, lives: Lives, call: Call, windows: Windows) -> None:
        self._lives = lives
        self._order = lives.order
        self._call = call
        self._windows = windows

    def alike(self, refs: Iterable[str]) -> list[Alike]:
        found: dict[tuple[Groups | None, Groups | None, bool], Alike] = {}
        for ref in refs:
            link, joined, in_vpc = self._lives.link(ref), self._lives.joined(ref), self._lives.in_vpc(ref)
            groups = link.groups if link else None
            alike = found.setdefault((groups, joined, in_vpc), Alike(groups, joined, in_vpc))
            alike.refs.append(ref)
            if link and link.step:
                alike.awaited |= self._order.bit(link.step)
            for step in self._lives.ups(ref):
                alike.made |= self._order.bit(step)
        return list(found.values())

    # -- the source calls the counterpart ----------------------------------------------------------

    def left(self, callers: list[Alike], target: str) -> None:
        """Those still in EC2-Classic, once the target is not."""
        downs, joined = self._lives.downs(target), self._lives.joined(target)
        if not downs or joined is None:
            return
        ended = self._relied_on(target, downs[0])
        for alike in callers:
            ask = self._ask(joined, Caller(alike.link or (), CLASSIC_NETS))
            if not alike.in_vpc and not self._reached(alike, ask, ended):
                for source in alike.refs:
                    if source != target and not self._leaves_by(source, downs[0]):
                        self._left_by(source, target, ask, (downs[0], "start"), ended)

    def _left_by(self, source: str, target: str, ask: _Ask, opens: Edge, ended: int) -> None:
        closes = self._lives.leaves(source) or self._order.last
        if not self._lives.linked(source, ended):
            self._windows.add(Window(opens, closes, "left"), {source}, {target})
        elif not ask.openers.by(ended):
            closes = min(closes, self._opening(ask), key=self._order.time)
            self._windows.add(Window(opens, closes, "barred", self._missing(ask)), {source}, {target})

    def _leaves_by(self, source: str, down: StepId) -> bool:
        leaves = self._lives.leaves(source)
        return leaves is not None and (leaves[0] == down or self._order.before(leaves[0], down))

    def from_outside(self, sources: Iterable[str], target: str) -> None:
        """Over the internet groups mean nothing: rules that name addresses decide."""
        downs, ups = self._lives.downs(target, outside=True), self._lives.ups(target, outside=True)
        joined = self._lives.joined(target)
        if not downs or not ups or joined is None:
            return
        edges: list[Edge] = [(downs[0], "start"), (ups[-1], "end")]
        opens = max(edges, key=self._order.time)
        ended = self._relied_on(target, downs[0], outside=True)
        for source in sources:
            self._bar({source}, target, self._ask(joined, _outsider(source)), opens, ended)

    def at_the_door(self, sources: Iterable[str], balancer: str) -> None:
        """Whom the counterpart of a load balancer lets in, as callers come to it."""
        joined = self._lives.joined(balancer)
        if not self._lives.made(balancer) or joined is None:
            return
        shifts = self._order.starts(step for steps in self._lives.shifts(balancer) for step in steps)
        opens: Edge = (shifts[0], "start") if shifts else (self._lives.made_by(balancer), "end")
        for source in sources:
            caller = _outsider(source) if is_outside(source) else Caller(nets=CLASSIC_NETS)
            self._bar({source}, balancer, self._ask(joined, caller), opens, self._order.ended(opens))

    # -- the counterpart calls the source ------------------------------------------------------------

    def ahead(self, callers: Alike, targets: list[Alike]) -> None:
        """Those in the VPC, while the target is not."""
        if callers.joined is None:
            return
        asks = [
            (alike, self._ask(alike.link or (), Caller(callers.joined, self._lives.nets)))
            for alike in targets
            if not alike.in_vpc
        ]
        for source in callers.refs:
            enters = self._lives.enters(source)
            ended = self._order.ended(enters)
            for alike, ask in asks if enters else ():
                if (alike.made and not alike.made & ~ended) or self._reached(alike, ask, ended):
                    continue
                for target in alike.refs:
                    if enters and target != source and not self._up_by(target, ended):
                        self._ahead_of(source, target, ask, enters, ended)

    def _ahead_of(self, source: str, target: str, ask: _Ask, opens: Edge, ended: int) -> None:
        ups = self._lives.ups(target)
        closes: Edge = (ups[-1], "end") if ups else self._order.last
        if not self._lives.linked(target, ended):
            self._windows.add(Window(opens, closes, "ahead"), {source}, {target})
        elif not ask.openers.by(ended):
            closes = min(closes, self._opening(ask), key=self._order.time)
            self._windows.add(Window(opens, closes, "barred", self._missing(ask)), {source}, {target})

    def _up_by(self, target: str, ended: int) -> bool:
        ups = self._lives.ups(target)
        return bool(ups) and all(self._order.bit(up) & ended for up in ups)

    # -- the counterpart calls the counterpart -------------------------------------------------------

    def both_moved(self, callers: Alike, called: Alike) -> None:
        """Those in the VPC, when the target is there too."""
        if callers.joined is None or called.joined is None or (callers.in_vpc and called.in_vpc):
            return
        ask = self._ask(called.joined, Caller(callers.joined, self._lives.nets))
        entering = {source: self._lives.enters(source) for source in callers.refs}
        late = [source for source, edge in entering.items() if not ask.openers.by(self._order.ended(edge))]
        for target in called.refs if late else ():
            downs = self._lives.downs(target)
            if not downs and self._lives.link(target):
                continue  # the source stays where it can be called
            ups: list[Edge] = [(up, "end") for up in self._lives.ups(target)[-1:]]
            ended = self._relied_on(target, downs[0]) if downs else self._order.ended(ups[0] if ups else None)
            sources = {source for source in late if source != target}
            enters = [edge for source in sources if (edge := entering[source])]
            first = [min(enters, key=self._order.time)] if enters else []
            if sources and (first or ups):
                self._bar(sources, target, ask, max([*first, *ups], key=self._order.time), ended)

    # -- what is proved ------------------------------------------------------------------------------

    def _reached(self, alike: Alike, ask: _Ask, ended: int) -> bool:
        """Whether all of them are linked and let in once the marked steps `ended` have."""
        return alike.link is not None and not alike.awaited & ~ended and ask.openers.by(ended)

    def _relied_on(self, target: str, down: StepId, outside: bool = False) -> int:
        """What is true whenever callers have nobody but the counterpart, which serves by then."""
        ups = self._lives.ups(target, outside)
        return self._order.ended((down, "start")) | (self._order.ended((ups[-1], "end")) if ups else 0)

    def _ask(self, groups: Groups, caller: Caller) -> _Ask:
        return _Ask(groups, caller, self._lives.rules.openers(groups, caller, self._call))

    def _bar(self, sources: set[str], target: str, ask: _Ask, opens: Edge, ended: int) -> None:
        if not ask.openers.by(ended):
            window = Window(opens, self._opening(ask), "barred", self._missing(ask))
            self._windows.add(window, sources, {target})

    def _opening(self, ask: _Ask) -> Edge:
        """When the first of the steps that let a caller in has ended."""
        return (ask.openers.steps[0], "end") if ask.openers.steps else self._order.last

    def _missing(self, ask: _Ask) -> str:
        return barred(ask.groups, ask.caller, self._call)


def _outsider(source: str) -> Caller:
    """By the addresses he calls from."""
    return Caller(nets=(source.partition(":")[2],))
