"""Whom the groups of a VPC let in, and from which steps on (aws-facts A2)."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_network

from app.planning.effects import Opens
from app.planning.ordering import Ordering
from app.planning.plan import Flow, StepId

Groups = tuple[str, ...]
PORTED = ("tcp", "udp")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, as a rule sees it: its groups, and the ranges its calls come from."""

    groups: Groups = ()
    nets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    protocol: str
    from_port: int | None
    to_port: int | None

    @classmethod
    def of(cls, flow: Flow) -> "Call":
        return cls(flow.protocol, flow.from_port, flow.to_port)

    def __str__(self) -> str:
        if self.protocol == "-1":
            return "any protocol"
        if self.from_port is None or self.protocol not in PORTED:
            return self.protocol
        ports = str(self.from_port) if self.to_port == self.from_port else f"{self.from_port}-{self.to_port}"
        return f"{self.protocol} {ports}"


@dataclass(frozen=True, slots=True)
class Openers:
    """The steps of which any one lets a caller in; `always`: he was let in from the beginning."""

    always: bool
    mask: int
    steps: tuple[StepId, ...]

    def by(self, ended: int) -> bool:
        """Whether he is let in once the marked steps `ended` have."""
        return self.always or bool(self.mask & ended)


class Rules:
    """All rules there are and will be. The steps that add some are marked in `order`."""

    def __init__(self, opens: Iterable[tuple[Opens, StepId | None]], order: Ordering) -> None:
        self._order = order
        self._of: dict[str, list[tuple[Opens, StepId | None]]] = {}
        for rule, step in opens:
            self._of.setdefault(rule.group, []).append((rule, step))
        self._known: dict[tuple[Groups, Caller, Call], Openers] = {}

    def openers(self, groups: Groups, caller: Caller, call: Call) -> Openers:
        """Who lets `caller` in to what is in `groups`."""
        key = (groups, caller, call)
        if key not in self._known:
            rules = (rule for group in groups for rule in self._of.get(group, ()))
            steps = {step for rule, step in rules if _fits(rule, call) and _names(rule.source, caller)}
            named = tuple(self._order.ends(step for step in steps if step is not None))
            mask = 0
            for step in named:
                mask |= self._order.bit(step)
            self._known[key] = Openers(None in steps, mask, named)
        return self._known[key]


def _fits(rule: Opens, call: Call) -> bool:
    if rule.protocol == "-1":
        return True
    if rule.protocol != call.protocol:
        return False
    if rule.protocol not in PORTED or rule.from_port is None or rule.to_port is None:
        return True
    if call.from_port is None or call.to_port is None:
        return False
    return rule.from_port <= call.from_port and call.to_port <= rule.to_port


def _names(source: str, caller: Caller) -> bool:
    if source in caller.groups:
        return True
    return "/" in source and "." in source and bool(caller.nets) and all(_covers(source, net) for net in caller.nets)


@lru_cache(maxsize=50_000)
def _covers(cidr: str, net: str) -> bool:
    """Whether `cidr` is a range that holds the whole of `net`."""
    try:
        wide, narrow = ip_network(cidr, strict=False), ip_network(net, strict=False)
    except ValueError:  # a step's id
        return False
    if wide.version == 4 and narrow.version == 4:
        return narrow.subnet_of(wide)
    return False
