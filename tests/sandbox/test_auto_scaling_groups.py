"""Auto Scaling groups that launch, replace and terminate their members."""

from typing import Any

import pytest

from tests.sandbox.auto_scaling_account import SETTLED, Fleet
from tests.sandbox.both_platforms import OTHER_ZONE, ZONE


@pytest.fixture
def account() -> Fleet:
    return Fleet()


def test_a_group_launches_its_members_balanced_over_its_zones(account: Fleet) -> None:
    account.fleet(4, Tags=[{"Key": "team", "Value": "red", "PropagateAtLaunch": True}, {"Key": "x", "Value": "y"}])
    assert set(account.states().values()) == {"InService"}
    assert account.zones() == [ZONE, ZONE, OTHER_ZONE, OTHER_ZONE]
    for member in account.in_service():
        view = account.instance(member)
        assert (view["State"]["Name"], view["SecurityGroups"][0]["GroupName"]) == ("running", "web")
        assert account.tags(member)["aws:autoscaling:groupName"] == "web"
        assert account.tags(member)["team"] == "red"
    assert account.look()["VPCZoneIdentifier"] == ""


def test_tags_that_do_not_propagate_stay_on_the_group(account: Fleet) -> None:
    account.fleet(1, Tags=[{"Key": "x", "Value": "y", "PropagateAtLaunch": False}])
    (member,) = account.in_service()
    assert account.tags(member) == {"aws:autoscaling:groupName": "web"}


def test_a_member_is_pending_until_its_instance_runs(account: Fleet) -> None:
    account.fleet(0)
    account.resize(1)
    account.wait(account.world.durations.scaling_launch)
    assert list(account.states().values()) == ["Pending"]
    assert account.activities()[-1]["StatusCode"] == "PreInService"
    account.wait(account.world.durations.instance_start)
    assert list(account.states().values()) == ["InService"]


def test_activities_tell_what_was_done_and_why(account: Fleet) -> None:
    account.fleet(1)
    (begun,) = account.activities()
    assert begun["StatusCode"] == "Successful"
    assert begun["Progress"] == 100
    assert begun["Description"].startswith("Launching a new EC2 instance: i-")
    assert "changing the desired capacity from 0 to 1." in begun["Cause"]
    assert "increasing the capacity from 0 to 1." in begun["Cause"]
    account.resize(0)
    account.wait(SETTLED)
    ended = account.activities()[-1]
    assert ended["Description"].startswith("Terminating EC2 instance: i-")
    assert "a user request explicitly set group desired capacity changing" in ended["Cause"]
    assert "shrinking the capacity from 1 to 0." in ended["Cause"]
    assert account.states() == {}


def test_members_terminated_or_stopped_behind_the_groups_back_are_replaced(account: Fleet) -> None:
    account.fleet(3)
    killed, stopped, kept = account.in_service()
    account.terminate(killed)
    account.call("ec2", "StopInstances", InstanceIds=[stopped])
    account.wait(SETTLED)
    now = account.in_service()
    assert len(now) == 3
    assert kept in now
    assert not {killed, stopped} & set(now)
    assert account.instance(stopped)["State"]["Name"] == "terminated"
    causes = [one["Cause"] for one in account.activities()]
    assert any("an EC2 health check indicating it has been terminated or stopped" in one for one in causes)
    assert any("in response to an unhealthy instance needing to be replaced" in one for one in causes)


def test_a_member_declared_unhealthy_is_replaced(account: Fleet) -> None:
    account.fleet(1, HealthCheckGracePeriod=3000)
    (member,) = account.in_service()
    account.scaling("SetInstanceHealth", InstanceId=member, HealthStatus="Unhealthy")
    account.wait(SETTLED)
    assert account.in_service() == [member]
    account.scaling("SetInstanceHealth", InstanceId=member, HealthStatus="Unhealthy", ShouldRespectGracePeriod=False)
    account.wait(SETTLED)
    assert account.in_service() != [member]


def test_sizes_outside_the_bounds_are_refused(account: Fleet) -> None:
    account.fleet(2, MinSize=1, MaxSize=3)
    for wanted in (0, 4):
        account.refused(
            "ValidationError", "autoscaling", "SetDesiredCapacity", AutoScalingGroupName="web", DesiredCapacity=wanted
        )
    account.refused("ValidationError", "autoscaling", "UpdateAutoScalingGroup", AutoScalingGroupName="web", MinSize=4)
    account.web("UpdateAutoScalingGroup", MinSize=3)
    assert account.look()["DesiredCapacity"] == 3
    account.web("UpdateAutoScalingGroup", MinSize=0, MaxSize=1)
    account.wait(SETTLED)
    assert len(account.in_service()) == account.look()["DesiredCapacity"] == 1


def test_a_cooldown_is_honoured_when_asked(account: Fleet) -> None:
    account.fleet(1, DefaultCooldown=1000)
    ask = {"AutoScalingGroupName": "web", "DesiredCapacity": 2, "HonorCooldown": True}
    account.refused("ScalingActivityInProgress", "autoscaling", "SetDesiredCapacity", **ask)
    account.wait(1000)
    account.scaling("SetDesiredCapacity", **ask)
    account.wait(SETTLED)
    assert len(account.in_service()) == 2


def test_a_launch_that_fails_is_an_activity_and_is_tried_again(account: Fleet) -> None:
    account.place.limits.instances = 1
    account.fleet(2)
    failed = [one for one in account.activities() if one["StatusCode"] == "Failed"]
    assert len(failed) >= 2
    assert "instance limit of 1" in failed[0]["StatusMessage"]
    assert failed[0]["StatusMessage"].endswith("Launching EC2 instance failed.")
    assert len(account.in_service()) == 1
    account.place.limits.instances = 10
    account.wait(SETTLED)
    assert len(account.in_service()) == 2


