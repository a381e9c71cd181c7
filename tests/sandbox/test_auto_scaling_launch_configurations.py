"""Launch configurations: made, described, refused, deleted."""

import pytest

from tests.sandbox.auto_scaling_account import Fleet


@pytest.fixture
def account() -> Fleet:
    return Fleet()


def test_everything_asked_for_is_shown(account: Fleet) -> None:
    vpc_id, _ = account.vpc()
    link = account.vpc_group(vpc_id, "link")
    asked = {
        "KeyName": "ops",
        "SpotPrice": "0.05",
        "UserData": "aGVsbG8=",
        "IamInstanceProfile": "web",
        "EbsOptimized": True,
        "InstanceMonitoring": {"Enabled": False},
        "BlockDeviceMappings": [{"DeviceName": "/dev/sdb", "VirtualName": "ephemeral0"}],
        "PlacementTenancy": "default",
        "ClassicLinkVPCId": vpc_id,
        "ClassicLinkVPCSecurityGroups": [link],
    }
    account.configuration("full", **asked)
    (view,) = account.scaling("DescribeLaunchConfigurations", LaunchConfigurationNames=["full", "other"])[
        "LaunchConfigurations"
    ]
    user_data = view.pop("UserData")
    assert {**view, **{key: value for key, value in asked.items() if key != "UserData"}} == view
    assert user_data
    assert view["LaunchConfigurationARN"].endswith(":launchConfigurationName/full")
    account.scaling("CreateLaunchConfiguration", LaunchConfigurationName="again", **{
        key: view[key]
        for key in ("ImageId", "InstanceType", "SecurityGroups", "ClassicLinkVPCId", "ClassicLinkVPCSecurityGroups")
    })  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [
        {"InstanceType": "m9.huge"},
        {"SpotPrice": "cheap"},
        {"PlacementTenancy": "shared"},
        {"UserData": "x" * 17_000},
        {"ClassicLinkVPCSecurityGroups": ["sg-1"]},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_what_aws_refuses(account: Fleet, wrong: dict[str, object]) -> None:
    good = {"LaunchConfigurationName": "x", "ImageId": account.image, "InstanceType": "m3.medium"}
    account.refused("ValidationError", "autoscaling", "CreateLaunchConfiguration", **(good | wrong))
    account.refused("ValidationError", "autoscaling", "DeleteLaunchConfiguration", LaunchConfigurationName="x")


def test_names_are_taken_once_and_their_number_is_limited(account: Fleet) -> None:
    account.place.limits.launch_configurations = 1
    account.configuration("x")
    good = {"ImageId": account.image, "InstanceType": "m3.medium"}
    for name, code in (("x", "AlreadyExists"), ("y", "LimitExceeded")):
        account.refused(code, "autoscaling", "CreateLaunchConfiguration", LaunchConfigurationName=name, **good)
    account.scaling("DeleteLaunchConfiguration", LaunchConfigurationName="x")
    account.configuration("y")


def test_they_come_in_pages(account: Fleet) -> None:
    for number in range(3):
        account.configuration(f"c{number}")
    first = account.scaling("DescribeLaunchConfigurations", MaxRecords=2)
    rest = account.scaling("DescribeLaunchConfigurations", MaxRecords=2, NextToken=first["NextToken"])
    names = [one["LaunchConfigurationName"] for one in first["LaunchConfigurations"] + rest["LaunchConfigurations"]]
    assert names == ["c0", "c1", "c2"]
    assert "NextToken" not in rest


def test_groups_of_ec2_classic_are_named_by_name_or_id(account: Fleet) -> None:
    account.configuration("by-id", SecurityGroups=[account.group])
    account.fleet(1, LaunchConfigurationName="by-id")
    (member,) = account.in_service()
    assert [one["GroupName"] for one in account.instance(member)["SecurityGroups"]] == ["web"]
