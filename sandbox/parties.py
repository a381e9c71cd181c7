"""Who takes part in a call: what instances, databases, load balancers and the internet are at a moment."""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass

from sandbox.autoscaling.groups import AutoScalingGroup
from sandbox.ec2.classic_link import ClassicLink
from sandbox.ec2.groups import ELB_GROUP_ID
from sandbox.ec2.instances import Instance
from sandbox.ec2.internet_gateways import InternetGateway
from sandbox.ec2.nat_gateways import NatGateway
from sandbox.ec2.routing import route_to, table_of_subnet
from sandbox.ec2.subnets import Subnet
from sandbox.ec2.vpcs import Vpc
from sandbox.elb.load_balancers import LoadBalancer
from sandbox.rds.db_instances import DbInstance, answering
from sandbox.rds.db_subnet_groups import DbSubnetGroup
from sandbox.world import Place

INSTANCE, DATABASE, LOAD_BALANCER, OUTSIDE = "instance", "rds_instance", "load_balancer", "internet"
FLEET = "auto_scaling_group"  # not a party itself: its members are
_ANYWHERE = "0.0.0.0/0"
_SOME_PUBLIC_ADDRESS = "8.8.8.8"
_CLASSIC_BALANCERS = "10.255.255.0/24"  # Classic load balancers call from somewhere in 10.0.0.0/8


@dataclass(frozen=True, slots=True)
class Party:
    """One end of a call, at one moment; equal but for `ref` and `nets` means judged alike by groups.

    `groups` are of the platform it is in; `link_groups` those of its ClassicLink. `nets` is where
    its calls come from and go to, as CIDRs, `public_nets` the same seen from the internet.
    `online`: the internet can call it; `calls_out`: it can call the internet.
    """

    ref: str
    kind: str
    down: str = ""  # why it is not up
    vpc_id: str | None = None
    groups: frozenset[str] = frozenset()
    link_vpc: str | None = None
    link_groups: frozenset[str] = frozenset()
    nets: frozenset[str] = frozenset()
    public_nets: frozenset[str] = frozenset()
    online: bool = False
    calls_out: bool = False
    ports: frozenset[int] | None = None  # None: whatever the groups let in
    members: frozenset[str] = frozenset()
    in_service: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        return self.ref.partition(":")[2]


def check_ref(ref: str, where: str) -> None:
    """Raises ValueError, naming `where` it stood, for a ref of no kind that can call or be called."""
    kind, _, name = ref.partition(":")
    if kind == "cidr":
        ipaddress.ip_network(name, strict=False)
    elif kind != OUTSIDE and (kind not in {FLEET, *_MAKERS} or not name):
        known = "instance:, auto_scaling_group:, rds_instance:, load_balancer:, internet, cidr:"
        raise ValueError(f"{ref!r} of {where} is none of {known}")


def members(place: Place, ref: str) -> list[str]:
    """Refs of the members that a group's ref stands for: those in service, and those that leave as long
    as a load balancer lets their connections end.
    """
    group = place.table(AutoScalingGroup).get(ref.partition(":")[2])
    if group is None:
        return []
    leaving = {one.instance_id for one in group.members.values() if one.terminating}
    drained_of = (leaving & balancer.draining for balancer in place.table(LoadBalancer).values()) if leaving else ()
    serving = {one.instance_id for one in group.in_service}.union(*drained_of)
    return [f"{INSTANCE}:{one}" for one in group.members if one in serving]


def parties(place: Place, ref: str) -> list[Party]:
    """All that a ref stands for: one, or the members of a group that count; never nobody."""
    check_ref(ref, "this question")
    if not ref.startswith(FLEET):
        return [party(place, ref)]
    found = [party(place, one) for one in members(place, ref)]
    return found or [Party(ref, INSTANCE, down=f"no member of {ref} is in service")]


def party(place: Place, ref: str) -> Party:
    """The party a ref names. Raises ValueError for a ref of no kind that can call or be called, and for a
    group: see `parties`.
    """
    check_ref(ref, "this question")
    kind, _, name = ref.partition(":")
    if kind == FLEET:
        raise ValueError(f"{ref} stands for its members, not for one party")
    if kind in (OUTSIDE, "cidr"):
        nets = frozenset({name or _ANYWHERE})
        return Party(ref, OUTSIDE, public_nets=nets, online=True, calls_out=True)
    return _MAKERS[kind](place, ref, name)


