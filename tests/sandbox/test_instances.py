"""Instances of both platforms: finding, starting, stopping and terminating them."""

from typing import Any

import pytest

from sandbox.ec2.image_catalogue import LINUX_INSTANCE_STORE, WINDOWS
from sandbox.ec2.instances import Instance
from tests.sandbox.ec2_account import Account, refused


@pytest.fixture
def account() -> Account:
    return Account()


def test_a_start_gives_a_classic_instance_new_addresses_and_a_vpc_one_its_own(account: Account) -> None:
    classic = account.launched()
    in_vpc = account.launched(SubnetId=account.subnet(account.vpc()))
    before, kept = account.look(classic), account.look(in_vpc)["PrivateIpAddress"]
    for instance_id in (classic, in_vpc):
        account.stop(instance_id)
    stopped = account.look(classic)
    assert "PrivateIpAddress" not in stopped
    assert "PublicIpAddress" not in stopped
    assert account.look(in_vpc)["PrivateIpAddress"] == kept
    for instance_id in (classic, in_vpc):
        account.start(instance_id)
    after = account.look(classic)
    assert after["PrivateIpAddress"] != before["PrivateIpAddress"]
    assert after["PublicIpAddress"] != before["PublicIpAddress"]
    assert account.look(in_vpc)["PrivateIpAddress"] == kept


def test_each_change_of_state_tells_the_state_before(account: Account) -> None:
    instance_id = account.launched()
    (change,) = account.ec2.stop_instances(InstanceIds=[instance_id])["StoppingInstances"]
    assert (change["PreviousState"]["Name"], change["CurrentState"]["Name"]) == ("running", "stopping")
    with refused("IncorrectInstanceState"):
        account.ec2.start_instances(InstanceIds=[instance_id])
    account.wait()
    (change,) = account.ec2.stop_instances(InstanceIds=[instance_id])["StoppingInstances"]
    assert (change["PreviousState"]["Name"], change["CurrentState"]["Name"]) == ("stopped", "stopped")
    with refused("IncorrectInstanceState"):
        account.ec2.reboot_instances(InstanceIds=[instance_id])
    (change,) = account.ec2.start_instances(InstanceIds=[instance_id])["StartingInstances"]
    assert (change["PreviousState"]["Name"], change["CurrentState"]["Name"]) == ("stopped", "pending")


def test_stopping_by_the_api_never_terminates(account: Account) -> None:
    instance_id = account.launched(InstanceInitiatedShutdownBehavior="terminate")
    account.stop(instance_id)
    assert account.look(instance_id)["State"]["Name"] == "stopped"


def test_an_instance_on_instance_store_cannot_be_stopped(account: Account) -> None:
    instance_id = account.launched(ImageId=account.image(LINUX_INSTANCE_STORE))
    with refused("UnsupportedOperation"):
        account.ec2.stop_instances(InstanceIds=[instance_id])


def test_a_protected_instance_is_not_terminated_and_neither_are_those_named_with_it(account: Account) -> None:
    protected, other = account.launched(DisableApiTermination=True), account.launched()
    with refused("OperationNotPermitted"):
        account.ec2.terminate_instances(InstanceIds=[other, protected])
    assert account.look(other)["State"]["Name"] == "running"
    account.ec2.modify_instance_attribute(InstanceId=protected, DisableApiTermination={"Value": False})
    account.ec2.terminate_instances(InstanceIds=[protected])


def test_a_terminated_instance_is_described_for_an_hour_without_its_network(account: Account) -> None:
    instance_id = account.launched(SubnetId=account.subnet(account.vpc()))
    for _ in range(2):
        account.ec2.terminate_instances(InstanceIds=[instance_id])
    account.wait(60)
    seen = account.look(instance_id)
    assert seen["State"]["Name"] == "terminated"
    assert "VpcId" not in seen
    assert account.ec2.describe_volumes()["Volumes"] == []
    account.wait(3600)
    with refused("InvalidInstanceID.NotFound"):
        account.look(instance_id)


