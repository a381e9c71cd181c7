"""Parties that the rules cannot tell apart, so that 500 callers of 500 servers are judged once."""

from dataclasses import replace

from sandbox.firewall import Firewall, covering
from sandbox.parties import Party
from sandbox.reach import Reach, judge
from sandbox.world import Place


class Likeness:
    """Valid until the next change."""

    def __init__(self, place: Place) -> None:
        self._firewall = Firewall(place)
        self._cidrs = self._firewall.cidrs()
        self._kinds: dict[str, Party] = {}
        self._known: dict[tuple[Party, Party, int, str], bool] = {}

    def of(self, one: Party) -> Party:
        """The party without what makes no difference: its name, and which address of a range it has."""
        if one.ref not in self._kinds:
            self._kinds[one.ref] = replace(
                one,
                ref="",
                down="down" if one.down else "",
                nets=covering(self._cidrs, one.nets),
                public_nets=covering(self._cidrs, one.public_nets),
                members=frozenset(),
                in_service=frozenset(),
            )
        return self._kinds[one.ref]

    def judge(self, source: Party, target: Party, port: int, protocol: str) -> Reach:
        """As reach.judge, for a source that has `target` among its members if it is a load balancer."""
        key = (self.of(source), self.of(target), port, protocol)
        if self._known.get(key):
            return Reach(True, "as others of its kind")
        verdict = judge(self._firewall, source, target, port, protocol)
        self._known[key] = verdict.ok
        return verdict
