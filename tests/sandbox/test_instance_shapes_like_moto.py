"""For things in a VPC our answers have the shape of moto's: a second opinion beside botocore's models."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from moto import mock_aws

from tests.sandbox.ec2_account import Account


@contextmanager
def moto_ec2() -> Iterator[Any]:
    with mock_aws():
        session = boto3.Session(aws_access_key_id="moto", aws_secret_access_key="moto", region_name="us-east-1")
        yield session.client("ec2")


def in_a_subnet(ec2: Any, image_id: str) -> str:
    """An instance in a subnet, with all that shows."""
    vpc_id = ec2.create_vpc(CidrBlock="172.20.0.0/16")["Vpc"]["VpcId"]
    subnet_id = ec2.create_subnet(VpcId=vpc_id, CidrBlock="172.20.1.0/24", AvailabilityZone="us-east-1a")["Subnet"][
        "SubnetId"
    ]
    answer = ec2.run_instances(
        ImageId=image_id,
        InstanceType="m5.large",
        MinCount=1,
        MaxCount=1,
        SubnetId=subnet_id,
        TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "web"}]}],
    )
    instance_id: str = answer["Instances"][0]["InstanceId"]
    return instance_id


def shape(value: Any, path: str = "") -> dict[str, str]:
    """Every path of members in an answer with the type that is there; lists by their first item."""
    if isinstance(value, dict):
        found: dict[str, str] = {}
        for key, inner in value.items():
            found |= shape(inner, f"{path}.{key}")
        return found
    if isinstance(value, list):
        return shape(value[0], f"{path}[]") if value else {}
    return {path: type(value).__name__}


def compare(ours: Any, motos: Any, only_moto: set[str], only_ours: set[str]) -> None:
    """Same types where both answer; what one of them lacks is what is listed and nothing else."""
    our_shape, moto_shape = shape(ours), shape(motos)
    both = our_shape.keys() & moto_shape.keys()
    assert {path: our_shape[path] for path in both} == {path: moto_shape[path] for path in both}
    assert moto_shape.keys() - our_shape.keys() == only_moto
    assert our_shape.keys() - moto_shape.keys() == only_ours


def linux_image(ec2: Any) -> str:
    """One of moto's images that runs Linux from EBS."""
    images = ec2.describe_images(Owners=["amazon"])["Images"]
    image_id: str = next(each["ImageId"] for each in images if each.get("Platform") != "windows")
    return image_id


def look(ec2: Any, instance_id: str) -> Any:
    return ec2.describe_instances(InstanceIds=[instance_id])["Reservations"][0]["Instances"][0]


def volume_of(ec2: Any, instance_id: str) -> Any:
    asked = [{"Name": "attachment.instance-id", "Values": [instance_id]}]
    return ec2.describe_volumes(Filters=asked)["Volumes"][0]


def image_of(ec2: Any, instance_id: str) -> tuple[Any, Any]:
    """An image made of an instance, and its snapshot."""
    ec2.create_image(InstanceId=instance_id, Name="web")
    image = ec2.describe_images(Owners=["self"])["Images"][0]
    snapshot_id = image["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]
    return image, ec2.describe_snapshots(SnapshotIds=[snapshot_id])["Snapshots"][0]


def test_an_instance_in_a_subnet() -> None:
    account = Account()
    ours = look(account.ec2, launched_in_subnet(account))
    with moto_ec2() as ec2:
        motos = look(ec2, in_a_subnet(ec2, linux_image(ec2)))
    compare(
        ours,
        motos,
        # An attribute of the image; a reason though nothing happened.
        only_moto={".SriovNetSupport", ".StateReason.Code", ".StateReason.Message"},
        only_ours={
            ".EnaSupport",
            ".NetworkInterfaces[].PrivateDnsName",
            ".NetworkInterfaces[].PrivateIpAddresses[].PrivateDnsName",
            ".PublicDnsName",
            ".SecurityGroups[].GroupId",  # moto leaves out the VPC's default group
            ".SecurityGroups[].GroupName",
        },
    )


def launched_in_subnet(account: Account) -> str:
    instance_id = in_a_subnet(account.ec2, account.image())
    account.wait()
    return instance_id


def test_the_answer_of_a_launch() -> None:
    account = Account()
    ours = launch_answer(account.ec2, account.image())
    with moto_ec2() as ec2:
        motos = launch_answer(ec2, linux_image(ec2))
    compare(
        {key: value for key, value in ours.items() if key != "Instances"},
        {key: value for key, value in motos.items() if key != "Instances"},
        only_moto=set(),
        only_ours=set(),
    )


def launch_answer(ec2: Any, image_id: str) -> dict[str, Any]:
    vpc_id = ec2.create_vpc(CidrBlock="172.20.0.0/16")["Vpc"]["VpcId"]
    subnet_id = ec2.create_subnet(VpcId=vpc_id, CidrBlock="172.20.1.0/24")["Subnet"]["SubnetId"]
    answer: dict[str, Any] = ec2.run_instances(
        ImageId=image_id, InstanceType="m5.large", MinCount=1, MaxCount=1, SubnetId=subnet_id
    )
    del answer["ResponseMetadata"]
    return answer


def test_an_attached_volume() -> None:
    account = Account()
    ours = volume_of(account.ec2, launched_in_subnet(account))
    with moto_ec2() as ec2:
        motos = volume_of(ec2, in_a_subnet(ec2, linux_image(ec2)))
    added = {".Attachments[].DeleteOnTermination", ".Iops", ".MultiAttachEnabled", ".SnapshotId"}
    compare(ours, motos, only_moto=set(), only_ours=added)


def test_an_image_of_our_own_and_its_snapshot() -> None:
    account = Account()
    our_image, our_snapshot = image_of(account.ec2, launched_in_subnet(account))
    with moto_ec2() as ec2:
        moto_image, moto_snapshot = image_of(ec2, in_a_subnet(ec2, linux_image(ec2)))
    added = {
        ".BlockDeviceMappings[].Ebs.Encrypted",
        ".EnaSupport",
        ".Hypervisor",
        ".ImageLocation",
        ".PlatformDetails",
        ".UsageOperation",
    }
    compare(our_image, moto_image, only_moto={".BootMode"}, only_ours=added)
    compare(our_snapshot, moto_snapshot, only_moto=set(), only_ours=set())
