"""Launch templates: versions, names, what launches from them."""

import base64
from typing import Any

import pytest

from sandbox.ec2.launch_templates import launch_template_data
from tests.sandbox.ec2_account import Account, refused

BOOT = base64.b64encode(b"#!/bin/sh\n").decode()
TAGS = [{"ResourceType": "launch-template", "Tags": [{"Key": "app", "Value": "shop"}]}]


@pytest.fixture
def account() -> Account:
    return Account()


def template(account: Account, name: str = "web", **more: Any) -> dict[str, Any]:
    data = {"ImageId": account.image(), "InstanceType": "m3.medium", "UserData": BOOT}
    made: dict[str, Any] = account.ec2.create_launch_template(
        LaunchTemplateName=name, **{"LaunchTemplateData": data, **more}
    )["LaunchTemplate"]
    return made


def version(account: Account, data: dict[str, Any], **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = account.ec2.create_launch_template_version(
        LaunchTemplateName="web", LaunchTemplateData=data, **more
    )["LaunchTemplateVersion"]
    return made


def numbers(account: Account, **more: Any) -> list[int]:
    found = account.ec2.describe_launch_template_versions(**more)["LaunchTemplateVersions"]
    return [each["VersionNumber"] for each in found]


def test_a_template_begins_with_version_1_as_its_default(account: Account) -> None:
    made = template(account, TagSpecifications=TAGS, VersionDescription="first")
    (described,) = account.ec2.describe_launch_templates(LaunchTemplateNames=["web"])["LaunchTemplates"]
    assert described == made
    assert (made["DefaultVersionNumber"], made["LatestVersionNumber"]) == (1, 1)
    assert made["Tags"] == [{"Key": "app", "Value": "shop"}]
    (only,) = account.ec2.describe_launch_template_versions(LaunchTemplateId=made["LaunchTemplateId"])[
        "LaunchTemplateVersions"
    ]
    assert (only["VersionDescription"], only["DefaultVersion"]) == ("first", True)
    assert only["LaunchTemplateData"]["UserData"] == BOOT


def test_a_repeated_token_makes_one_template(account: Account) -> None:
    first = template(account, ClientToken="one")
    assert template(account, ClientToken="one") == first
    with refused("IdempotentParameterMismatch"):
        template(account, "other", ClientToken="one")
    with refused("InvalidLaunchTemplateName.AlreadyExistsException"):
        template(account, ClientToken="two")


def test_names_that_aws_would_not_take_are_refused(account: Account) -> None:
    with refused("InvalidLaunchTemplateName.MalformedException"):
        template(account, "web|front")


def test_templates_that_do_not_exist_are_refused_with_aws_s_codes(account: Account) -> None:
    template(account)
    describe = account.ec2.describe_launch_template_versions
    with refused("InvalidLaunchTemplateId.NotFound"):
        describe(LaunchTemplateId="lt-0123456789abcdef0")
    with refused("InvalidLaunchTemplateId.Malformed"):
        describe(LaunchTemplateId="web")
    with refused("InvalidLaunchTemplateName.NotFoundException"):
        describe(LaunchTemplateName="another")
    with refused("InvalidLaunchTemplateId.VersionNotFound"):
        describe(LaunchTemplateName="web", Versions=["2"])
    with refused("InvalidParameterValue"):
        describe(LaunchTemplateName="web", Versions=["newest"])
    with refused("MissingParameter"):
        describe()


def test_a_version_takes_from_its_source_what_it_does_not_say(account: Account) -> None:
    template(account)
    made = version(account, {"InstanceType": "m3.large"}, SourceVersion="$Latest")
    assert made["LaunchTemplateData"]["UserData"] == BOOT
    assert made["LaunchTemplateData"]["InstanceType"] == "m3.large"
    bare = version(account, {"InstanceType": "m3.xlarge"})
    assert bare["LaunchTemplateData"] == {"InstanceType": "m3.xlarge"}


def test_a_repeated_token_makes_one_version(account: Account) -> None:
    template(account)
    data = {"InstanceType": "m3.large"}
    assert version(account, data, ClientToken="one") == version(account, data, ClientToken="one")
    with refused("IdempotentParameterMismatch"):
        version(account, {"InstanceType": "m3.xlarge"}, ClientToken="one")
    assert numbers(account, LaunchTemplateName="web") == [2, 1]


def test_versions_are_found_by_words_numbers_and_ranges(account: Account) -> None:
    template(account)
    template(account, "another")
    for size in ("large", "xlarge", "2xlarge"):
        version(account, {"InstanceType": f"m3.{size}"})
    web = {"LaunchTemplateName": "web"}
    assert numbers(account, **web) == [4, 3, 2, 1]
    assert numbers(account, **web, Versions=["$Default", "$Latest", "3"]) == [4, 3, 1]
    assert numbers(account, **web, MinVersion="2", MaxVersion="3") == [3, 2]
    assert numbers(account, Versions=["$Latest"]) == [4, 1]
    large = [{"Name": "instance-type", "Values": ["m3.large"]}]
    assert numbers(account, **web, Filters=large) == [2]
    pages = account.ec2.get_paginator("describe_launch_template_versions")
    found = pages.paginate(**web, PaginationConfig={"PageSize": 3}).build_full_result()
    assert len(found["LaunchTemplateVersions"]) == 4


def test_the_default_can_be_changed_and_only_others_deleted(account: Account) -> None:
    template(account)
    version(account, {"InstanceType": "m3.large"})
    changed = account.ec2.modify_launch_template(LaunchTemplateName="web", DefaultVersion="2")["LaunchTemplate"]
    assert changed["DefaultVersionNumber"] == 2
    delete = account.ec2.delete_launch_template_versions
    with refused("InvalidParameterValue"):
        delete(LaunchTemplateName="web", Versions=["2"])
    answer = delete(LaunchTemplateName="web", Versions=["1", "7"])
    assert [each["VersionNumber"] for each in answer["SuccessfullyDeletedLaunchTemplateVersions"]] == [1]
    (failed,) = answer["UnsuccessfullyDeletedLaunchTemplateVersions"]
    assert failed["ResponseError"]["Code"] == "launchTemplateVersionDoesNotExist"
    assert version(account, {"InstanceType": "m3.large"})["VersionNumber"] == 3


def test_a_deleted_templates_name_is_free_again(account: Account) -> None:
    first = template(account)
    account.ec2.delete_launch_template(LaunchTemplateId=first["LaunchTemplateId"])
    assert account.ec2.describe_launch_templates()["LaunchTemplates"] == []
    assert template(account)["LaunchTemplateId"] != first["LaunchTemplateId"]


def test_templates_and_versions_have_quotas(account: Account) -> None:
    account.place.limits.launch_templates = 1
    account.place.limits.launch_template_versions = 1
    template(account)
    with refused("MaxTemplateLimitExceeded"):
        template(account, "another")
    with refused("MaxTemplateVersionLimitExceeded"):
        version(account, {"InstanceType": "m3.large"})


def test_user_data_must_be_base64(account: Account) -> None:
    with refused("InvalidUserData.Malformed"):
        template(account, LaunchTemplateData={"UserData": "not base64!"})


def test_an_instance_is_launched_from_a_template_and_the_request_wins(account: Account) -> None:
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "app", "Value": "shop"}, {"Key": "role", "Value": "web"}]}]
    data = {
        "ImageId": account.image(),
        "InstanceType": "m3.medium",
        "UserData": BOOT,
        "Placement": {"AvailabilityZone": "us-east-1b"},
        "SecurityGroups": ["default"],
        "BlockDeviceMappings": [{"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 20}}],
        "TagSpecifications": tags,
    }
    template(account, LaunchTemplateData=data)
    group = account.group("web")
    made = account.ec2.run_instances(
        LaunchTemplate={"LaunchTemplateName": "web", "Version": "$Latest"},
        MinCount=1,
        MaxCount=1,
        InstanceType="m3.large",
        SecurityGroupIds=[group],
        TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "role", "Value": "canary"}]}],
    )["Instances"][0]
    assert (made["InstanceType"], made["Placement"]["AvailabilityZone"]) == ("m3.large", "us-east-1b")
    assert [each["GroupId"] for each in made["SecurityGroups"]] == [group]
    assert {tag["Key"]: tag["Value"] for tag in made["Tags"]} == {"app": "shop", "role": "canary"}
    account.wait()
    devices = account.look(made["InstanceId"])["BlockDeviceMappings"]
    assert "/dev/sdf" in {device["DeviceName"] for device in devices}
    found = account.ec2.describe_instance_attribute(InstanceId=made["InstanceId"], Attribute="userData")
    assert found["UserData"]["Value"] == BOOT


