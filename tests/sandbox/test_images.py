"""Machine images: Amazon's, those made of instances, registered and copied ones."""

from typing import Any

import pytest

from sandbox.ec2.image_catalogue import LINUX_HVM, LINUX_INSTANCE_STORE, WINDOWS
from sandbox.ec2.instances import Instance
from tests.sandbox.ec2_account import Account, refused


@pytest.fixture
def account() -> Account:
    return Account()


def make_image(account: Account, instance_id: str, name: str = "web-1", **more: Any) -> str:
    image_id: str = account.ec2.create_image(InstanceId=instance_id, Name=name, **more)["ImageId"]
    return image_id


def look(account: Account, image_id: str) -> dict[str, Any]:
    found: dict[str, Any] = account.ec2.describe_images(ImageIds=[image_id])["Images"][0]
    return found


def test_every_region_has_amazons_images(account: Account) -> None:
    for region in ("us-east-1", "eu-west-1"):
        ec2: Any = account.session.client("ec2", region_name=region)
        images = ec2.describe_images(Owners=["amazon"])["Images"]
        assert {(each["VirtualizationType"], each["RootDeviceType"], each.get("Platform")) for each in images} == {
            ("hvm", "ebs", None),
            ("paravirtual", "ebs", None),
            ("hvm", "instance-store", None),
            ("hvm", "ebs", "windows"),
        }
    assert account.ec2.describe_images(Owners=["self"])["Images"] == []


def test_images_are_found_by_name_and_state_and_come_in_pages(account: Account) -> None:
    name = [{"Name": "name", "Values": ["amzn2-ami-hvm-*"]}, {"Name": "state", "Values": ["available"]}]
    (found,) = account.ec2.describe_images(Filters=name)["Images"]
    assert found["ImageId"] == account.image(LINUX_HVM)
    pages = account.ec2.get_paginator("describe_images").paginate(PaginationConfig={"PageSize": 3})
    assert [len(page["Images"]) for page in pages] == [3, 1]


def test_an_image_carries_the_volumes_and_its_tags_but_not_the_instance(account: Account) -> None:
    mappings = [{"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 50, "Encrypted": True}}]
    instance_id = account.launched(BlockDeviceMappings=mappings, ImageId=account.image(WINDOWS))
    tags = [
        {"ResourceType": kind, "Tags": [{"Key": "landbridge:step", "Value": kind}]} for kind in ("image", "snapshot")
    ]
    image_id = make_image(account, instance_id, TagSpecifications=tags)
    assert look(account, image_id)["State"] == "pending"
    account.wait(3600)
    image = look(account, image_id)
    assert image["State"] == "available"
    assert image["Platform"] == "windows"
    assert image["Tags"] == [{"Key": "landbridge:step", "Value": "image"}]
    devices = {each["DeviceName"]: each["Ebs"] for each in image["BlockDeviceMappings"]}
    assert (devices["/dev/sda1"]["VolumeSize"], devices["/dev/sdf"]["VolumeSize"]) == (30, 50)
    assert (devices["/dev/sda1"]["Encrypted"], devices["/dev/sdf"]["Encrypted"]) == (False, True)
    snapshots = account.ec2.describe_snapshots(SnapshotIds=[each["SnapshotId"] for each in devices.values()])
    assert {each["State"] for each in snapshots["Snapshots"]} == {"completed"}
    assert {each["Tags"][0]["Value"] for each in snapshots["Snapshots"]} == {"snapshot"}
    twin = account.launch(ImageId=image_id)
    assert len(twin["BlockDeviceMappings"]) == 2
    assert twin["Platform"] == "windows"


def test_a_name_is_taken_once(account: Account) -> None:
    instance_id = account.launched()
    image_id = make_image(account, instance_id, NoReboot=True)
    account.wait(3600)
    with refused("InvalidAMIName.Duplicate"):
        make_image(account, instance_id)
    with refused("InvalidAMIName.Malformed"):
        make_image(account, instance_id, "web:1")
    account.ec2.deregister_image(ImageId=image_id)
    make_image(account, instance_id)


@pytest.mark.parametrize("no_reboot", [True, False])
def test_making_an_image_reboots_unless_told_not_to(account: Account, no_reboot: bool) -> None:
    instance_id = account.launched()
    before = account.look(instance_id)
    make_image(account, instance_id, NoReboot=no_reboot)
    instance = account.place.table(Instance)[instance_id]
    assert instance.answers(account.world.clock.now()) is no_reboot
    account.wait(account.world.durations.instance_reboot)
    assert instance.answers(account.world.clock.now())
    assert account.look(instance_id) == before


def test_an_instance_on_instance_store_makes_no_image(account: Account) -> None:
    with refused("InvalidParameterValue"):
        make_image(account, account.launched(ImageId=account.image(LINUX_INSTANCE_STORE)))


def test_a_fresh_snapshot_makes_the_image_quicker(account: Account) -> None:
    mappings = [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 100}}]
    slow, quick = (account.launched(BlockDeviceMappings=mappings) for _ in range(2))
    volume_id = account.look(quick)["BlockDeviceMappings"][0]["Ebs"]["VolumeId"]
    account.ec2.create_snapshot(VolumeId=volume_id)
    account.wait(1800)
    images = [make_image(account, each, f"of-{each}") for each in (slow, quick)]
    account.wait(120)
    assert [look(account, each)["State"] for each in images] == ["pending", "available"]
    with refused("InvalidAMIID.Unavailable"):
        account.launch(ImageId=images[0])