def instance_party(place: Place, instance: Instance) -> Party:
    link = place.table(ClassicLink).get(instance.id)
    down = "" if instance.answers(place.clock.now()) else f"{instance.id} is {_condition(instance)}"
    online = bool(instance.public_ip) and has_way_out(place, instance.vpc_id, instance.subnet_id)
    outward = instance.public_ip if online else _translated(place, instance)
    return Party(
        ref=f"{INSTANCE}:{instance.id}",
        kind=INSTANCE,
        down=down,
        vpc_id=instance.vpc_id,
        groups=frozenset(instance.group_ids),
        link_vpc=link.vpc_id if link else None,
        link_groups=frozenset(link.group_ids) if link else frozenset(),
        nets=_net(instance.private_ip),
        public_nets=_net(outward),
        online=online,
        calls_out=bool(outward),
    )


def load_balancer_party(place: Place, balancer: LoadBalancer) -> Party:
    in_classic = balancer.vpc_id is None
    subnets = place.table(Subnet)
    cidrs = {subnets[one].cidr for one in balancer.subnets if one in subnets}
    return Party(
        ref=f"{LOAD_BALANCER}:{balancer.name}",
        kind=LOAD_BALANCER,
        down="" if balancer.in_service_ids else f"{balancer.name} has no member in service",
        vpc_id=balancer.vpc_id,
        groups=frozenset({ELB_GROUP_ID}) if in_classic else frozenset(balancer.group_ids),
        nets=frozenset({_CLASSIC_BALANCERS}) if in_classic else frozenset(cidrs),
        online=balancer.scheme == "internet-facing"
        and (in_classic or any(has_way_out(place, balancer.vpc_id, one) for one in balancer.subnets)),
        ports=frozenset(listener.port for listener in balancer.listeners),
        members=frozenset(balancer.members),
        in_service=frozenset(balancer.in_service_ids),
    )


def database_party(place: Place, db: DbInstance) -> Party:
    group = place.table(DbSubnetGroup).get(db.subnet_group or "")
    subnets = [place.table(Subnet)[one] for one in (group.subnet_ids if group else [])]
    home = [one for one in subnets if one.zone == db.zone]
    reachable = all(has_way_out(place, one.vpc_id, one.id) for one in home)
    in_classic = db.vpc_id is None
    return Party(
        ref=f"{DATABASE}:{db.identifier}",
        kind=DATABASE,
        down="" if answering(place, db) else f"{db.identifier} is {db.status}",
        vpc_id=db.vpc_id,
        groups=frozenset(db.db_security_groups if in_classic else db.vpc_security_group_ids),
        nets=frozenset(one.cidr for one in home),
        online=db.publicly_accessible and reachable,
        ports=frozenset({db.port}),
    )


def has_way_out(place: Place, vpc_id: str | None, subnet_id: str | None) -> bool:
    """Whether packets from there go to the internet and back: always in EC2-Classic, in a VPC by a
    route to an internet gateway that is attached to it.
    """
    if vpc_id is None:
        return True
    target = _next_hop(place, vpc_id, subnet_id)
    gateway = place.table(InternetGateway).get(target)
    return gateway is not None and gateway.vpc_id == vpc_id


def _next_hop(place: Place, vpc_id: str, subnet_id: str | None) -> str:
    """What the subnet's route table names for the internet, or nothing; terminated instances outlive their VPC."""
    if subnet_id is None or vpc_id not in place.table(Vpc):
        return ""
    route = route_to(table_of_subnet(place, subnet_id, vpc_id), _SOME_PUBLIC_ADDRESS)
    return route.target if route else ""


def _translated(place: Place, instance: Instance) -> str | None:
    """The address of the NAT gateway through which an instance calls the internet, if it has one."""
    if instance.vpc_id is None:
        return None
    nat = place.table(NatGateway).get(_next_hop(place, instance.vpc_id, instance.subnet_id))
    if nat is None or nat.state != "available" or not has_way_out(place, nat.vpc_id, nat.subnet_id):
        return None
    return nat.public_ip


def _net(address: str | None) -> frozenset[str]:
    return frozenset({f"{address}/32"}) if address else frozenset()


def _condition(instance: Instance) -> str:
    return "rebooting" if instance.state == "running" else instance.state


def _instance(place: Place, ref: str, name: str) -> Party:
    instance = place.table(Instance).get(name)
    return instance_party(place, instance) if instance else _absent(ref, INSTANCE)


def _database(place: Place, ref: str, name: str) -> Party:
    db = place.table(DbInstance).get(name)
    return database_party(place, db) if db else _absent(ref, DATABASE)


def _load_balancer(place: Place, ref: str, name: str) -> Party:
    balancer = place.table(LoadBalancer).get(name)
    return load_balancer_party(place, balancer) if balancer else _absent(ref, LOAD_BALANCER)


def _absent(ref: str, kind: str) -> Party:
    return Party(ref, kind, down=f"{ref} does not exist")


_MAKERS: dict[str, Callable[[Place, str, str], Party]] = {
    INSTANCE: _instance,
    DATABASE: _database,
    LOAD_BALANCER: _load_balancer,
}
