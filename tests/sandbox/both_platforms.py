"""An account with a few instances on both platforms and a load balancer, for tests of who can reach whom."""

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from sandbox.builder import Builder
from sandbox.hook import connect
from sandbox.world import Place, World

ZONE, OTHER_ZONE = "us-east-1a", "us-east-1b"


class BothPlatforms:
    """A world whose clock stands still, and short ways to make what the tests need."""

    def __init__(self) -> None:
        self.world = World()
        self.session: boto3.Session = connect(self.world)
        self.builder = Builder(self.session, self.world)
        self.image = self.builder.image("amzn2-ami-hvm-*")

    @property
    def place(self) -> Place:
        return self.world.place()

    def call(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        return self.builder.call(service, operation, **params)

    def refused(self, code: str, service: str, operation: str, **params: Any) -> None:
        """The call is refused with this code."""
        with pytest.raises(ClientError) as caught:
            self.call(service, operation, **params)
        assert caught.value.response["Error"]["Code"] == code

    def wait(self, seconds: float) -> None:
        self.builder.wait(seconds)

    def classic(self, group: str, zone: str = ZONE, name: str = "x", **params: Any) -> str:
        """A running instance of EC2-Classic."""
        (made,) = self.builder.launch(
            [name],
            {},
            ImageId=self.image,
            InstanceType="m3.medium",
            SecurityGroupIds=[group],
            Placement={"AvailabilityZone": zone},
            **params,
        )
        self.wait(60)
        return made

    def in_vpc(self, subnet: str, group: str, **tags: str) -> str:
        """A running instance of a VPC."""
        (made,) = self.builder.launch(
            ["x"], tags, ImageId=self.image, InstanceType="m4.large", SecurityGroupIds=[group], SubnetId=subnet
        )
        self.wait(60)
        return made

    def vpc(self) -> tuple[str, list[str]]:
        """A VPC with ClassicLink and public subnets in two zones."""
        vpc_id, subnets = self.builder.network(
            "v", "172.20.0.0/16", {ZONE: "172.20.1.0/24", OTHER_ZONE: "172.20.2.0/24"}
        )
        self.call("ec2", "EnableVpcClassicLink", VpcId=vpc_id)
        return vpc_id, subnets

    def vpc_group(self, vpc_id: str, name: str) -> str:
        made = self.call("ec2", "CreateSecurityGroup", GroupName=name, Description=name, VpcId=vpc_id)
        return str(made["GroupId"])

    def link(self, instance_id: str, vpc_id: str, group: str) -> None:
        self.call("ec2", "AttachClassicLinkVpc", InstanceId=instance_id, VpcId=vpc_id, Groups=[group])

    def balancer(self, name: str = "web", **where: Any) -> str:
        """A load balancer from port 80 to 80 that checks quickly; returns its DNS name."""
        made = self.call(
            "elb",
            "CreateLoadBalancer",
            LoadBalancerName=name,
            Listeners=[{"Protocol": "HTTP", "LoadBalancerPort": 80, "InstancePort": 80}],
            **(where or {"AvailabilityZones": [ZONE]}),
        )
        check = {"Target": "TCP:80", "Interval": 10, "Timeout": 5, "UnhealthyThreshold": 2, "HealthyThreshold": 3}
        self.call("elb", "ConfigureHealthCheck", LoadBalancerName=name, HealthCheck=check)
        return str(made["DNSName"])

    def register(self, instance_id: str, name: str = "web") -> None:
        self.call(
            "elb",
            "RegisterInstancesWithLoadBalancer",
            LoadBalancerName=name,
            Instances=[{"InstanceId": instance_id}],
        )

    def deregister(self, instance_id: str, name: str = "web") -> None:
        self.call(
            "elb",
            "DeregisterInstancesFromLoadBalancer",
            LoadBalancerName=name,
            Instances=[{"InstanceId": instance_id}],
        )

    def health(self, name: str = "web") -> dict[str, str]:
        found = self.call("elb", "DescribeInstanceHealth", LoadBalancerName=name)
        return {one["InstanceId"]: one["State"] for one in found["InstanceStates"]}

    def described(self, name: str = "web") -> dict[str, Any]:
        found = self.call("elb", "DescribeLoadBalancers", LoadBalancerNames=[name])
        described: dict[str, Any] = found["LoadBalancerDescriptions"][0]
        return described

    def zone(self, name: str = "shop.example") -> str:
        made = self.call("route53", "CreateHostedZone", Name=name, CallerReference=name)
        return str(made["HostedZone"]["Id"])

    def record(self, zone: str, action: str, **record: Any) -> str:
        """The id of the change."""
        batch = {"Changes": [{"Action": action, "ResourceRecordSet": record}]}
        changed = self.call("route53", "ChangeResourceRecordSets", HostedZoneId=zone, ChangeBatch=batch)
        return str(changed["ChangeInfo"]["Id"])


def cname(name: str, value: str, ttl: int = 60) -> dict[str, Any]:
    return {"Name": name, "Type": "CNAME", "TTL": ttl, "ResourceRecords": [{"Value": value}]}
