"""Single members of Auto Scaling groups: hooks that hold them, protection, standby, and who goes first."""

import pytest

from tests.sandbox.auto_scaling_account import SETTLED, Fleet
from tests.sandbox.both_platforms import OTHER_ZONE, ZONE

LAUNCHING, TERMINATING = "autoscaling:EC2_INSTANCE_LAUNCHING", "autoscaling:EC2_INSTANCE_TERMINATING"


@pytest.fixture
def account() -> Fleet:
    return Fleet()


def hook(account: Fleet, transition: str, **more: object) -> None:
    account.web("PutLifecycleHook", LifecycleHookName="wait", LifecycleTransition=transition, **more)


def complete(account: Fleet, member: str, result: str = "CONTINUE") -> None:
    account.web("CompleteLifecycleAction", LifecycleHookName="wait", InstanceId=member, LifecycleActionResult=result)


def test_a_hook_holds_a_member_that_launches_until_the_action_is_completed(account: Fleet) -> None:
    account.fleet(0)
    hook(account, LAUNCHING)
    account.resize(1)
    account.wait(SETTLED)
    ((member, state),) = account.states().items()
    assert state == "Pending:Wait"
    assert account.activities()[-1]["StatusCode"] == "MidLifecycleAction"
    complete(account, member)
    assert account.in_service() == [member]
    account.refused(
        "ValidationError",
        "autoscaling",
        "CompleteLifecycleAction",
        AutoScalingGroupName="web",
        LifecycleHookName="wait",
        InstanceId=member,
        LifecycleActionResult="CONTINUE",
    )


def test_an_abandoned_launch_is_terminated_and_tried_again(account: Fleet) -> None:
    account.fleet(0)
    hook(account, LAUNCHING)
    account.resize(1)
    account.wait(SETTLED)
    (member,) = account.states()
    complete(account, member, "ABANDON")
    account.wait(SETTLED)
    assert account.instance(member)["State"]["Name"] == "terminated"
    assert account.activities()[0]["StatusCode"] == "Cancelled"
    assert list(account.states().values()) == ["Pending:Wait"]


@pytest.mark.parametrize(("result", "state"), [("CONTINUE", "InService"), ("ABANDON", "Pending")])
def test_when_time_is_up_the_default_result_decides(account: Fleet, result: str, state: str) -> None:
    account.fleet(0)
    hook(account, LAUNCHING, HeartbeatTimeout=100, DefaultResult=result)
    account.resize(1)
    account.wait(50)
    (member,) = account.states()
    account.wait(90)
    account.web("RecordLifecycleActionHeartbeat", LifecycleHookName="wait", InstanceId=member)
    account.wait(90)
    assert account.states()[member] == "Pending:Wait"
    account.wait(60)
    assert account.states().get(member, "Pending") == state


def test_a_hook_holds_a_member_that_terminates(account: Fleet) -> None:
    account.fleet(1)
    hook(account, TERMINATING, HeartbeatTimeout=300)
    (member,) = account.in_service()
    account.resize(0)
    account.wait(200)
    assert account.states() == {member: "Terminating:Wait"}
    assert account.instance(member)["State"]["Name"] == "running"
    account.wait(100 + account.world.durations.instance_terminate)
    assert account.states() == {}
    view = account.web("DescribeLifecycleHooks")["LifecycleHooks"][0]
    assert (view["DefaultResult"], view["GlobalTimeout"]) == ("ABANDON", 30_000)


def test_protected_members_are_not_scaled_in_but_may_be_terminated(account: Fleet) -> None:
    account.fleet(3)
    first, second, third = account.in_service()
    account.web("SetInstanceProtection", InstanceIds=[first, second], ProtectedFromScaleIn=True)
    account.resize(1)
    account.wait(SETTLED)
    assert account.in_service() == [first, second]
    assert third not in account.states()
    account.scaling("TerminateInstanceInAutoScalingGroup", InstanceId=first, ShouldDecrementDesiredCapacity=False)
    account.wait(SETTLED)
    assert account.in_service() == [second]


