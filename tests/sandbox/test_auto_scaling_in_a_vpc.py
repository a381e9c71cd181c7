"""Groups in a VPC, from launch configurations and launch templates, and what they pass on to their members."""

import base64
from typing import Any

import pytest

from tests.sandbox.auto_scaling_account import SETTLED, Fleet
from tests.sandbox.both_platforms import OTHER_ZONE, ZONE


class InVpc(Fleet):
    def __init__(self) -> None:
        super().__init__()
        self.vpc_id, self.subnets = self.vpc()
        self.inside = self.vpc_group(self.vpc_id, "inside")

    @property
    def where(self) -> str:
        return ",".join(self.subnets)

    def template(self, **data: Any) -> str:
        usual = {"ImageId": self.image, "InstanceType": "m4.large", "SecurityGroupIds": [self.inside]}
        made = self.call("ec2", "CreateLaunchTemplate", LaunchTemplateName="web", LaunchTemplateData=usual | data)
        return str(made["LaunchTemplate"]["LaunchTemplateId"])


@pytest.fixture
def account() -> InVpc:
    return InVpc()


def test_members_are_spread_over_the_subnets_with_the_templates_settings(account: InVpc) -> None:
    data = base64.b64encode(b"hello").decode()
    account.template(
        UserData=data,
        Monitoring={"Enabled": True},
        IamInstanceProfile={"Name": "web"},
        TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "of", "Value": "template"}]}],
    )
    account.fleet(
        2,
        LaunchTemplate={"LaunchTemplateName": "web", "Version": "$Latest"},
        VPCZoneIdentifier=account.where,
        Tags=[{"Key": "team", "Value": "red", "PropagateAtLaunch": True}],
    )
    members = [account.instance(one) for one in account.in_service()]
    assert sorted(one["SubnetId"] for one in members) == sorted(account.subnets)
    for one in members:
        assert [group["GroupId"] for group in one["SecurityGroups"]] == [account.inside]
        assert one["Monitoring"]["State"] == "enabled"
        assert one["IamInstanceProfile"]["Arn"].endswith("/web")
        assert {"of", "team", "aws:autoscaling:groupName"} <= account.tags(one["InstanceId"]).keys()
        asked = {"InstanceId": one["InstanceId"], "Attribute": "userData"}
        assert account.call("ec2", "DescribeInstanceAttribute", **asked)["UserData"]["Value"] == data
    view = account.look()
    assert (view["VPCZoneIdentifier"], view["AvailabilityZones"]) == (account.where, [ZONE, OTHER_ZONE])
    assert view["LaunchTemplate"]["Version"] == "$Latest"
    assert view["Instances"][0]["LaunchTemplate"]["Version"] == "1"


def test_a_new_version_is_for_members_launched_from_then_on(account: InVpc) -> None:
    template_id = account.template()
    account.fleet(
        1,
        LaunchTemplate={"LaunchTemplateId": template_id, "Version": "$Latest"},
        VPCZoneIdentifier=account.subnets[0],
        TerminationPolicies=["OldestLaunchTemplate"],
    )
    account.call(
        "ec2",
        "CreateLaunchTemplateVersion",
        LaunchTemplateId=template_id,
        SourceVersion="1",
        LaunchTemplateData={"InstanceType": "m4.xlarge"},
    )
    account.resize(2)
    account.wait(SETTLED)
    types = {one["InstanceType"]: one["LaunchTemplate"]["Version"] for one in account.look()["Instances"]}
    assert types == {"m4.large": "1", "m4.xlarge": "2"}
    account.resize(1)
    account.wait(SETTLED)
    assert [one["InstanceType"] for one in account.look()["Instances"]] == ["m4.xlarge"]


