"""Applications by chance: groups that admit each other anyhow; perhaps a load balancer, a database, an address."""

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from app.planning.context import Target
from sandbox.builder import Builder
from sandbox.durations import Durations
from tests.kit.bench import Bench
from tests.kit.corner_shop import database, target_of
from tests.kit.fleets import attach, fleet

ZONES = ("us-east-1a", "us-east-1b")
DAY = 86_400


@dataclass(frozen=True)
class App:
    """`sizes`: instances per group. `admits`: pairs of groups, (who, whom). `fronted`: the group behind a
    load balancer. `stored`: the groups that call a database. `addressed`: the group whose first instance
    has an Elastic IP. `grouped`: those whose instances an Auto Scaling group holds."""

    sizes: Sequence[int]
    admits: frozenset[tuple[int, int]]
    fronted: int | None
    record: bool
    stored: frozenset[int]
    addressed: int | None
    grouped: frozenset[int] = frozenset()


@st.composite
def apps(draw: st.DrawFn) -> App:
    sizes = draw(st.lists(st.integers(1, 2), min_size=1, max_size=4))
    group = st.integers(0, len(sizes) - 1)
    grouped = draw(st.just(frozenset[int]()) | st.frozensets(group, max_size=2))
    return App(
        sizes=sizes,
        admits=draw(st.frozensets(st.tuples(group, group), max_size=6)),
        fronted=draw(st.none() | group),
        record=draw(st.booleans()),
        stored=draw(st.frozensets(group, max_size=2)),
        addressed=draw(st.sampled_from([None, *(one for one in range(len(sizes)) if one not in grouped)])),
        grouped=grouped,
    )


@st.composite
def paces(draw: st.DrawFn) -> Durations:
    """How long things take this time: other paces, other orders among the steps that run side by side."""
    seconds = st.floats(1, 300)
    return Durations(
        instance_start=draw(seconds),
        instance_stop=draw(seconds),
        image_base=draw(seconds),
        address_move=draw(seconds),
        db_modify=draw(seconds),
        db_move_to_vpc=draw(seconds),
        db_snapshot=draw(seconds),
        dns_change=draw(seconds),
        elb_register=draw(st.floats(1, 60)),
        elb_drain=draw(st.floats(1, 60)),
    )


def build(app: App) -> tuple[Bench, Target]:
    """A world with the application in it, all in service, and where it should go."""
    bench = Bench()
    fill(app, Builder(bench.boto, bench.world))
    return bench, target_of(bench)


def fill(app: App, builder: Builder) -> None:
    """Put the application into an account, and a VPC for it."""
    groups = [builder.group(f"tier-{number}", "x") for number in range(len(app.sizes))]
    for index, (callee, caller) in enumerate(sorted(app.admits)):
        builder.let_in(groups[callee], 1000 + index, groups=[groups[caller]])
    image = builder.image("amzn2-ami-hvm-*")
    tiers = [
        builder.launch(
            [f"i-{number}-{one}" for one in range(size)],
            {},
            ImageId=image,
            InstanceType="m3.medium",
            SecurityGroupIds=[groups[number]],
            Placement={"AvailabilityZone": ZONES[number % 2]},
        )
        if number not in app.grouped
        else []
        for number, size in enumerate(app.sizes)
    ]
    for number in sorted(app.grouped):
        fleet(builder, f"fleet-{number}", image, [groups[number]], ZONES[: 1 + number % 2], app.sizes[number])
    builder.wait(300)
    if app.fronted is not None:
        fronted = f"fleet-{app.fronted}" if app.fronted in app.grouped else None
        _front(builder, groups[app.fronted], tiers[app.fronted], fronted, app.record)
    if app.stored:
        database(builder, [groups[number] for number in sorted(app.stored)])
    if app.addressed is not None:
        builder.let_in(groups[app.addressed], 22, cidrs=["203.0.113.0/24"])
        address = builder.call("ec2", "AllocateAddress", Domain="standard")["PublicIp"]
        builder.call("ec2", "AssociateAddress", InstanceId=tiers[app.addressed][0], PublicIp=address)
    ranges = {ZONES[0]: "172.20.1.0/24", ZONES[1]: "172.20.2.0/24"}
    _, subnets = builder.network("target", "172.20.0.0/16", ranges)
    builder.call(
        "rds", "CreateDBSubnetGroup", DBSubnetGroupName="landing", DBSubnetGroupDescription="x", SubnetIds=subnets
    )
    builder.wait(DAY + 3_600)


def _front(builder: Builder, group: str, members: Sequence[str], fronted: str | None, record: bool) -> None:
    builder.let_in_load_balancers(group, 80)
    name = {"LoadBalancerName": "front"}
    listener = {"Protocol": "HTTP", "LoadBalancerPort": 80, "InstancePort": 80}
    builder.call("elb", "CreateLoadBalancer", **name, AvailabilityZones=list(ZONES), Listeners=[listener])
    instances = [{"InstanceId": member} for member in members]
    if fronted:
        attach(builder, fronted, "front")
    else:
        builder.call("elb", "RegisterInstancesWithLoadBalancer", **name, Instances=instances)
    builder.wait(300)
    if not record:
        return
    dns = builder.call("elb", "DescribeLoadBalancers")["LoadBalancerDescriptions"][0]["DNSName"]
    zone = builder.call("route53", "CreateHostedZone", Name="app.example.", CallerReference="1")["HostedZone"]["Id"]
    wanted = {"Name": "www.app.example.", "Type": "CNAME", "TTL": 300, "ResourceRecords": [{"Value": dns}]}
    change = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": wanted}]}
    builder.call("route53", "ChangeResourceRecordSets", HostedZoneId=zone, ChangeBatch=change)