def test_a_member_terminated_with_the_capacity_is_not_replaced(account: Fleet) -> None:
    account.fleet(2, MinSize=1)
    first, second = account.in_service()
    answer = account.scaling(
        "TerminateInstanceInAutoScalingGroup", InstanceId=first, ShouldDecrementDesiredCapacity=True
    )
    assert answer["Activity"]["StatusCode"] == "InProgress"
    account.wait(SETTLED)
    assert account.in_service() == [second]
    account.refused(
        "ValidationError",
        "autoscaling",
        "TerminateInstanceInAutoScalingGroup",
        InstanceId=second,
        ShouldDecrementDesiredCapacity=True,
    )


@pytest.mark.parametrize(("policy", "left"), [("OldestInstance", 1), ("NewestInstance", 0), ("Default", 1)])
def test_termination_policies_choose_who_goes(account: Fleet, policy: str, left: int) -> None:
    account.fleet(1, AvailabilityZones=[ZONE], TerminationPolicies=[policy])
    old = account.in_service()
    account.resize(2)
    account.wait(SETTLED)
    (new,) = set(account.in_service()) - set(old)
    account.resize(1)
    account.wait(SETTLED)
    assert account.in_service() == [[*old, new][left]]


def test_members_of_the_former_launch_configuration_go_first(account: Fleet) -> None:
    account.fleet(1, AvailabilityZones=[ZONE], TerminationPolicies=["OldestLaunchConfiguration", "NewestInstance"])
    account.configuration("web-2")
    account.web("UpdateAutoScalingGroup", LaunchConfigurationName="web-2")
    account.resize(3)
    account.wait(SETTLED)
    account.resize(2)
    account.wait(SETTLED)
    assert {one["LaunchConfigurationName"] for one in account.look()["Instances"]} == {"web-2"}


def test_scaling_in_keeps_the_zones_balanced(account: Fleet) -> None:
    account.fleet(4)
    account.resize(2)
    account.wait(SETTLED)
    assert account.zones() == [ZONE, OTHER_ZONE]


def test_zones_out_of_balance_are_balanced_unless_that_is_suspended(account: Fleet) -> None:
    account.fleet(3, AvailabilityZones=[ZONE])
    account.web("SuspendProcesses", ScalingProcesses=["AZRebalance"])
    account.web("UpdateAutoScalingGroup", AvailabilityZones=[ZONE, OTHER_ZONE])
    account.wait(SETTLED)
    assert account.zones() == [ZONE] * 3
    account.web("ResumeProcesses", ScalingProcesses=["AZRebalance"])
    account.wait(SETTLED)
    assert account.zones() == [ZONE, ZONE, OTHER_ZONE]
    account.web("UpdateAutoScalingGroup", AvailabilityZones=[OTHER_ZONE])
    account.wait(SETTLED)
    assert account.zones() == [OTHER_ZONE] * 3


def test_balancing_stops_before_protected_members(account: Fleet) -> None:
    account.fleet(2, AvailabilityZones=[ZONE], NewInstancesProtectedFromScaleIn=True)
    members = account.in_service()
    account.web("UpdateAutoScalingGroup", AvailabilityZones=[ZONE, OTHER_ZONE])
    account.wait(SETTLED)
    assert account.in_service() == members
    assert len(account.activities()) == 2


def test_suspended_processes_do_not_happen_until_they_are_resumed(account: Fleet) -> None:
    account.fleet(2)
    members = account.in_service()
    account.web("SuspendProcesses")
    account.terminate(members[0])
    account.resize(5)
    account.wait(SETTLED)
    assert account.in_service() == members
    assert {one["ProcessName"] for one in account.look()["SuspendedProcesses"]} >= {"Launch", "HealthCheck"}
    account.web("ResumeProcesses", ScalingProcesses=["HealthCheck"])
    account.wait(SETTLED)
    assert {one["HealthStatus"] for one in account.look()["Instances"]} == {"Healthy", "Unhealthy"}
    account.web("ResumeProcesses", ScalingProcesses=["ReplaceUnhealthy", "Terminate"])
    account.wait(SETTLED)
    assert account.in_service() == members[1:]
    account.web("ResumeProcesses", ScalingProcesses=["Launch"])
    account.wait(SETTLED)
    assert len(account.in_service()) == 5
    account.refused(
        "ValidationError",
        "autoscaling",
        "SuspendProcesses",
        AutoScalingGroupName="web",
        ScalingProcesses=["Sleep"],
    )


