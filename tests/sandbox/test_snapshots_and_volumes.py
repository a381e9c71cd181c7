"""Volumes and snapshots: how long they take, where they fit, who has them."""

from typing import Any

import pytest

from tests.sandbox.ec2_account import Account, refused


@pytest.fixture
def account() -> Account:
    return Account()


def make_volume(account: Account, zone: str = "us-east-1a", **more: Any) -> str:
    volume_id: str = account.ec2.create_volume(AvailabilityZone=zone, **({"Size": 10} | more))["VolumeId"]
    account.wait()
    return volume_id


def look(account: Account, volume_id: str) -> dict[str, Any]:
    found: dict[str, Any] = account.ec2.describe_volumes(VolumeIds=[volume_id])["Volumes"][0]
    return found


def launched_in(account: Account, zone: str = "us-east-1a") -> str:
    return account.launched(Placement={"AvailabilityZone": zone})


def root_of(account: Account, instance_id: str) -> str:
    volume_id: str = account.look(instance_id)["BlockDeviceMappings"][0]["Ebs"]["VolumeId"]
    return volume_id


def test_a_volume_is_available_after_a_while_and_made_once_per_token(account: Account) -> None:
    request = {"AvailabilityZone": "us-east-1a", "Size": 10, "ClientToken": "t"}
    made = account.ec2.create_volume(**request)
    assert made["State"] == "creating"
    assert account.ec2.create_volume(**request)["VolumeId"] == made["VolumeId"]
    with refused("IdempotentParameterMismatch"):
        account.ec2.create_volume(**(request | {"Size": 11}))
    account.wait()
    assert look(account, made["VolumeId"])["State"] == "available"


@pytest.mark.parametrize(
    ("code", "asked"),
    [
        ("InvalidZone.NotFound", {"AvailabilityZone": "us-east-1z", "Size": 1}),
        ("MissingParameter", {"AvailabilityZone": "us-east-1a"}),
        ("MissingParameter", {"AvailabilityZone": "us-east-1a", "Size": 10, "VolumeType": "io1"}),
        ("InvalidSnapshot.NotFound", {"AvailabilityZone": "us-east-1a", "SnapshotId": "snap-0"}),
    ],
)
def test_a_volume_that_does_not_fit_is_refused(account: Account, code: str, asked: dict[str, Any]) -> None:
    with refused(code):
        account.ec2.create_volume(**asked)


def test_a_volume_is_attached_in_its_own_zone_and_to_one_instance(account: Account) -> None:
    here, there = launched_in(account), launched_in(account, "us-east-1b")
    volume_id = make_volume(account)
    with refused("InvalidVolume.ZoneMismatch"):
        account.ec2.attach_volume(VolumeId=volume_id, InstanceId=there, Device="/dev/sdf")
    told = account.ec2.attach_volume(VolumeId=volume_id, InstanceId=here, Device="/dev/sdf")
    assert told["State"] == "attaching"
    with refused("VolumeInUse"):
        account.ec2.attach_volume(VolumeId=volume_id, InstanceId=here, Device="/dev/sdg")
    account.wait()
    (attachment,) = look(account, volume_id)["Attachments"]
    assert (attachment["InstanceId"], attachment["Device"], attachment["State"]) == (here, "/dev/sdf", "attached")
    other = make_volume(account)
    with refused("InvalidParameterValue"):
        account.ec2.attach_volume(VolumeId=other, InstanceId=here, Device="/dev/sdf")
    with refused("VolumeInUse"):
        account.ec2.delete_volume(VolumeId=volume_id)


def test_a_data_volume_goes_from_a_classic_instance_to_one_in_a_vpc(account: Account) -> None:
    classic = launched_in(account)
    in_vpc = account.launched(SubnetId=account.subnet(account.vpc()))
    volume_id = make_volume(account)
    account.ec2.attach_volume(VolumeId=volume_id, InstanceId=classic, Device="/dev/sdf")
    account.wait()
    account.ec2.detach_volume(VolumeId=volume_id)
    account.wait()
    assert look(account, volume_id)["State"] == "available"
    account.ec2.attach_volume(VolumeId=volume_id, InstanceId=in_vpc, Device="/dev/sdf")
    account.wait()
    assert [each["DeviceName"] for each in account.look(in_vpc)["BlockDeviceMappings"]] == ["/dev/xvda", "/dev/sdf"]


