"""What the tests of EC2 start from: an account spoken to through boto3, with a clock that stands still."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.exceptions import ClientError

from sandbox.ec2.image_catalogue import LINUX_HVM, public_image_id
from sandbox.hook import connect
from sandbox.world import Place, World

_MODELS = botocore.session.Session().get_component("data_loader")  # EC2's is big: read it once


def _session() -> boto3.Session:
    core = botocore.session.Session()
    core.register_component("data_loader", _MODELS)
    return boto3.Session(
        aws_access_key_id="AKIASANDBOX",
        aws_secret_access_key="sandbox",
        region_name="us-east-1",
        botocore_session=core,
    )


class Account:
    """A world, its EC2 client, and short ways to say what the tests say often."""

    def __init__(self) -> None:
        self.world = World()
        self.session = connect(self.world, _session())
        self.ec2: Any = self.session.client("ec2")

    @property
    def place(self) -> Place:
        return self.world.place()

    def wait(self, seconds: float = 300) -> None:
        self.world.clock.advance(seconds)

    def image(self, name: str = LINUX_HVM) -> str:
        """The id of one of Amazon's images."""
        return public_image_id("us-east-1", name)

    def launch(self, **more: Any) -> dict[str, Any]:
        """One instance as the answer shows it, pending: in EC2-Classic unless `more` says otherwise."""
        request = {"ImageId": self.image(), "InstanceType": "m3.medium", "MinCount": 1, "MaxCount": 1}
        found: dict[str, Any] = self.ec2.run_instances(**(request | more))["Instances"][0]
        return found

    def launched(self, **more: Any) -> str:
        """The id of an instance that runs."""
        instance_id: str = self.launch(**more)["InstanceId"]
        self.wait()
        return instance_id

    def look(self, instance_id: str) -> dict[str, Any]:
        answer = self.ec2.describe_instances(InstanceIds=[instance_id])
        found: dict[str, Any] = answer["Reservations"][0]["Instances"][0]
        return found

    def found(self, **filters: str) -> list[str]:
        """Ids of the instances that fit filters, given with _ for - in their names."""
        asked = [{"Name": name.replace("_", "-"), "Values": [value]} for name, value in filters.items()]
        reservations = self.ec2.describe_instances(Filters=asked)["Reservations"]
        return [each["InstanceId"] for reservation in reservations for each in reservation["Instances"]]

    def stop(self, instance_id: str) -> None:
        self.ec2.stop_instances(InstanceIds=[instance_id])
        self.wait()

    def start(self, instance_id: str) -> None:
        self.ec2.start_instances(InstanceIds=[instance_id])
        self.wait()

    def vpc(self, cidr: str = "172.20.0.0/16", **more: Any) -> str:
        vpc_id: str = self.ec2.create_vpc(CidrBlock=cidr, **more)["Vpc"]["VpcId"]
        return vpc_id

    def subnet(self, vpc_id: str, cidr: str = "172.20.1.0/24", zone: str = "us-east-1a") -> str:
        answer = self.ec2.create_subnet(VpcId=vpc_id, CidrBlock=cidr, AvailabilityZone=zone)
        subnet_id: str = answer["Subnet"]["SubnetId"]
        return subnet_id

    def gateway(self, vpc_id: str) -> str:
        """An internet gateway, which a VPC needs for Elastic IPs."""
        gateway_id: str = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.ec2.attach_internet_gateway(InternetGatewayId=gateway_id, VpcId=vpc_id)
        return gateway_id

    def group(self, name: str = "web", vpc_id: str | None = None) -> str:
        place = {"VpcId": vpc_id} if vpc_id else {}
        group_id: str = self.ec2.create_security_group(GroupName=name, Description="d", **place)["GroupId"]
        return group_id


@contextmanager
def refused(code: str) -> Iterator[None]:
    """The block ends in AWS's refusal `code`."""
    with pytest.raises(ClientError) as caught:
        yield
    assert caught.value.response["Error"]["Code"] == code
