"""Many instances in chained tiers, for measuring how plans and jobs grow."""

import boto3

from sandbox.builder import Builder
from sandbox.world import World

DESCRIPTION = "200 instances in 20 groups: chains of tiers, each behind a load balancer, and one database"

SIZE = 200
GROUPS = 20
TIERS = 4  # groups in a chain; each calls the next
PORT = 8000
ZONES = ("us-east-1a", "us-east-1b")


def build(session: boto3.Session, world: World, size: int = SIZE, groups: int = GROUPS) -> None:
    """`size` instances spread evenly over `groups` groups; ends when all are up and in service."""
    builder = Builder(session, world)
    limits = world.place().limits
    limits.load_balancers = max(limits.load_balancers, groups // TIERS + 10)  # as AWS does when asked
    image = builder.image("amzn2-ami-hvm-*")
    group_ids = [builder.group(f"tier-{number:03}", f"tier {number}") for number in range(groups)]
    per_group, more = divmod(size, groups)
    for number, group_id in enumerate(group_ids):
        count = per_group + (number < more)
        members = _tier(builder, image, number, group_id, count)
        if number % TIERS == 0:
            builder.let_in_load_balancers(group_id, PORT)
            _load_balancer(builder, number // TIERS, members)
        else:
            builder.let_in(group_id, PORT, groups=[group_ids[number - 1]])
    _database(builder, [one for number, one in enumerate(group_ids) if number % TIERS == TIERS - 1])
    _target(builder)
    builder.wait(1_800)


def _tier(builder: Builder, image: str, number: int, group_id: str, count: int) -> list[str]:
    members: list[str] = []
    for index, zone in enumerate(ZONES):
        names = [f"tier-{number:03}-{one:03}" for one in range(count) if one % len(ZONES) == index]
        if names:
            members += builder.launch(
                names,
                {"app": "fleet", "chain": str(number // TIERS)},
                ImageId=image,
                InstanceType="m3.medium",
                SecurityGroupIds=[group_id],
                Placement={"AvailabilityZone": zone},
            )
    return members


def _load_balancer(builder: Builder, chain: int, members: list[str]) -> None:
    name = f"chain-{chain:02}"
    builder.wait(60)
    builder.call(
        "elb",
        "CreateLoadBalancer",
        LoadBalancerName=name,
        AvailabilityZones=list(ZONES),
        Listeners=[{"Protocol": "HTTP", "LoadBalancerPort": 80, "InstancePort": PORT}],
        Tags=[{"Key": "app", "Value": "fleet"}],
    )
    builder.call(
        "elb",
        "RegisterInstancesWithLoadBalancer",
        LoadBalancerName=name,
        Instances=[{"InstanceId": member} for member in members],
    )


def _database(builder: Builder, group_ids: list[str]) -> None:
    group = {"DBSecurityGroupName": "fleet"}
    builder.call("rds", "CreateDBSecurityGroup", **group, DBSecurityGroupDescription="last tiers")
    owner = builder.call("sts", "GetCallerIdentity")["Account"]
    for group_id in group_ids:
        builder.call(
            "rds",
            "AuthorizeDBSecurityGroupIngress",
            **group,
            EC2SecurityGroupId=group_id,
            EC2SecurityGroupOwnerId=owner,
        )
    builder.call(
        "rds",
        "CreateDBInstance",
        DBInstanceIdentifier="fleet",
        Engine="postgres",
        DBInstanceClass="db.r3.large",
        AllocatedStorage=200,
        MasterUsername="fleet",
        MasterUserPassword="made-up-and-never-checked",
        DBSecurityGroups=["fleet"],
    )


def _target(builder: Builder) -> None:
    cidrs = {zone: f"172.21.{16 * number}.0/20" for number, zone in enumerate(ZONES)}
    _, subnet_ids = builder.network("fleet-vpc", "172.21.0.0/16", cidrs)
    builder.call(
        "rds",
        "CreateDBSubnetGroup",
        DBSubnetGroupName="fleet",
        DBSubnetGroupDescription="the fleet's databases",
        SubnetIds=subnet_ids,
    )
