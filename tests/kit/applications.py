"""Applications by chance, far from tidy ones: tiers that call each other anyhow, and all that hangs on them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore import xform_name
from hypothesis import strategies as st

from sandbox.builder import Builder
from sandbox.world import World
from tests.kit.corner_shop import database
from tests.kit.direct_cloud import DirectCloud
from tests.kit.fleets import attach, fleet, tag

ZONES = ("us-east-1a", "us-east-1b")
DAY = 86_400
CIDRS = ("203.0.113.0/24", "0.0.0.0/0", "10.0.0.0/8", "198.51.100.7/32")
PORT_OF_BALANCERS = 80


@dataclass(frozen=True)
class Tier:
    """Instances of one group. `also`: tiers whose groups its members are in, too. `stopped`: members that are.
    `addressed`: members with an Elastic IP. `opened`: which CIDRS may call it.

    What its members are held by is decided in one place, _members(); an Auto Scaling group would be another answer.
    """

    members: int
    also: frozenset[int] = frozenset()
    stopped: frozenset[int] = frozenset()
    addressed: frozenset[int] = frozenset()
    opened: frozenset[int] = frozenset()
    windows: bool = False
    fleet: bool = False


@dataclass(frozen=True)
class Balancer:
    """In front of the tiers `fronts`; with a DNS record that leads to it, or without."""

    fronts: frozenset[int]
    record: bool


@dataclass(frozen=True)
class App:
    """`admits`: (tier that is called, tier that calls); a tier may admit itself, and there may be loops.
    `databases`: per database, the tiers that may call it. `neighbour`: an instance that is in the VPC already."""

    tiers: Sequence[Tier]
    admits: frozenset[tuple[int, int]]
    balancers: Sequence[Balancer] = ()
    databases: Sequence[frozenset[int]] = ()
    neighbour: bool = False


@dataclass(frozen=True)
class Ask:
    """What is asked of the planner. `scope`: the tiers that move, all for None (numbers wrap around); `by_tag`:
    chosen by their tag. `leaves_balancers`: what is in front of them is not in the scope.
    `images`: image method by tier. `new_vpc`: the VPC is still to be made."""

    incremental: bool
    scope: frozenset[int] | None = None
    by_tag: bool = False
    leaves_balancers: bool = False
    images: Mapping[int, str] = field(default_factory=dict)
    most_at_once: int = 20
    soak_seconds: float = 0.0
    new_vpc: bool = False


@st.composite
def apps(draw: st.DrawFn) -> App:
    count = draw(st.sampled_from((1, 2, 2, 2, 3, 3, 4, 5)))
    tier = st.integers(0, count - 1)
    some = st.frozensets(tier, min_size=1, max_size=2)
    return App(
        tiers=[draw(_tiers(tier)) for _ in range(count)],
        admits=draw(st.frozensets(st.tuples(tier, tier), max_size=6)),
        balancers=draw(st.lists(st.builds(Balancer, some, st.booleans()), max_size=2)),
        databases=draw(st.lists(some, max_size=2)),
        neighbour=draw(_seldom()),
    )


@st.composite
def _tiers(draw: st.DrawFn, tier: st.SearchStrategy[int]) -> Tier:
    members = draw(st.sampled_from((1, 1, 1, 2, 2, 2, 3, 4)))
    member = st.integers(0, members - 1)
    few = st.just(frozenset[int]())
    return Tier(
        members,
        also=draw(few | st.frozensets(tier, max_size=1)),
        stopped=draw(few | few | st.frozensets(member, max_size=2)),
        addressed=draw(few | st.frozensets(member, max_size=1)),
        opened=draw(few | st.frozensets(st.integers(0, len(CIDRS) - 1), max_size=2)),
        windows=draw(_seldom()),
        fleet=draw(_seldom()),
    )


def _seldom() -> st.SearchStrategy[bool]:
    return st.sampled_from((False, False, False, True))


@st.composite
def asks(draw: st.DrawFn) -> Ask:
    return Ask(
        incremental=draw(st.sampled_from((True, True, True, False))),
        scope=draw(st.none() | st.frozensets(st.integers(0, 4), min_size=1, max_size=3)),
        by_tag=draw(_seldom()),
        leaves_balancers=draw(_seldom()),
        images=draw(
            st.dictionaries(st.integers(0, 4), st.sampled_from(("stopped", "no_reboot", "reboot")), max_size=2)
        ),
        most_at_once=draw(st.sampled_from((1, 2, 20))),
        soak_seconds=draw(st.sampled_from((0.0, 60.0))),
        new_vpc=draw(_seldom()),
    )


class DirectBuilder(Builder):
    """Builds without the wire."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._direct = DirectCloud(world)

    def call(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        """Raises AwsError."""
        return self._direct.handle(f"{service}.{xform_name(operation)}", params)


def build(app: App) -> World:
    """A world with the application in it, all in service but what is stopped, and a VPC to go to. Equal
    applications give equal worlds."""
    world = World()
    builder = DirectBuilder(world)
    groups = [builder.group(f"tier-{number}", "x") for number in range(len(app.tiers))]
    for index, (called, caller) in enumerate(sorted(app.admits)):
        builder.let_in(groups[called], 1000 + index, groups=[groups[caller]])
    for number, tier in enumerate(app.tiers):
        if tier.opened:
            builder.let_in(groups[number], 2000 + number, cidrs=[CIDRS[one] for one in sorted(tier.opened)])
    members = [_members(builder, number, tier, groups) for number, tier in enumerate(app.tiers)]
    builder.wait(300)
    _network(builder, neighbour=app.neighbour)
    for number, balancer in enumerate(app.balancers):
        _front(builder, number, balancer, groups, members)
        for one in sorted(balancer.fronts):
            if app.tiers[one].fleet:
                attach(builder, fleet_name(one), f"front-{number}")
                builder.wait(300)
    for number, callers in enumerate(app.databases):
        database(builder, [groups[one] for one in sorted(callers)], f"main-{number}", f"data-{number}")
    for tier, ids in zip(app.tiers, members, strict=True):
        _addresses_and_stops(builder, tier, ids)
    builder.wait(DAY + 3_600)
    return world


def fleet_name(number: int) -> str:
    return f"fleet-{number}"


def _members(builder: Builder, number: int, tier: Tier, groups: Sequence[str]) -> list[str]:
    """The ids of a tier's instances, but for those that an Auto Scaling group holds."""
    image = builder.image("Windows_Server-*" if tier.windows else "amzn2-ami-hvm-*")
    ids = sorted({groups[number], *(groups[one] for one in tier.also)})
    if tier.fleet:
        fleet(builder, fleet_name(number), image, ids, ZONES[: 1 + number % 2], tier.members)
        tag(builder, fleet_name(number), {"tier": str(number)})
        return []
    return builder.launch(
        [f"i-{number}-{one}" for one in range(tier.members)],
        {"tier": str(number)},
        ImageId=image,
        InstanceType="m3.medium",
        SecurityGroupIds=ids,
        Placement={"AvailabilityZone": ZONES[number % 2]},
    )


def _network(builder: Builder, *, neighbour: bool) -> None:
    ranges = {ZONES[0]: "172.20.1.0/24", ZONES[1]: "172.20.2.0/24"}
    vpc_id, subnets = builder.network("target", "172.20.0.0/16", ranges)
    builder.call(
        "rds", "CreateDBSubnetGroup", DBSubnetGroupName="landing", DBSubnetGroupDescription="x", SubnetIds=subnets
    )
    if neighbour:
        made = builder.call("ec2", "CreateSecurityGroup", GroupName="neighbour", Description="x", VpcId=vpc_id)
        builder.let_in(made["GroupId"], 3000, cidrs=["0.0.0.0/0"])
        image = builder.image("amzn2-ami-hvm-*")
        where = {"SubnetId": subnets[0], "SecurityGroupIds": [made["GroupId"]]}
        builder.launch(["neighbour"], {}, ImageId=image, InstanceType="m3.medium", **where)


def _front(
    builder: Builder, number: int, balancer: Balancer, groups: Sequence[str], members: Sequence[Sequence[str]]
) -> None:
    name = {"LoadBalancerName": f"front-{number}"}
    port = PORT_OF_BALANCERS + number
    listener = {"Protocol": "HTTP", "LoadBalancerPort": 80, "InstancePort": port}
    for tier in sorted(balancer.fronts):
        builder.let_in_load_balancers(groups[tier], port)
    builder.call("elb", "CreateLoadBalancer", **name, AvailabilityZones=list(ZONES), Listeners=[listener])
    if ids := [{"InstanceId": one} for tier in sorted(balancer.fronts) for one in members[tier]]:
        builder.call("elb", "RegisterInstancesWithLoadBalancer", **name, Instances=ids)
    builder.wait(300)
    if balancer.record:
        _record(builder, number, name)


def _record(builder: Builder, number: int, name: Mapping[str, str]) -> None:
    found = builder.call("elb", "DescribeLoadBalancers", LoadBalancerNames=list(name.values()))
    dns = found["LoadBalancerDescriptions"][0]["DNSName"]
    domain = f"app-{number}.example."
    zone = builder.call("route53", "CreateHostedZone", Name=domain, CallerReference=domain)["HostedZone"]["Id"]
    wanted = {"Name": f"www.{domain}", "Type": "CNAME", "TTL": 300, "ResourceRecords": [{"Value": dns}]}
    change = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": wanted}]}
    builder.call("route53", "ChangeResourceRecordSets", HostedZoneId=zone, ChangeBatch=change)


def _addresses_and_stops(builder: Builder, tier: Tier, ids: Sequence[str]) -> None:
    if tier.fleet:
        return
    for one in sorted(tier.addressed):
        address = builder.call("ec2", "AllocateAddress", Domain="standard")["PublicIp"]
        builder.call("ec2", "AssociateAddress", InstanceId=ids[one], PublicIp=address)
    if tier.stopped:
        builder.call("ec2", "StopInstances", InstanceIds=[ids[one] for one in sorted(tier.stopped)])
        builder.wait(60)
