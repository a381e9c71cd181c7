"""Launching instances on both platforms: where they land, what is refused, what is carried."""

import base64
from typing import Any

import pytest

from sandbox.ec2.image_catalogue import LINUX_PV
from tests.sandbox.ec2_account import Account, refused


@pytest.fixture
def account() -> Account:
    return Account()


def test_a_launch_without_a_subnet_lands_in_classic_with_both_addresses_once_it_runs(account: Account) -> None:
    launched = account.launch()
    assert launched["State"] == {"Code": 0, "Name": "pending"}
    assert "VpcId" not in launched
    assert "PrivateIpAddress" not in launched
    account.wait()
    running = account.look(launched["InstanceId"])
    assert running["State"]["Name"] == "running"
    assert running["PrivateIpAddress"].startswith("10.")
    assert running["PublicIpAddress"]
    assert running["PublicDnsName"].endswith(".compute-1.amazonaws.com")
    assert [group["GroupName"] for group in running["SecurityGroups"]] == ["default"]


def test_a_launch_in_a_subnet_has_a_private_address_at_once_and_none_in_public(account: Account) -> None:
    vpc_id = account.vpc()
    subnet_id = account.subnet(vpc_id)
    launched = account.launch(SubnetId=subnet_id)
    assert (launched["VpcId"], launched["SubnetId"]) == (vpc_id, subnet_id)
    assert launched["PrivateIpAddress"] == "172.20.1.4"
    account.wait()
    running = account.look(launched["InstanceId"])
    assert "PublicIpAddress" not in running
    assert running["PublicDnsName"] == ""
    assert running["NetworkInterfaces"][0]["PrivateIpAddress"] == "172.20.1.4"


def test_a_network_interface_brings_groups_an_address_and_a_public_one(account: Account) -> None:
    vpc_id = account.vpc()
    group_id = account.group(vpc_id=vpc_id)
    interface = {
        "DeviceIndex": 0,
        "SubnetId": account.subnet(vpc_id),
        "Groups": [group_id],
        "AssociatePublicIpAddress": True,
        "PrivateIpAddress": "172.20.1.77",
    }
    running = account.look(account.launched(NetworkInterfaces=[interface]))
    assert running["PrivateIpAddress"] == "172.20.1.77"
    assert running["PublicIpAddress"]
    assert running["SecurityGroups"] == [{"GroupId": group_id, "GroupName": "web"}]
    assert running["NetworkInterfaces"][0]["Association"]["IpOwnerId"] == "amazon"


def test_all_that_a_launch_says_is_told_again(account: Account) -> None:
    account.ec2.create_key_pair(KeyName="ops")
    instance_id = account.launched(
        KeyName="ops",
        UserData="#!/bin/sh\necho hello",
        IamInstanceProfile={"Name": "web"},
        Monitoring={"Enabled": True},
        EbsOptimized=True,
        DisableApiTermination=True,
        InstanceInitiatedShutdownBehavior="terminate",
        Placement={"AvailabilityZone": "us-east-1c"},
    )
    seen = account.look(instance_id)
    assert seen["KeyName"] == "ops"
    assert seen["IamInstanceProfile"]["Arn"] == "arn:aws:iam::123456789012:instance-profile/web"
    assert seen["Monitoring"]["State"] == "enabled"
    assert seen["EbsOptimized"] is True
    assert seen["Placement"]["AvailabilityZone"] == "us-east-1c"
    assert base64.b64decode(attribute(account, instance_id, "userData")["UserData"]["Value"]) == (
        b"#!/bin/sh\necho hello"
    )
    assert attribute(account, instance_id, "disableApiTermination")["DisableApiTermination"]["Value"] is True
    behaviour = attribute(account, instance_id, "instanceInitiatedShutdownBehavior")
    assert behaviour["InstanceInitiatedShutdownBehavior"]["Value"] == "terminate"


