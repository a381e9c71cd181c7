"""Who can call whom at this moment, and why not: from the sandbox's state alone."""

from collections.abc import Iterable
from dataclasses import dataclass

from sandbox.ec2.instances import Instance
from sandbox.elb.load_balancers import LoadBalancer
from sandbox.firewall import Firewall
from sandbox.parties import (
    DATABASE,
    INSTANCE,
    LOAD_BALANCER,
    OUTSIDE,
    Party,
    instance_party,
    load_balancer_party,
    parties,
)
from sandbox.world import Place


@dataclass(frozen=True, slots=True)
class Reach:
    """`why` is a sentence for a person, also where `ok`."""

    ok: bool
    why: str


def reach(place: Place, source: str, target: str, port: int, protocol: str = "tcp") -> Reach:
    """Can `source` call `target` now? Both are refs: instance:i-…, rds_instance:…, load_balancer:…,
    auto_scaling_group:… (every member in service must reach, any may be reached), and as a source also
    internet and cidr:1.2.3.4/32. Raises ValueError for another kind of ref.
    """
    firewall, called = Firewall(place), parties(place, target)
    verdict = Reach(False, f"{source} has nobody to call")
    for caller in parties(place, source):
        verdicts = (judge(firewall, caller, one, port, protocol) for one in called)
        verdict = _any_of(verdicts)
        if not verdict.ok:
            return verdict
    return verdict


def _any_of(verdicts: Iterable[Reach]) -> Reach:
    """The first that is ok, else the last."""
    last = Reach(False, "there is nobody to call")
    for last in verdicts:
        if last.ok:
            break
    return last


class Checker:
    """A load balancer's health checks, valid until the next change. It checks also while nobody is in service."""

    def __init__(self, place: Place, balancer: LoadBalancer) -> None:
        self._place = place
        self._firewall = Firewall(place)
        self._from = load_balancer_party(place, balancer)
        self._port = balancer.health_check.port

    def reaches(self, instance: Instance) -> bool:
        """Would a check get through?"""
        target = instance_party(self._place, instance)
        return not target.down and judge_network(self._firewall, self._from, target, self._port, "tcp").ok


def judge(firewall: Firewall, source: Party, target: Party, port: int, protocol: str) -> Reach:
    """As `reach`, for parties: both must be up, and the network must let the call pass."""
    if source.down or target.down:
        return Reach(False, source.down or target.down)
    if source.kind == LOAD_BALANCER and target.name not in source.members:
        return Reach(False, f"{target.ref} is not registered with {source.name}")
    return judge_network(firewall, source, target, port, protocol)


def judge_network(firewall: Firewall, source: Party, target: Party, port: int, protocol: str) -> Reach:
    """The path and the rules alone. aws-facts A1, A2"""
    if target.kind == OUTSIDE:
        if source.calls_out:
            return Reach(True, f"{source.ref} has a way to the internet")
        return Reach(False, f"{source.ref} has no way to the internet")
    if protocol == "tcp" and target.ports is not None and port not in target.ports:
        return Reach(False, f"{target.ref} does not listen on port {port}")
    if source.kind == OUTSIDE:
        return _from_outside(firewall, source, target, port, protocol)
    if source.vpc_id is None and target.vpc_id is None:
        return _within_classic(firewall, source, target, port, protocol)
    if _vpc_of(source, target) is not None:
        return _within_vpc(firewall, source, target, port, protocol)
    if target.kind == LOAD_BALANCER and target.online and source.calls_out:
        return _from_outside(firewall, source, target, port, protocol)
    return Reach(False, _no_path(source, target))


def _within_classic(firewall: Firewall, source: Party, target: Party, port: int, protocol: str) -> Reach:
    """Classic groups rule, and nothing is refused on the way out. Linked instances do not talk to
    each other through the VPC, so a link changes nothing here. aws-facts A1
    """
    if target.kind == LOAD_BALANCER:
        return Reach(True, f"load balancers in EC2-Classic take in whoever calls, {target.name} too")
    nets = source.nets | source.public_nets
    if target.kind == DATABASE:
        ok = firewall.db_lets_in(target.groups, source.groups, nets)
        return _by_rule(ok, "a DB security group", source, target, port)
    ok = firewall.lets_in(target.groups, source.groups, nets, port, protocol)
    return _by_rule(ok, "a security group of EC2-Classic", source, target, port)


def _within_vpc(firewall: Firewall, source: Party, target: Party, port: int, protocol: str) -> Reach:
    """VPC groups rule both ends; those of its link are a Classic instance's VPC groups. aws-facts A1"""
    ours = source.groups if source.vpc_id else source.link_groups
    theirs = target.groups if target.vpc_id else target.link_groups
    if not firewall.lets_out(ours, theirs, target.nets, port, protocol):
        return Reach(False, f"no outbound rule of {_list(ours)} allows {source.ref} to call {target.ref}")
    ok = firewall.lets_in(theirs, ours, source.nets, port, protocol)
    return _by_rule(ok, f"a security group of {_vpc_of(source, target)}", source, target, port)


def _from_outside(firewall: Firewall, source: Party, target: Party, port: int, protocol: str) -> Reach:
    """Over the internet groups mean nothing: rules that name addresses decide."""
    if not target.online:
        return Reach(False, f"{target.ref} cannot be called from the internet")
    nobody: frozenset[str] = frozenset()
    if target.kind == LOAD_BALANCER and target.vpc_id is None:
        return Reach(True, f"load balancers in EC2-Classic take in whoever calls, {target.name} too")
    if target.kind == DATABASE and target.vpc_id is None:
        ok = firewall.db_lets_in(target.groups, nobody, source.public_nets)
    else:
        ok = firewall.lets_in(target.groups, nobody, source.public_nets, port, protocol)
    return _by_rule(ok, "a rule for addresses", source, target, port)


def _vpc_of(source: Party, target: Party) -> str | None:
    """The VPC through which the two have a path; at least one of the two is in it."""
    if source.vpc_id and target.vpc_id:
        return source.vpc_id if source.vpc_id == target.vpc_id else None
    inside, linked = (source, target) if source.vpc_id else (target, source)
    if linked.link_vpc is None or linked.link_vpc != inside.vpc_id:
        return None
    return inside.vpc_id


def _no_path(source: Party, target: Party) -> str:
    if source.vpc_id and target.vpc_id:
        return f"{source.ref} is in {source.vpc_id}, {target.ref} in {target.vpc_id}"
    if source.vpc_id and target.kind != INSTANCE:
        return f"nothing in a VPC can call {target.ref}, a managed service in EC2-Classic"
    linked, vpc_id = (target, source.vpc_id) if source.vpc_id else (source, target.vpc_id)
    if linked.kind != INSTANCE:
        return f"{linked.ref} is in EC2-Classic and cannot be linked to {vpc_id}"
    return f"{linked.ref} is in EC2-Classic and not linked to {vpc_id}"


def _by_rule(ok: bool, what: str, source: Party, target: Party, port: int) -> Reach:
    if ok:
        return Reach(True, f"{what} lets {source.ref} in on port {port} of {target.ref}")
    return Reach(False, f"no rule of {what} lets {source.ref} in on port {port} of {target.ref}")


def _list(groups: frozenset[str]) -> str:
    return ", ".join(sorted(groups)) or "its (no) groups"