def test_instances_are_attached_and_detached_alive(account: Fleet) -> None:
    account.fleet(1, MaxSize=2, AvailabilityZones=[ZONE])
    own = account.classic(account.group)
    account.web("AttachInstances", InstanceIds=[own])
    assert account.look()["DesiredCapacity"] == 2
    assert own in account.in_service()
    assert account.tags(own)["aws:autoscaling:groupName"] == "web"
    other = account.classic(account.group)
    account.refused(
        "ValidationError", "autoscaling", "AttachInstances", AutoScalingGroupName="web", InstanceIds=[other]
    )
    account.web("DetachInstances", InstanceIds=[own], ShouldDecrementDesiredCapacity=True)
    account.wait(SETTLED)
    assert len(account.in_service()) == 1
    assert account.instance(own)["State"]["Name"] == "running"
    assert "aws:autoscaling:groupName" not in account.tags(own)


def test_a_detached_member_is_replaced_unless_the_capacity_shrinks(account: Fleet) -> None:
    account.fleet(2)
    first = account.in_service()[0]
    account.web("DetachInstances", InstanceIds=[first], ShouldDecrementDesiredCapacity=False)
    account.wait(SETTLED)
    assert len(account.in_service()) == 2
    assert first not in account.in_service()


def test_a_member_in_standby_is_not_counted_and_not_checked(account: Fleet) -> None:
    account.fleet(2)
    first, second = account.in_service()
    account.web("EnterStandby", InstanceIds=[first], ShouldDecrementDesiredCapacity=True)
    assert account.states() == {first: "Standby", second: "InService"}
    account.call("ec2", "StopInstances", InstanceIds=[first])
    account.wait(SETTLED)
    account.call("ec2", "StartInstances", InstanceIds=[first])
    account.wait(SETTLED)
    assert account.look()["DesiredCapacity"] == 1
    account.web("ExitStandby", InstanceIds=[first])
    account.wait(SETTLED)
    assert sorted(account.in_service()) == sorted([first, second])
    assert account.look()["DesiredCapacity"] == 2


def test_members_of_all_groups_are_listed(account: Fleet) -> None:
    account.fleet(2)
    (found, _) = account.scaling("DescribeAutoScalingInstances")["AutoScalingInstances"]
    assert (found["AutoScalingGroupName"], found["HealthStatus"]) == ("web", "HEALTHY")
    assert found["LaunchConfigurationName"] == "web-1"


def test_a_member_that_leaves_standby_and_does_not_run_is_replaced(account: Fleet) -> None:
    account.fleet(1)
    (member,) = account.in_service()
    account.web("EnterStandby", InstanceIds=[member], ShouldDecrementDesiredCapacity=True)
    account.call("ec2", "StopInstances", InstanceIds=[member])
    account.wait(SETTLED)
    account.web("ExitStandby", InstanceIds=[member])
    assert account.in_service() == [member]
    account.wait(SETTLED)
    assert len(account.in_service()) == 1
    assert account.in_service() != [member]


def test_a_member_that_nobody_can_see_yet_is_waited_for(account: Fleet) -> None:
    account.fleet(0)
    account.world.hide_created_for = 90
    account.resize(1)
    account.wait(60)
    assert list(account.states().values()) == ["Pending"]
    account.wait(40)
    assert len(account.in_service()) == 1


def test_without_ec2_classic_zones_mean_default_subnets(account: Fleet) -> None:
    account.place.has_classic = False
    ask = {"LaunchConfigurationName": account.configuration(InstanceType="m4.large"), "MinSize": 0, "MaxSize": 1}
    account.refused(
        "ValidationError",
        "autoscaling",
        "CreateAutoScalingGroup",
        AutoScalingGroupName="web",
        AvailabilityZones=[ZONE],
        **ask,
    )