def test_a_bad_image_or_a_deleted_group_fails_the_launch_not_the_call(account: Fleet) -> None:
    account.configuration("bad", ImageId="ami-00000000000000000")
    account.configuration("gone", SecurityGroups=["sg-00000000000000000"])
    account.fleet(1, LaunchConfigurationName="bad")
    assert "ami-00000000000000000" in account.activities()[0]["StatusMessage"]
    account.web("UpdateAutoScalingGroup", LaunchConfigurationName="gone")
    account.wait(SETTLED)
    assert "sg-00000000000000000" in account.activities()[-1]["StatusMessage"]
    account.configuration("good")
    account.web("UpdateAutoScalingGroup", LaunchConfigurationName="good")
    account.wait(60)
    assert len(account.in_service()) == 1


def test_a_group_with_members_is_deleted_by_force_only(account: Fleet) -> None:
    account.fleet(2, NewInstancesProtectedFromScaleIn=True)
    account.refused("ResourceInUse", "autoscaling", "DeleteAutoScalingGroup", AutoScalingGroupName="web")
    account.refused("ResourceInUse", "autoscaling", "DeleteLaunchConfiguration", LaunchConfigurationName="web-1")
    members = account.in_service()
    account.web("DeleteAutoScalingGroup", ForceDelete=True)
    assert account.look()["Status"] == "Delete in progress"
    account.refused(
        "ValidationError", "autoscaling", "SetDesiredCapacity", AutoScalingGroupName="web", DesiredCapacity=0
    )
    account.wait(SETTLED)
    assert account.scaling("DescribeAutoScalingGroups")["AutoScalingGroups"] == []
    assert {account.instance(one)["State"]["Name"] for one in members} == {"terminated"}
    account.scaling("DeleteLaunchConfiguration", LaunchConfigurationName="web-1")
    account.refused("ValidationError", "autoscaling", "DescribeScalingActivities", AutoScalingGroupName="web")
    late = account.activities(IncludeDeletedGroups=True)
    assert {one["AutoScalingGroupState"] for one in late} == {"Deleted"}


def test_a_group_without_members_is_deleted_at_once(account: Fleet) -> None:
    account.fleet(0)
    account.web("DeleteAutoScalingGroup")
    account.refused("ValidationError", "autoscaling", "SuspendProcesses", AutoScalingGroupName="web")
    assert account.scaling("DescribeAccountLimits")["NumberOfAutoScalingGroups"] == 0


def test_what_aws_refuses_when_a_group_is_made(account: Fleet) -> None:
    account.configuration()
    good: dict[str, Any] = {
        "AutoScalingGroupName": "other",
        "LaunchConfigurationName": "web-1",
        "MinSize": 0,
        "MaxSize": 1,
        "AvailabilityZones": [ZONE],
    }
    bad: list[dict[str, Any]] = [
        {"LaunchConfigurationName": "nothing"},
        {"AvailabilityZones": ["us-east-1z"]},
        {"AvailabilityZones": []},
        {"MinSize": 2},
        {"DesiredCapacity": 2},
        {"TerminationPolicies": ["Oldest"]},
        {"HealthCheckType": "ICMP"},
        {"LoadBalancerNames": ["nothing"]},
        {"VPCZoneIdentifier": "subnet-1"},
        {"Tags": [{"Key": "aws:x", "Value": "y"}]},
    ]
    for one in bad:
        account.refused("ValidationError", "autoscaling", "CreateAutoScalingGroup", **(good | one))
    account.scaling("CreateAutoScalingGroup", **good)
    account.refused("AlreadyExists", "autoscaling", "CreateAutoScalingGroup", **good)
    account.place.limits.auto_scaling_groups = 1
    account.refused(
        "LimitExceeded", "autoscaling", "CreateAutoScalingGroup", **(good | {"AutoScalingGroupName": "third"})
    )


def test_tags_of_groups_have_their_own_calls(account: Fleet) -> None:
    account.fleet(1)
    tag = {"ResourceId": "web", "ResourceType": "auto-scaling-group"}
    account.scaling(
        "CreateOrUpdateTags",
        Tags=[
            tag | {"Key": "a", "Value": "1", "PropagateAtLaunch": True},
            tag | {"Key": "b", "Value": "2", "PropagateAtLaunch": False},
        ],
    )
    found = account.scaling("DescribeTags", Filters=[{"Name": "auto-scaling-group", "Values": ["web"]}])["Tags"]
    assert [(one["Key"], one["Value"], one["PropagateAtLaunch"]) for one in found] == [
        ("a", "1", True),
        ("b", "2", False),
    ]
    account.scaling("DeleteTags", Tags=[tag | {"Key": "a"}])
    assert [one["Key"] for one in account.look()["Tags"]] == ["b"]
    by_tag = account.scaling("DescribeAutoScalingGroups", Filters=[{"Name": "tag:b", "Values": ["2"]}])
    assert len(by_tag["AutoScalingGroups"]) == 1


def test_metrics_are_collected_when_asked(account: Fleet) -> None:
    account.fleet(0)
    account.web("EnableMetricsCollection", Granularity="1Minute", Metrics=["GroupMinSize", "GroupMaxSize"])
    account.web("DisableMetricsCollection", Metrics=["GroupMinSize"])
    assert account.look()["EnabledMetrics"] == [{"Metric": "GroupMaxSize", "Granularity": "1Minute"}]