def test_deregistering_keeps_the_snapshots_or_takes_them_along(account: Account) -> None:
    instance_id = account.launched()
    kept = make_image(account, instance_id, "kept")
    account.wait(3600)
    taken = make_image(account, instance_id, "taken")
    account.wait(3600)
    account.ec2.deregister_image(ImageId=kept)
    (result,) = account.ec2.deregister_image(ImageId=taken, DeleteAssociatedSnapshots=True)["DeleteSnapshotResults"]
    assert result["ReturnCode"] == "success"
    (left,) = account.ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]
    assert left["SnapshotId"] != result["SnapshotId"]
    with refused("InvalidAMIID.NotFound"):
        look(account, kept)
    with refused("AuthFailure"):
        account.ec2.deregister_image(ImageId=account.image())


def test_an_image_is_registered_on_a_snapshot(account: Account) -> None:
    volume_id = account.ec2.create_volume(AvailabilityZone="us-east-1a", Size=10)["VolumeId"]
    snapshot_id = account.ec2.create_snapshot(VolumeId=volume_id)["SnapshotId"]
    account.wait()
    mappings = [{"DeviceName": "/dev/sda1", "Ebs": {"SnapshotId": snapshot_id}}]
    with refused("MissingParameter"):
        account.ec2.register_image(Name="root", RootDeviceName="/dev/sdz", BlockDeviceMappings=mappings)
    image_id = account.ec2.register_image(
        Name="root",
        RootDeviceName="/dev/sda1",
        VirtualizationType="hvm",
        Architecture="x86_64",
        BlockDeviceMappings=mappings,
    )["ImageId"]
    assert look(account, image_id)["BlockDeviceMappings"][0]["Ebs"]["VolumeSize"] == 10
    with refused("InvalidSnapshot.InUse"):
        account.ec2.delete_snapshot(SnapshotId=snapshot_id)


def test_an_image_is_copied_to_the_region_that_is_asked(account: Account) -> None:
    image_id = make_image(account, account.launched())
    account.wait(3600)
    there: Any = account.session.client("ec2", region_name="eu-west-1")
    request = {"Name": "copy", "SourceImageId": image_id, "SourceRegion": "us-east-1", "ClientToken": "t"}
    copy_id = there.copy_image(**request)["ImageId"]
    assert there.copy_image(**request)["ImageId"] == copy_id
    account.wait(3600)
    (copy,) = there.describe_images(Owners=["self"])["Images"]
    assert (copy["ImageId"], copy["State"]) == (copy_id, "available")
    assert (
        copy["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]
        != (look(account, image_id)["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"])
    )
