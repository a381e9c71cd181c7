"""Parties that the rules cannot tell apart, so that 500 callers of 500 servers are judged once."""

from sandbox.firewall import Firewall, covering
from sandbox.parties import Party
from sandbox.reach import Reach, judge, judge_network
from sandbox.world import Place

Likes = tuple[object, ...]  # equal for parties that are judged alike


class Likeness:
    """Valid until the next change."""

    def __init__(self, place: Place) -> None:
        self._firewall = Firewall(place)
        self._cidrs = self._firewall.cidrs()
        self._likes: dict[str, Likes] = {}
        self._allowed: set[tuple[Likes, Likes, int, str]] = set()

    def of(self, one: Party) -> Likes:
        """What the rules see of a party: all but its name, and which address of a range it has."""
        known = self._likes.get(one.ref)
        if known is None:
            known = self._likes[one.ref] = (
                one.kind,
                bool(one.down),
                one.vpc_id,
                one.groups,
                one.link_vpc,
                one.link_groups,
                covering(self._cidrs, one.nets),
                covering(self._cidrs, one.public_nets),
                one.online,
                one.calls_out,
                one.ports,
            )
        return known

    def judge(self, source: Party, target: Party, port: int, protocol: str) -> Reach:
        """As reach.judge, for a source that has `target` among its members if it is a load balancer."""
        key = (self.of(source), self.of(target), port, protocol)
        if key in self._allowed:
            return Reach(True, "as others of its kind")
        verdict = judge(self._firewall, source, target, port, protocol)
        if verdict.ok:
            self._allowed.add(key)
        return verdict

    def lets_through(self, source: Party, target: Party, port: int, protocol: str) -> bool:
        """As reach.judge_network: whether a call arrives, whoever is there to answer it."""
        if (self.of(source), self.of(target), port, protocol) in self._allowed:
            return True
        return judge_network(self._firewall, source, target, port, protocol).ok
