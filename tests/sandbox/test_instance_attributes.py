"""What can be changed about an instance, and when."""

import base64
from typing import Any

import pytest

from tests.sandbox.ec2_account import Account, refused


@pytest.fixture
def account() -> Account:
    return Account()


def told(account: Account, instance_id: str, name: str) -> Any:
    answer = account.ec2.describe_instance_attribute(InstanceId=instance_id, Attribute=name)
    (value,) = (value for key, value in answer.items() if key not in ("InstanceId", "ResponseMetadata"))
    return value


@pytest.mark.parametrize(
    ("name", "change", "shown"),
    [
        ("instanceType", {"InstanceType": {"Value": "m3.large"}}, {"Value": "m3.large"}),
        ("ebsOptimized", {"EbsOptimized": {"Value": True}}, {"Value": True}),
        ("userData", {"UserData": {"Value": b"hi"}}, {"Value": base64.b64encode(b"hi").decode()}),
        ("kernel", {"Kernel": {"Value": "aki-1"}}, {"Value": "aki-1"}),
        ("ramdisk", {"Ramdisk": {"Value": "ari-1"}}, {"Value": "ari-1"}),
    ],
)
def test_some_change_only_while_it_is_stopped(
    account: Account, name: str, change: dict[str, Any], shown: dict[str, Any]
) -> None:
    instance_id = account.launched()
    with refused("IncorrectInstanceState"):
        account.ec2.modify_instance_attribute(InstanceId=instance_id, **change)
    account.stop(instance_id)
    account.ec2.modify_instance_attribute(InstanceId=instance_id, **change)
    assert told(account, instance_id, name) == shown


def test_protection_and_shutdown_behaviour_change_at_any_time(account: Account) -> None:
    instance_id = account.launched()
    account.ec2.modify_instance_attribute(InstanceId=instance_id, DisableApiTermination={"Value": True})
    account.ec2.modify_instance_attribute(
        InstanceId=instance_id, Attribute="instanceInitiatedShutdownBehavior", Value="terminate"
    )
    assert told(account, instance_id, "disableApiTermination") == {"Value": True}
    assert told(account, instance_id, "instanceInitiatedShutdownBehavior") == {"Value": "terminate"}


def test_one_attribute_a_call(account: Account) -> None:
    with refused("InvalidParameterCombination"):
        account.ec2.modify_instance_attribute(
            InstanceId=account.launched(), DisableApiTermination={"Value": True}, EbsOptimized={"Value": True}
        )


def test_groups_change_in_a_vpc_and_not_in_classic(account: Account) -> None:
    vpc_id = account.vpc()
    in_vpc, classic = account.launched(SubnetId=account.subnet(vpc_id)), account.launched()
    group_id, foreign = account.group("new", vpc_id), account.group("classic")
    account.ec2.modify_instance_attribute(InstanceId=in_vpc, Groups=[group_id])
    assert told(account, in_vpc, "groupSet") == [{"GroupId": group_id, "GroupName": "new"}]
    with refused("InvalidGroup.NotFound"):
        account.ec2.modify_instance_attribute(InstanceId=in_vpc, Groups=[foreign])
    with refused("InvalidParameterCombination"):
        account.ec2.modify_instance_attribute(InstanceId=classic, Groups=[foreign])


def test_the_source_and_destination_check_is_of_a_vpc(account: Account) -> None:
    in_vpc, classic = account.launched(SubnetId=account.subnet(account.vpc())), account.launched()
    account.ec2.modify_instance_attribute(InstanceId=in_vpc, SourceDestCheck={"Value": False})
    assert told(account, in_vpc, "sourceDestCheck") == {"Value": False}
    with refused("InvalidParameterCombination"):
        account.ec2.modify_instance_attribute(InstanceId=classic, SourceDestCheck={"Value": False})


def test_a_volume_can_be_told_to_outlive_its_instance(account: Account) -> None:
    instance_id = account.launched()
    mapping = [{"DeviceName": "/dev/xvda", "Ebs": {"DeleteOnTermination": False}}]
    account.ec2.modify_instance_attribute(InstanceId=instance_id, BlockDeviceMappings=mapping)
    (device,) = told(account, instance_id, "blockDeviceMapping")
    assert device["Ebs"]["DeleteOnTermination"] is False
    account.ec2.terminate_instances(InstanceIds=[instance_id])
    account.wait()
    (volume,) = account.ec2.describe_volumes()["Volumes"]
    assert volume["State"] == "available"


def test_the_root_device_is_told_by_name(account: Account) -> None:
    assert told(account, account.launched(), "rootDeviceName") == {"Value": "/dev/xvda"}