def test_a_reboot_keeps_the_addresses_and_silences_the_instance_for_a_while(account: Account) -> None:
    instance_id = account.launched()
    before = account.look(instance_id)
    account.ec2.reboot_instances(InstanceIds=[instance_id])
    instance = account.place.table(Instance)[instance_id]
    assert not instance.answers(account.world.clock.now())
    account.wait(60)
    assert instance.answers(account.world.clock.now())
    assert account.look(instance_id) == before


def test_instances_are_found_by_what_they_are(account: Account) -> None:
    vpc_id = account.vpc()
    in_vpc = account.launched(SubnetId=account.subnet(vpc_id))
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "tier", "Value": "web"}]}]
    classic = account.launched(
        ImageId=account.image(WINDOWS), TagSpecifications=tags, SecurityGroupIds=[account.group()]
    )
    seen = account.look(classic)
    assert account.found(vpc_id=vpc_id) == [in_vpc]
    assert account.found(platform="windows") == [classic]
    assert account.found(**{"tag:tier": "w*"}) == [classic]
    assert account.found(**{"instance.group-name": "web"}) == [classic]
    assert account.found(private_ip_address=seen["PrivateIpAddress"]) == [classic]
    assert account.found(ip_address=seen["PublicIpAddress"]) == [classic]
    assert account.found(instance_id=in_vpc) == [in_vpc]
    with refused("InvalidParameterValue"):
        account.found(colour="red")


def test_pages_hold_instances_and_not_launches(account: Account) -> None:
    account.launched(MinCount=7, MaxCount=7)
    pages = list(account.ec2.get_paginator("describe_instances").paginate(PaginationConfig={"PageSize": 5}))
    sizes = [sum(len(each["Instances"]) for each in page["Reservations"]) for page in pages]
    assert sizes == [5, 2]


def test_status_checks_pass_some_time_after_an_instance_runs(account: Account) -> None:
    instance_id = account.launch()["InstanceId"]

    def status(**more: Any) -> list[tuple[str, str]]:
        answer = account.ec2.describe_instance_status(InstanceIds=[instance_id], **more)
        return [
            (each["InstanceState"]["Name"], each["InstanceStatus"]["Status"]) for each in answer["InstanceStatuses"]
        ]

    assert status() == []
    assert status(IncludeAllInstances=True) == [("pending", "not-applicable")]
    account.wait(account.world.durations.instance_start)
    assert status() == [("running", "initializing")]
    account.wait(account.world.durations.status_checks)
    assert status() == [("running", "ok")]


def test_monitoring_is_switched_on_and_off(account: Account) -> None:
    instance_id = account.launched()
    account.ec2.monitor_instances(InstanceIds=[instance_id])
    assert account.look(instance_id)["Monitoring"]["State"] == "enabled"
    account.ec2.unmonitor_instances(InstanceIds=[instance_id])
    assert account.look(instance_id)["Monitoring"]["State"] == "disabled"


def test_a_profile_is_listed_with_its_instance(account: Account) -> None:
    arn = "arn:aws:iam::123456789012:instance-profile/web"
    instance_id = account.launched(IamInstanceProfile={"Arn": arn})
    (found,) = account.ec2.describe_iam_instance_profile_associations()["IamInstanceProfileAssociations"]
    assert (found["InstanceId"], found["IamInstanceProfile"]["Arn"]) == (instance_id, arn)


def test_an_unknown_id_is_not_found_and_a_word_is_malformed(account: Account) -> None:
    with refused("InvalidInstanceID.NotFound"):
        account.ec2.describe_instances(InstanceIds=["i-00000000000000000"])
    with refused("InvalidInstanceID.Malformed"):
        account.ec2.start_instances(InstanceIds=["web"])


def test_a_network_interface_is_found_by_its_instance(account: Account) -> None:
    subnet_id = account.subnet(account.vpc())
    instance_id = account.launched(SubnetId=subnet_id)
    account.launched()
    (found,) = account.ec2.describe_network_interfaces()["NetworkInterfaces"]
    assert (found["SubnetId"], found["Attachment"]["InstanceId"]) == (subnet_id, instance_id)
    asked = [{"Name": "attachment.instance-id", "Values": ["i-none"]}]
    assert account.ec2.describe_network_interfaces(Filters=asked)["NetworkInterfaces"] == []