def attribute(account: Account, instance_id: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = account.ec2.describe_instance_attribute(InstanceId=instance_id, Attribute=name)
    return found


def test_the_same_token_gives_the_same_instances_and_never_others(account: Account) -> None:
    first = account.launch(ClientToken="t-1", MaxCount=2)
    again = account.launch(ClientToken="t-1", MaxCount=2)
    assert first["InstanceId"] == again["InstanceId"]
    with refused("IdempotentParameterMismatch"):
        account.launch(ClientToken="t-1", MaxCount=2, InstanceType="m3.large")
    ids = account.found(client_token="t-1")
    assert len(ids) == 2
    account.wait()
    account.ec2.terminate_instances(InstanceIds=ids)
    account.wait(86400)
    with refused("IdempotentInstanceTerminated"):
        account.launch(ClientToken="t-1", MaxCount=2)


def test_a_quota_gives_as_many_as_there_is_room_for_if_that_is_enough(account: Account) -> None:
    account.place.limits.instances = 3
    account.launched(MaxCount=2)
    with refused("InstanceLimitExceeded"):
        account.launch(MinCount=2, MaxCount=2)
    account.launched(MinCount=1, MaxCount=5)
    assert len(account.found(instance_state_name="running")) == 3


def mapped(device_name: str, **ebs: Any) -> dict[str, Any]:
    return {"BlockDeviceMappings": [{"DeviceName": device_name, "Ebs": ebs}]}


@pytest.mark.parametrize(
    ("code", "asked"),
    [
        ("InvalidAMIID.NotFound", {"ImageId": "ami-00000000000000000"}),
        ("InvalidAMIID.Malformed", {"ImageId": "linux"}),
        ("InvalidKeyPair.NotFound", {"KeyName": "nobody"}),
        ("Unsupported", {"InstanceType": "a1.medium"}),
        ("VPCResourceNotSpecified", {"InstanceType": "m5.large"}),
        ("InvalidGroup.NotFound", {"SecurityGroups": ["nobody"]}),
        ("InvalidSubnetID.NotFound", {"SubnetId": "subnet-00000000000000000"}),
        ("InvalidParameterValue", {"Placement": {"AvailabilityZone": "us-east-1z"}}),
        ("InvalidParameterValue", {"UserData": "x" * 17000}),
        ("InvalidParameterValue", {"MinCount": 2, "MaxCount": 1}),
        ("InvalidSnapshot.NotFound", mapped("/dev/sdf", SnapshotId="snap-0")),
        ("InvalidBlockDeviceMapping", mapped("/dev/xvda", VolumeSize=2)),
        ("MissingParameter", mapped("/dev/sdf", VolumeType="gp2")),
    ],
)  # fmt: skip
def test_a_launch_that_does_not_fit_is_refused_and_makes_nothing(
    account: Account, code: str, asked: dict[str, Any]
) -> None:
    with refused(code):
        account.launch(**asked)
    assert account.found() == []
    assert account.ec2.describe_volumes()["Volumes"] == []


def test_a_paravirtual_image_does_not_run_on_a_type_without_paravirtualization(account: Account) -> None:
    subnet_id = account.subnet(account.vpc())
    with refused("InvalidParameterCombination"):
        account.launch(ImageId=account.image(LINUX_PV), InstanceType="m5.large", SubnetId=subnet_id)
    running = account.look(account.launched(ImageId=account.image(LINUX_PV), InstanceType="m1.small"))
    assert running["VirtualizationType"] == "paravirtual"


def test_groups_belong_to_their_platform(account: Account) -> None:
    vpc_id = account.vpc()
    subnet_id = account.subnet(vpc_id)
    in_vpc, in_classic = account.group(vpc_id=vpc_id), account.group()
    with refused("InvalidParameterCombination"):
        account.launch(SecurityGroupIds=[in_vpc])
    with refused("InvalidGroup.NotFound"):
        account.launch(SubnetId=subnet_id, SecurityGroupIds=[in_classic])
    with refused("InvalidParameterCombination"):
        account.launch(SubnetId=subnet_id, SecurityGroups=["web"])
    seen = account.look(account.launched(SecurityGroups=["web"]))
    assert seen["SecurityGroups"] == [{"GroupId": in_classic, "GroupName": "web"}]
    groups = [account.group(f"g{n}", vpc_id) for n in range(6)]
    with refused("SecurityGroupsPerInterfaceLimitExceeded"):
        account.launch(SubnetId=subnet_id, SecurityGroupIds=groups)


def test_block_devices_of_the_request_are_merged_over_the_images(account: Account) -> None:
    mappings = [
        {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 20, "DeleteOnTermination": False}},
        {"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 50, "VolumeType": "io1", "Iops": 500, "Encrypted": True}},
        {"DeviceName": "/dev/sdb", "VirtualName": "ephemeral0"},
    ]
    tags = [{"ResourceType": "volume", "Tags": [{"Key": "app", "Value": "shop"}]}]
    instance_id = account.launched(BlockDeviceMappings=mappings, TagSpecifications=tags)
    devices = account.look(instance_id)["BlockDeviceMappings"]
    assert {d["DeviceName"]: d["Ebs"]["DeleteOnTermination"] for d in devices} == {
        "/dev/xvda": False,
        "/dev/sdf": False,
    }
    volumes = account.ec2.describe_volumes(Filters=[{"Name": "tag:app", "Values": ["shop"]}])["Volumes"]
    assert [(v["Size"], v["VolumeType"], v["Encrypted"]) for v in volumes] == [
        (20, "gp2", False),
        (50, "io1", True),
    ]
    assert volumes[1]["Iops"] == 500
