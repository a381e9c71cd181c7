"""Making what a scenario describes by AWS calls alone, as an operator with a script would."""

from collections.abc import Sequence
from typing import Any

import boto3
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError

from sandbox.world import World

_SLOW_DOWN = {"RequestLimitExceeded", "Throttling"}
_ONE_TRY = Config(retries={"total_max_attempts": 1})


class Builder:
    """Calls AWS; a throttled call steps the clock and goes on, since nobody waits for real."""

    def __init__(self, session: boto3.Session, world: World) -> None:
        self._session = session
        self._world = world
        self._clients: dict[str, Any] = {}

    def call(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        """`operation` by botocore's name; raises ClientError for all refusals but throttling."""
        if service not in self._clients:
            clients: Any = self._session.client  # its stubs want a literal
            self._clients[service] = clients(service, config=_ONE_TRY)
        method = getattr(self._clients[service], xform_name(operation))
        while True:
            try:
                answer: dict[str, Any] = method(**params)
            except ClientError as error:
                if error.response["Error"]["Code"] not in _SLOW_DOWN:
                    raise
                self.wait(1)
            else:
                return answer

    def wait(self, seconds: float) -> None:
        with self._world.lock:
            self._world.clock.advance(seconds)

    def image(self, name: str) -> str:
        """The id of Amazon's image whose name fits the pattern."""
        found = self.call("ec2", "DescribeImages", Owners=["amazon"], Filters=[{"Name": "name", "Values": [name]}])
        return str(found["Images"][0]["ImageId"])

    def group(self, name: str, description: str) -> str:
        made = self.call("ec2", "CreateSecurityGroup", GroupName=name, Description=description)
        return str(made["GroupId"])

    def let_in(self, group_id: str, port: int, *, groups: Sequence[str] = (), cidrs: Sequence[str] = ()) -> None:
        """TCP on one port from groups and addresses."""
        rule = {
            "IpProtocol": "tcp",
            "FromPort": port,
            "ToPort": port,
            "UserIdGroupPairs": [{"GroupId": one} for one in groups],
            "IpRanges": [{"CidrIp": one} for one in cidrs],
        }
        self.call("ec2", "AuthorizeSecurityGroupIngress", GroupId=group_id, IpPermissions=[rule])

    def let_in_load_balancers(self, group_id: str, port: int) -> None:
        """From AWS's own group for load balancers in EC2-Classic."""
        pair = {"UserId": "amazon-elb", "GroupName": "amazon-elb-sg"}
        rule = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "UserIdGroupPairs": [pair]}
        self.call("ec2", "AuthorizeSecurityGroupIngress", GroupId=group_id, IpPermissions=[rule])

    def launch(self, names: Sequence[str], tags: dict[str, str], **params: Any) -> list[str]:
        """One RunInstances for all `names`; each instance is given its own Name."""
        made = self.call("ec2", "RunInstances", MinCount=len(names), MaxCount=len(names), **params)
        ids = [str(instance["InstanceId"]) for instance in made["Instances"]]
        for name, instance_id in zip(names, ids, strict=True):
            self.tag(instance_id, {"Name": name, **tags})
        return ids

    def tag(self, resource_id: str, tags: dict[str, str]) -> None:
        pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
        self.call("ec2", "CreateTags", Resources=[resource_id], Tags=pairs)

    def network(self, name: str, cidr: str, subnets: dict[str, str]) -> tuple[str, list[str]]:
        """A VPC with DNS names and an internet gateway, and a public subnet (CIDR by zone) per zone."""
        vpc_id = str(self.call("ec2", "CreateVpc", CidrBlock=cidr)["Vpc"]["VpcId"])
        self.tag(vpc_id, {"Name": name})
        for attribute in ("EnableDnsSupport", "EnableDnsHostnames"):
            self.call("ec2", "ModifyVpcAttribute", VpcId=vpc_id, **{attribute: {"Value": True}})
        gateway = self.call("ec2", "CreateInternetGateway")["InternetGateway"]["InternetGatewayId"]
        self.call("ec2", "AttachInternetGateway", InternetGatewayId=gateway, VpcId=vpc_id)
        tables = self.call("ec2", "DescribeRouteTables", Filters=[{"Name": "vpc-id", "Values": [vpc_id]}])[
            "RouteTables"
        ]
        self.call(
            "ec2",
            "CreateRoute",
            RouteTableId=tables[0]["RouteTableId"],
            DestinationCidrBlock="0.0.0.0/0",
            GatewayId=gateway,
        )
        return vpc_id, [self._public_subnet(vpc_id, name, *one) for one in subnets.items()]

    def _public_subnet(self, vpc_id: str, name: str, zone: str, cidr: str) -> str:
        made = self.call("ec2", "CreateSubnet", VpcId=vpc_id, CidrBlock=cidr, AvailabilityZone=zone)
        subnet_id = str(made["Subnet"]["SubnetId"])
        self.call("ec2", "ModifySubnetAttribute", SubnetId=subnet_id, MapPublicIpOnLaunch={"Value": True})
        self.tag(subnet_id, {"Name": f"{name}-{zone}"})
        return subnet_id
