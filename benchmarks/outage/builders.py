"""Small applications in EC2-Classic, one for each thing that is hard about moving without an outage."""

from collections.abc import Sequence
from typing import Any

import boto3

from sandbox.builder import Builder
from sandbox.world import World

OFFICE = "203.0.113.0/24"
CLIENT = "198.51.100.24/32"
LINUX = "amzn2-ami-hvm-*"
ZONES = ("us-east-1a", "us-east-1b")
STORE_GIB = 1_000
# Elastic IPs move when they are more than a day old (aws-facts A3).
LIVED = 86_400.0 + 3_600.0


class _Account(Builder):
    """What the applications have in common: Linux instances by group, a load balancer with a name, a VPC."""

    def instances(self, group: str, count: int, group_id: str, **params: Any) -> list[str]:
        """`count` instances of a group, spread over two zones."""
        made: list[str] = []
        for number in range(count):
            made += self.launch(
                [f"{group}-{number + 1}"],
                {"app": group},
                ImageId=self.image(LINUX),
                InstanceType="m3.medium",
                SecurityGroupIds=[group_id],
                Placement={"AvailabilityZone": ZONES[number % len(ZONES)]},
                **params,
            )
        return made

    def front(self, name: str, port: int, members: Sequence[str]) -> None:
        """A load balancer in front of `members`, and a DNS name for it with a TTL of five minutes."""
        self.call(
            "elb",
            "CreateLoadBalancer",
            LoadBalancerName=name,
            AvailabilityZones=list(ZONES),
            Listeners=[{"Protocol": "HTTP", "LoadBalancerPort": 80, "InstancePort": port}],
        )
        self.call(
            "elb",
            "RegisterInstancesWithLoadBalancer",
            LoadBalancerName=name,
            Instances=[{"InstanceId": member} for member in members],
        )
        found = self.call("elb", "DescribeLoadBalancers", LoadBalancerNames=[name])["LoadBalancerDescriptions"][0]
        zone = self.call("route53", "CreateHostedZone", Name=f"{name}.example.com", CallerReference=name)
        record = {
            "Name": f"www.{name}.example.com",
            "Type": "CNAME",
            "TTL": 300,
            "ResourceRecords": [{"Value": found["DNSName"]}],
        }
        self.call(
            "route53",
            "ChangeResourceRecordSets",
            HostedZoneId=zone["HostedZone"]["Id"],
            ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]},
        )

    def settle(self) -> None:
        """The VPC to move to, and a day in which everything comes up and grows old."""
        cidrs = {zone: f"172.20.{number}.0/24" for number, zone in enumerate(ZONES, 1)}
        self.network("target", "172.20.0.0/16", cidrs)
        self.wait(LIVED)


def loop(session: boto3.Session, world: World) -> None:
    """Orders call stock and stock calls orders: whichever moves first leaves the other behind."""
    account = _Account(session, world)
    orders, stock = account.group("orders", "takes orders"), account.group("stock", "knows what is there")
    account.let_in_load_balancers(orders, 8080)
    account.let_in(orders, 7001, groups=[stock])
    account.let_in(stock, 7002, groups=[orders])
    members = account.instances("orders", 2, orders)
    account.instances("stock", 2, stock)
    account.wait(120)
    account.front("orders", 8080, members)
    account.settle()


def store(session: boto3.Session, world: World) -> None:
    """One instance that holds everything on a large volume, and two readers behind a load balancer."""
    account = _Account(session, world)
    readers, keeper = account.group("readers", "read"), account.group("keeper", "holds it all")
    account.let_in_load_balancers(readers, 8080)
    account.let_in(keeper, 5000, groups=[readers])
    account.let_in(keeper, 22, cidrs=[OFFICE])
    members = account.instances("readers", 2, readers)
    volume = {"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": STORE_GIB, "VolumeType": "gp2"}}
    account.instances("keeper", 1, keeper, BlockDeviceMappings=[volume])
    account.wait(120)
    account.front("readers", 8080, members)
    account.settle()


def door(session: boto3.Session, world: World) -> None:
    """A client outside knows one address by heart; the instance behind it calls another one."""
    account = _Account(session, world)
    gate, ledger = account.group("gate", "lets the client in"), account.group("ledger", "writes it down")
    account.let_in(gate, 443, cidrs=[CLIENT])
    account.let_in(ledger, 9000, groups=[gate])
    (entrance,) = account.instances("gate", 1, gate)
    account.instances("ledger", 1, ledger)
    account.wait(120)
    address = str(account.call("ec2", "AllocateAddress", Domain="standard")["PublicIp"])
    account.call("ec2", "AssociateAddress", InstanceId=entrance, PublicIp=address)
    account.settle()