def test_a_template_with_a_network_interface_may_refuse_public_addresses(account: InVpc) -> None:
    interface = {"DeviceIndex": 0, "Groups": [account.inside], "AssociatePublicIpAddress": False}
    data = {"ImageId": account.image, "InstanceType": "m4.large", "NetworkInterfaces": [interface]}
    account.call("ec2", "CreateLaunchTemplate", LaunchTemplateName="web", LaunchTemplateData=data)
    account.fleet(1, LaunchTemplate={"LaunchTemplateName": "web"}, VPCZoneIdentifier=account.where)
    (member,) = account.in_service()
    view = account.instance(member)
    assert "PublicIpAddress" not in view
    assert [group["GroupId"] for group in view["SecurityGroups"]] == [account.inside]


def test_a_launch_configuration_is_passed_on_whole(account: InVpc) -> None:
    account.call("ec2", "CreateKeyPair", KeyName="ops")
    account.configuration(
        "full",
        InstanceType="m4.large",
        SecurityGroups=[account.inside],
        KeyName="ops",
        UserData="#!/bin/sh",
        IamInstanceProfile="arn:aws:iam::123456789012:instance-profile/web",
        InstanceMonitoring={"Enabled": False},
        EbsOptimized=True,
        AssociatePublicIpAddress=False,
        BlockDeviceMappings=[
            {"DeviceName": "/dev/xvdb", "Ebs": {"VolumeSize": 9}},
            {"DeviceName": "/dev/xvdc", "NoDevice": True},
        ],
    )
    account.fleet(1, LaunchConfigurationName="full", VPCZoneIdentifier=account.where)
    (member,) = account.in_service()
    view = account.instance(member)
    assert (view["KeyName"], view["EbsOptimized"], view["Monitoring"]["State"]) == ("ops", True, "disabled")
    assert view["IamInstanceProfile"]["Arn"].endswith("/web")
    assert "PublicIpAddress" not in view
    extra = next(one for one in view["BlockDeviceMappings"] if one["DeviceName"] == "/dev/xvdb")
    assert extra["Ebs"]["DeleteOnTermination"] is True


def test_a_group_that_has_members_stays_in_its_network(account: InVpc) -> None:
    account.fleet(1)
    account.refused(
        "ValidationError",
        "autoscaling",
        "UpdateAutoScalingGroup",
        AutoScalingGroupName="web",
        VPCZoneIdentifier=account.where,
    )


def test_a_template_that_is_not_there_is_refused(account: InVpc) -> None:
    ask = {"AutoScalingGroupName": "web", "MinSize": 0, "MaxSize": 1, "VPCZoneIdentifier": account.where}
    for template in ({"LaunchTemplateName": "nothing"}, {"LaunchTemplateId": account.template(), "Version": "7"}):
        account.refused("ValidationError", "autoscaling", "CreateAutoScalingGroup", **ask, LaunchTemplate=template)


def test_settings_are_kept_and_shown(account: InVpc) -> None:
    account.template()
    account.fleet(
        0,
        LaunchTemplate={"LaunchTemplateName": "web"},
        VPCZoneIdentifier=account.where,
        MaxInstanceLifetime=864_000,
        CapacityRebalance=True,
        DefaultCooldown=60,
        HealthCheckType="ELB",
        HealthCheckGracePeriod=90,
        TerminationPolicies=["OldestInstance", "Default"],
        NewInstancesProtectedFromScaleIn=True,
        LifecycleHookSpecificationList=[
            {"LifecycleHookName": "up", "LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING"}
        ],
    )
    view = account.look()
    assert (view["MaxInstanceLifetime"], view["CapacityRebalance"]) == (864_000, True)
    assert (view["DefaultCooldown"], view["HealthCheckType"], view["HealthCheckGracePeriod"]) == (60, "ELB", 90)
    assert view["TerminationPolicies"] == ["OldestInstance", "Default"]
    assert view["NewInstancesProtectedFromScaleIn"] is True
    assert account.web("DescribeLifecycleHooks")["LifecycleHooks"][0]["HeartbeatTimeout"] == 3600
