"""The shop's front moved by hand as AWS advises: in the right order only the database's move is felt."""

from typing import Any

import pytest

from sandbox.builder import Builder
from sandbox.hook import connect
from sandbox.outages import Outages
from sandbox.scenarios import scenarios
from sandbox.world import World

GROUPS = {"web-1": "web", "web-2": "web", "web-3": "web", "app-1": "app", "app-2": "app", "app-3": "app"}


class Shop:
    """The shop with a VPC twin of its groups, its front instances linked, and three flows watched."""

    def __init__(self) -> None:
        self.world = World()
        session = connect(self.world)
        scenarios()["shop"].build(session, self.world)
        self.builder = Builder(session, self.world)
        self.call, self.wait = self.builder.call, self.builder.wait
        self.instances = self._instances()
        self.vpc_id = self.call("ec2", "DescribeVpcs")["Vpcs"][0]["VpcId"]
        subnets = self.call("ec2", "DescribeSubnets")["Subnets"]
        self.subnets = {one["AvailabilityZone"]: one["SubnetId"] for one in subnets}
        self.groups = self._twin_groups()
        self.call("ec2", "EnableVpcClassicLink", VpcId=self.vpc_id)
        for name, group in GROUPS.items():
            self.call(
                "ec2",
                "AttachClassicLinkVpc",
                InstanceId=self.instances[name]["InstanceId"],
                VpcId=self.vpc_id,
                Groups=[self.groups[group]],
            )
        self.outages = Outages(self.world)
        self._watch()

    def _instances(self) -> dict[str, dict[str, Any]]:
        reservations = self.call("ec2", "DescribeInstances")["Reservations"]
        found = [one for reservation in reservations for one in reservation["Instances"]]
        return {next(tag["Value"] for tag in one["Tags"] if tag["Key"] == "Name"): one for one in found}

    def _twin_groups(self) -> dict[str, str]:
        made = {
            name: str(
                self.call("ec2", "CreateSecurityGroup", GroupName=name, Description=name, VpcId=self.vpc_id)["GroupId"]
            )
            for name in ("front", "web", "app", "db")
        }
        self.builder.let_in(made["front"], 80, cidrs=["0.0.0.0/0"])
        self.builder.let_in(made["web"], 80, groups=[made["front"]])
        self.builder.let_in(made["app"], 8080, groups=[made["web"]])
        self.builder.let_in(made["db"], 3306, groups=[made["app"]])
        return made

    def _watch(self) -> None:
        refs = {name: f"instance:{self.instances[name]['InstanceId']}" for name in GROUPS}
        web = [refs[name] for name, group in GROUPS.items() if group == "web"]
        app = [refs[name] for name, group in GROUPS.items() if group == "app"]
        flows: list[tuple[str, list[str], list[str], int]] = [
            ("visitors", ["internet"], ["load_balancer:shop-web"], 80),
            ("front", ["load_balancer:shop-web"], web, 80),
            ("middle", web, app, 8080),
            ("data", app, ["rds_instance:shop-db"], 3306),
        ]
        self.outages.declare(
            {"id": name, "sources": sources, "targets": targets, "port": port} for name, sources, targets, port in flows
        )

    def move_database(self) -> None:
        self.call(
            "rds",
            "ModifyDBInstance",
            DBInstanceIdentifier="shop-db",
            DBSubnetGroupName="shop-db",
            VpcSecurityGroupIds=[self.groups["db"]],
            ApplyImmediately=True,
        )
        self.wait(3_600)

    def move_load_balancer(self) -> None:
        old = self.call("elb", "DescribeLoadBalancers")["LoadBalancerDescriptions"][0]
        name = {"LoadBalancerName": "shop-web-vpc"}
        new = self.call(
            "elb",
            "CreateLoadBalancer",
            **name,
            Listeners=[one["Listener"] for one in old["ListenerDescriptions"]],
            Subnets=list(self.subnets.values()),
            SecurityGroups=[self.groups["front"]],
            Tags=[{"Key": "landbridge:source", "Value": "load_balancer:shop-web"}],
        )
        self.call("elb", "ConfigureHealthCheck", **name, HealthCheck=old["HealthCheck"])
        self.call("elb", "RegisterInstancesWithLoadBalancer", **name, Instances=old["Instances"])
        self.wait(120)
        self._point_names_to(new["DNSName"], old["CanonicalHostedZoneNameID"])
        self.wait(90)

    def _point_names_to(self, dns_name: str, hosted_zone: str) -> None:
        alias = {"HostedZoneId": hosted_zone, "DNSName": dns_name, "EvaluateTargetHealth": False}
        records = [
            {"Name": "www.shop.example.com", "Type": "A", "AliasTarget": alias},
            {"Name": "api.shop.example.com", "Type": "CNAME", "TTL": 60, "ResourceRecords": [{"Value": dns_name}]},
        ]
        changes = [{"Action": "UPSERT", "ResourceRecordSet": record} for record in records]
        zone = self.call("route53", "ListHostedZones")["HostedZones"][0]["Id"]
        self.call("route53", "ChangeResourceRecordSets", HostedZoneId=zone, ChangeBatch={"Changes": changes})

    def move_instance(self, name: str) -> None:
        source = self.instances[name]
        source_id, zone = source["InstanceId"], source["Placement"]["AvailabilityZone"]
        image = self.call("ec2", "CreateImage", InstanceId=source_id, Name=name, NoReboot=True)["ImageId"]
        self.wait(3_600)
        tag = {"Key": "landbridge:step", "Value": f"instance.launch/instance:{source_id}"}
        made = self.call(
            "ec2",
            "RunInstances",
            ImageId=image,
            MinCount=1,
            MaxCount=1,
            InstanceType="m3.medium",
            SubnetId=self.subnets[zone],
            SecurityGroupIds=[self.groups[GROUPS[name]]],
            TagSpecifications=[{"ResourceType": "instance", "Tags": [tag]}],
        )
        self.wait(120)
        if GROUPS[name] == "web":
            self._swap_members(source_id, made["Instances"][0]["InstanceId"])
        self.call("ec2", "StopInstances", InstanceIds=[source_id])
        self.wait(60)

    def _swap_members(self, source_id: str, twin_id: str) -> None:
        name = {"LoadBalancerName": "shop-web-vpc"}
        self.call("elb", "RegisterInstancesWithLoadBalancer", **name, Instances=[{"InstanceId": twin_id}])
        self.wait(60)
        for balancer in ("shop-web-vpc", "shop-web"):
            self.call(
                "elb",
                "DeregisterInstancesFromLoadBalancer",
                LoadBalancerName=balancer,
                Instances=[{"InstanceId": source_id}],
            )
        self.wait(60)

    @property
    def interrupted(self) -> dict[str, float]:
        """Flow -> seconds, of those that were down at all."""
        return {one["flow"]: one["total_seconds"] for one in self.outages.since() if one["down"]}


@pytest.fixture
def shop() -> Shop:
    return Shop()


def test_managed_services_then_the_load_balancer_then_instances(shop: Shop) -> None:
    shop.move_database()
    shop.move_load_balancer()
    for name in GROUPS:
        shop.move_instance(name)
    assert shop.interrupted == {"data": shop.world.durations.db_move_to_vpc}


def test_an_instance_moved_before_its_database_cannot_call_it(shop: Shop) -> None:
    shop.move_instance("app-1")
    assert set(shop.interrupted) == {"data"}
    assert "managed service in EC2-Classic" in shop.outages.since()[-1]["down"][0]["why"]


def test_a_member_moved_before_its_load_balancer_leaves_it(shop: Shop) -> None:
    source = shop.instances["web-1"]["InstanceId"]
    shop.call(
        "elb",
        "DeregisterInstancesFromLoadBalancer",
        LoadBalancerName="shop-web",
        Instances=[{"InstanceId": source}],
    )
    shop.wait(60)
    assert "front" in shop.interrupted
    assert "visitors" not in shop.interrupted
