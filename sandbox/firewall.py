"""The rules of security groups of both platforms, and of DB security groups, on one call."""

import ipaddress
from collections.abc import Iterable
from functools import lru_cache

from sandbox.ec2.groups import Permission, SecurityGroup
from sandbox.rds.db_security_groups import DbSecurityGroup
from sandbox.world import Place


class Firewall:
    """The rules of a place as they are while this object lives: make a new one after a change."""

    def __init__(self, place: Place) -> None:
        self._groups = place.table(SecurityGroup)
        self._db_groups = place.table(DbSecurityGroup)

    def lets_in(
        self, groups: Iterable[str], callers: frozenset[str], nets: frozenset[str], port: int, protocol: str
    ) -> bool:
        """Does a rule of `groups` admit somebody who is in the groups `callers` or calls from `nets`?"""
        rules = (rule for one in groups for rule in self._ingress(one))
        return any(_fits(rule, port, protocol) and _names(rule, callers, nets) for rule in rules)

    def lets_out(
        self, groups: Iterable[str], called: frozenset[str], nets: frozenset[str], port: int, protocol: str
    ) -> bool:
        """Does a rule of `groups`, of a VPC, allow calling somebody in the groups `called` or in `nets`?"""
        rules = (rule for one in groups for rule in self._egress(one))
        return any(_fits(rule, port, protocol) and _names(rule, called, nets) for rule in rules)

    def db_lets_in(self, db_groups: Iterable[str], callers: frozenset[str], nets: frozenset[str]) -> bool:
        """DB security groups have no port: who is let in reaches the DB's own. aws-facts A2"""
        for name in db_groups:
            group = self._db_groups.get(name)
            for rule in group.in_force() if group else ():
                if rule.group_id in callers or (rule.cidr and _covers_any(rule.cidr, nets)):
                    return True
        return False

    def cidrs(self) -> frozenset[str]:
        """Every CIDR a rule mentions: addresses that lie in the same ones are judged alike."""
        found = {
            cidr
            for group in self._groups.values()
            for rule in (*group.ingress, *group.egress)
            for cidr in (rule.cidr, rule.cidr_v6)
            if cidr
        }
        found |= {rule.cidr for group in self._db_groups.values() for rule in group.ingress if rule.cidr}
        return frozenset(found)

    def _ingress(self, group_id: str) -> list[Permission]:
        group = self._groups.get(group_id)
        return group.ingress if group else []

    def _egress(self, group_id: str) -> list[Permission]:
        group = self._groups.get(group_id)
        return group.egress if group else []


def covering(cidrs: Iterable[str], nets: Iterable[str]) -> frozenset[str]:
    """Those of `cidrs` that contain one of `nets`."""
    wanted = list(nets)
    return frozenset(cidr for cidr in cidrs if any(_covers(cidr, net) for net in wanted))


def _fits(rule: Permission, port: int, protocol: str) -> bool:
    if rule.protocol == "-1":
        return True
    if rule.protocol != protocol:
        return False
    if protocol not in ("tcp", "udp") or rule.from_port is None or rule.to_port is None:
        return True
    return rule.from_port <= port <= rule.to_port


def _names(rule: Permission, groups: frozenset[str], nets: frozenset[str]) -> bool:
    if rule.group_id in groups:
        return True
    return any(cidr is not None and _covers_any(cidr, nets) for cidr in (rule.cidr, rule.cidr_v6))


def _covers_any(cidr: str, nets: frozenset[str]) -> bool:
    return any(_covers(cidr, net) for net in nets)


@lru_cache(maxsize=200_000)
def _covers(cidr: str, net: str) -> bool:
    wide, narrow = ipaddress.ip_network(cidr, strict=False), ipaddress.ip_network(net, strict=False)
    if isinstance(wide, ipaddress.IPv4Network) and isinstance(narrow, ipaddress.IPv4Network):
        return narrow.subnet_of(wide)
    if isinstance(wide, ipaddress.IPv6Network) and isinstance(narrow, ipaddress.IPv6Network):
        return narrow.subnet_of(wide)
    return False