def test_without_a_version_the_default_is_launched(account: Account) -> None:
    template(account)
    version(account, {"InstanceType": "m3.large"}, SourceVersion="1")
    made = account.ec2.run_instances(LaunchTemplate={"LaunchTemplateName": "web"}, MinCount=1, MaxCount=1)
    assert made["Instances"][0]["InstanceType"] == "m3.medium"


def test_a_launch_from_a_template_that_is_gone_is_refused(account: Account) -> None:
    with refused("InvalidLaunchTemplateName.NotFoundException"):
        account.ec2.run_instances(LaunchTemplate={"LaunchTemplateName": "web"}, MinCount=1, MaxCount=1)


def test_others_of_the_simulation_read_a_templates_data(account: Account) -> None:
    made = template(account)
    version(account, {"InstanceType": "m3.large"})
    by_id = {"LaunchTemplateId": made["LaunchTemplateId"], "Version": "$Latest"}
    assert launch_template_data(account.place, by_id) == {"InstanceType": "m3.large"}


def test_an_instance_can_be_said_as_a_template(account: Account) -> None:
    instance_id = account.launched(UserData=BOOT)
    data = account.ec2.get_launch_template_data(InstanceId=instance_id)["LaunchTemplateData"]
    again = template(account, LaunchTemplateData=data)
    made = account.ec2.run_instances(
        LaunchTemplate={"LaunchTemplateId": again["LaunchTemplateId"]}, MinCount=1, MaxCount=1
    )["Instances"][0]
    assert made["SecurityGroups"] == account.look(instance_id)["SecurityGroups"]
    assert made["Placement"] == account.look(instance_id)["Placement"]


def test_templates_carry_tags_like_everything_in_ec2(account: Account) -> None:
    made = template(account)
    account.ec2.create_tags(Resources=[made["LaunchTemplateId"]], Tags=[{"Key": "team", "Value": "red"}])
    red = [{"Name": "tag:team", "Values": ["red"]}]
    assert len(account.ec2.describe_launch_templates(Filters=red)["LaunchTemplates"]) == 1