def test_a_root_volume_comes_off_a_stopped_instance_only_which_then_does_not_start(account: Account) -> None:
    instance_id = launched_in(account)
    volume_id = root_of(account, instance_id)
    with refused("OperationNotPermitted"):
        account.ec2.detach_volume(VolumeId=volume_id)
    account.stop(instance_id)
    account.ec2.detach_volume(VolumeId=volume_id)
    account.wait()
    with refused("IncorrectInstanceState"):
        account.ec2.start_instances(InstanceIds=[instance_id])
    with refused("IncorrectState"):
        account.ec2.detach_volume(VolumeId=volume_id)
    account.ec2.attach_volume(VolumeId=volume_id, InstanceId=instance_id, Device="/dev/xvda")
    account.start(instance_id)


def test_a_snapshot_makes_progress_and_a_second_one_within_seconds_is_refused(account: Account) -> None:
    volume_id = make_volume(account, Size=100)
    made = account.ec2.create_snapshot(VolumeId=volume_id, Description="before")
    assert (made["State"], made["Progress"], made["VolumeSize"]) == ("pending", "0%", 100)
    with refused("SnapshotCreationPerVolumeRateExceeded"):
        account.ec2.create_snapshot(VolumeId=volume_id)
    account.wait(165)
    (half,) = account.ec2.describe_snapshots(SnapshotIds=[made["SnapshotId"]])["Snapshots"]
    assert (half["State"], half["Progress"]) == ("pending", "50%")
    account.wait(165)
    (done,) = account.ec2.describe_snapshots(Filters=[{"Name": "status", "Values": ["completed"]}])["Snapshots"]
    assert (done["SnapshotId"], done["Progress"]) == (made["SnapshotId"], "100%")


def test_a_volume_from_a_snapshot_is_at_least_as_big_and_as_secret(account: Account) -> None:
    volume_id = make_volume(account, Encrypted=True)
    snapshot_id = account.ec2.create_snapshot(VolumeId=volume_id)["SnapshotId"]
    with refused("IncorrectState"):
        account.ec2.create_volume(AvailabilityZone="us-east-1b", SnapshotId=snapshot_id)
    account.wait()
    with refused("InvalidParameterValue"):
        account.ec2.create_volume(AvailabilityZone="us-east-1b", SnapshotId=snapshot_id, Size=5)
    copy = account.ec2.create_volume(AvailabilityZone="us-east-1b", SnapshotId=snapshot_id)
    assert (copy["Size"], copy["Encrypted"], copy["SnapshotId"]) == (10, True, snapshot_id)


def test_all_volumes_of_an_instance_are_snapshotted_at_once(account: Account) -> None:
    instance_id = account.launched(BlockDeviceMappings=[{"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 5}}])
    tags = [{"ResourceType": "snapshot", "Tags": [{"Key": "k", "Value": "v"}]}]
    made = account.ec2.create_snapshots(InstanceSpecification={"InstanceId": instance_id}, TagSpecifications=tags)
    assert [each["VolumeSize"] for each in made["Snapshots"]] == [8, 5]
    assert made["Snapshots"][0]["Tags"] == [{"Key": "k", "Value": "v"}]


def test_a_snapshot_is_copied_between_regions_and_each_call_makes_another(account: Account) -> None:
    snapshot_id = account.ec2.create_snapshot(VolumeId=make_volume(account))["SnapshotId"]
    account.wait()
    there: Any = account.session.client("ec2", region_name="eu-west-1")
    for _ in range(2):
        there.copy_snapshot(SourceRegion="us-east-1", SourceSnapshotId=snapshot_id, Encrypted=True)
    account.wait()
    copies = there.describe_snapshots(OwnerIds=["self"])["Snapshots"]
    assert [(each["State"], each["Encrypted"]) for each in copies] == [("completed", True)] * 2


def test_a_snapshot_under_an_image_is_not_deleted(account: Account) -> None:
    image_id = account.ec2.create_image(InstanceId=account.launched(), Name="web-1")["ImageId"]
    (snapshot,) = account.ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]
    with refused("InvalidSnapshot.InUse"):
        account.ec2.delete_snapshot(SnapshotId=snapshot["SnapshotId"])
    account.ec2.deregister_image(ImageId=image_id)
    account.ec2.delete_snapshot(SnapshotId=snapshot["SnapshotId"])
    with refused("InvalidSnapshot.NotFound"):
        account.ec2.delete_snapshot(SnapshotId=snapshot["SnapshotId"])
