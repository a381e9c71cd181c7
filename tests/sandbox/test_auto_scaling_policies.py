"""Scaling policies: what they take, what alarms and people have them do."""

from typing import Any

import pytest

from sandbox.autoscaling.policy_execution import adjusted
from tests.sandbox.ec2_account import refused
from tests.sandbox.scaling_account import GROUP, ScalingAccount

OUT: dict[str, Any] = {"AdjustmentType": "ChangeInCapacity", "ScalingAdjustment": 1}
STEPS: dict[str, Any] = {
    "PolicyType": "StepScaling",
    "AdjustmentType": "ChangeInCapacity",
    "StepAdjustments": [
        {"MetricIntervalLowerBound": 0.0, "MetricIntervalUpperBound": 10.0, "ScalingAdjustment": 1},
        {"MetricIntervalLowerBound": 10.0, "ScalingAdjustment": 3},
    ],
    "EstimatedInstanceWarmup": 120,
}
TRACK: dict[str, Any] = {
    "PolicyType": "TargetTrackingScaling",
    "TargetTrackingConfiguration": {
        "PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"},
        "TargetValue": 50.0,
    },
}


@pytest.fixture
def account() -> ScalingAccount:
    return ScalingAccount()


def test_a_policy_is_described_with_the_alarms_that_call_it(account: ScalingAccount) -> None:
    arn = account.policy(**STEPS)
    account.alarm(arn)
    (found,) = account.policies()
    assert found["PolicyARN"] == arn
    assert {key: found[key] for key in STEPS} == STEPS
    assert found["MetricAggregationType"] == "Average"
    assert [alarm["AlarmName"] for alarm in found["Alarms"]] == ["busy"]


def test_putting_a_policy_again_replaces_it_under_the_same_arn(account: ScalingAccount) -> None:
    first = account.policy()
    assert account.policy(**STEPS) == first
    (found,) = account.policies()
    assert (found["PolicyType"], "ScalingAdjustment" in found) == ("StepScaling", False)


def test_a_person_executes_a_simple_policy_within_the_groups_limits(account: ScalingAccount) -> None:
    account.policy(AdjustmentType="ChangeInCapacity", ScalingAdjustment=100)
    account.scaling.execute_policy(**GROUP, PolicyName="out")
    assert account.desired == 10
    account.wait(600)
    causes = [one["Cause"] for one in account.scaling.describe_scaling_activities(**GROUP)["Activities"]]
    assert any("a user request executed policy out changing the desired capacity from 2 to 10" in one for one in causes)


def test_a_simple_policy_honours_its_cooldown_when_told_to(account: ScalingAccount) -> None:
    account.policy(**OUT, Cooldown=60)
    execute = account.scaling.execute_policy
    execute(**GROUP, PolicyName="out")
    with refused("ScalingActivityInProgress"):
        execute(**GROUP, PolicyName="out", HonorCooldown=True)
    execute(**GROUP, PolicyName="out", HonorCooldown=False)
    account.wait(150)  # launched within 90 seconds, and cooled down for 60; the group itself would for 300
    execute(**GROUP, PolicyName="out", HonorCooldown=True)
    assert account.desired == 5
    account.scaling.set_desired_capacity(**GROUP, DesiredCapacity=6)
    account.wait(150)
    with refused("ScalingActivityInProgress"):
        execute(**GROUP, PolicyName="out", HonorCooldown=True)


def test_an_alarm_executes_a_simple_policy_once_in_a_cooldown(account: ScalingAccount) -> None:
    account.alarm(account.policy(**OUT, Cooldown=600))
    account.ring()
    account.ring()
    assert account.desired == 3
    account.wait(700)  # the cooldown begins anew when the instance is in service
    account.ring()
    assert account.desired == 4


def test_an_alarm_is_ignored_while_alarm_notification_is_suspended(account: ScalingAccount) -> None:
    account.alarm(account.policy())
    account.scaling.suspend_processes(**GROUP, ScalingProcesses=["AlarmNotification"])
    account.ring()
    assert account.desired == 2
    account.scaling.resume_processes(**GROUP, ScalingProcesses=["AlarmNotification"])
    account.ring()
    assert account.desired == 3


def test_an_alarm_whose_actions_are_disabled_or_a_policy_that_is_not_enabled_does_nothing(
    account: ScalingAccount,
) -> None:
    arn = account.policy()
    account.alarm(arn)
    account.watch.disable_alarm_actions(AlarmNames=["busy"])
    account.ring()
    account.watch.enable_alarm_actions(AlarmNames=["busy"])
    account.policy(**OUT, Enabled=False)
    account.ring()
    assert account.desired == 2


@pytest.mark.parametrize(("value", "size"), [(None, 3), (75.0, 3), (80.0, 5), (99.0, 5), (60.0, 2)])
def test_a_step_policy_takes_the_step_of_the_breach(account: ScalingAccount, value: float | None, size: int) -> None:
    account.alarm(account.policy(**STEPS))
    account.ring(value=value)
    assert account.desired == size


def test_steps_do_not_add_up_while_instances_warm_up(account: ScalingAccount) -> None:
    account.alarm(account.policy(**STEPS))
    account.ring(value=75)
    account.ring(value=75)
    assert account.desired == 3
    account.ring(value=90)
    assert account.desired == 5
    account.wait(121)
    account.ring(value=75)
    assert account.desired == 6


def test_a_step_policy_scales_in_below_the_threshold(account: ScalingAccount) -> None:
    steps = [{"MetricIntervalUpperBound": 0.0, "ScalingAdjustment": -1}]
    arn = account.policy("in", **{**STEPS, "StepAdjustments": steps})
    account.alarm(arn, "idle", "LessThanThreshold")
    account.ring("idle", 20)
    assert account.desired == 1
    account.ring("idle", 20)
    assert account.desired == 1, "the minimum"


def test_a_person_executing_a_step_policy_says_how_far_the_metric_is(account: ScalingAccount) -> None:
    account.policy(**STEPS)
    with refused("ValidationError"):
        account.scaling.execute_policy(**GROUP, PolicyName="out")
    account.scaling.execute_policy(**GROUP, PolicyName="out", MetricValue=85.0, BreachThreshold=70.0)
    assert account.desired == 5


def test_a_target_tracking_policy_makes_two_alarms_and_takes_them_with_it(account: ScalingAccount) -> None:
    made = account.scaling.put_scaling_policy(**GROUP, PolicyName="track", **TRACK)
    names = [alarm["AlarmName"] for alarm in made["Alarms"]]
    assert [name[:28] for name in names] == ["TargetTracking-web-AlarmHigh", "TargetTracking-web-AlarmLow-"]
    alarms = account.watch.describe_alarms(AlarmNames=names)["MetricAlarms"]
    assert [alarm["Threshold"] for alarm in alarms] == [50.0, 45.0]
    with refused("ValidationError"):
        account.scaling.execute_policy(**GROUP, PolicyName="track")
    account.ring(names[0], 100)
    assert account.desired == 4
    account.ring(names[1], 25)
    assert account.desired == 2
    account.scaling.delete_policy(**GROUP, PolicyName="track")
    assert account.watch.describe_alarms()["MetricAlarms"] == []


def test_target_tracking_without_scale_in_has_one_alarm(account: ScalingAccount) -> None:
    configuration = {**TRACK["TargetTrackingConfiguration"], "DisableScaleIn": True}
    account.policy(**TRACK)
    account.policy(**{**TRACK, "TargetTrackingConfiguration": configuration})
    assert len(account.policies()[0]["Alarms"]) == 1
    assert len(account.watch.describe_alarms()["MetricAlarms"]) == 1


@pytest.mark.parametrize(
    "settings",
    [
        {"ScalingAdjustment": 1},
        {"AdjustmentType": "Often", "ScalingAdjustment": 1},
        {**STEPS, "ScalingAdjustment": 1},
        {**STEPS, "StepAdjustments": [{"ScalingAdjustment": 1}]},
        {
            **STEPS,
            "StepAdjustments": [
                {"MetricIntervalLowerBound": 0.0, "MetricIntervalUpperBound": 10.0, "ScalingAdjustment": 1},
                {"MetricIntervalLowerBound": 20.0, "ScalingAdjustment": 2},
            ],
        },
        {**TRACK, "AdjustmentType": "ChangeInCapacity"},
        {**OUT, "MinAdjustmentMagnitude": 2},
        {"PolicyType": "PredictiveScaling"},
    ],
)
def test_policies_that_do_not_fit_together_are_refused(account: ScalingAccount, settings: dict[str, Any]) -> None:
    with refused("ValidationError"):
        account.policy(**settings)


def test_policies_have_a_quota_and_absent_ones_are_refused(account: ScalingAccount) -> None:
    account.place.limits.scaling_policies_per_group = 1
    account.policy()
    with refused("LimitExceeded"):
        account.policy("another", **OUT)
    with refused("ValidationError"):
        account.scaling.delete_policy(**GROUP, PolicyName="another")
    with refused("ValidationError"):
        account.scaling.execute_policy(PolicyName="out")
    account.scaling.execute_policy(PolicyName=account.policies()[0]["PolicyARN"])


def test_a_groups_policies_and_their_own_alarms_go_with_it(account: ScalingAccount) -> None:
    arn = account.policy()
    account.alarm(arn)
    account.policy("track", **TRACK)
    account.scaling.delete_auto_scaling_group(**GROUP, ForceDelete=True)
    account.wait(600)
    assert account.scaling.describe_policies()["ScalingPolicies"] == []
    assert [one["AlarmName"] for one in account.watch.describe_alarms()["MetricAlarms"]] == ["busy"]
    account.ring()


@pytest.mark.parametrize(
    ("size", "percent", "least", "after"),
    [(10, 25, None, 12), (2, 10, None, 3), (10, -25, None, 8), (4, -10, None, 3), (4, 25, 2, 6), (0, 50, None, 0)],
)
def test_percentages_are_rounded_as_aws_says(size: int, percent: int, least: int | None, after: int) -> None:
    settings = {"AdjustmentType": "PercentChangeInCapacity", "MinAdjustmentMagnitude": least}
    assert adjusted(size, settings, percent) == after


def test_an_exact_capacity_is_just_that() -> None:
    assert adjusted(7, {"AdjustmentType": "ExactCapacity"}, 4) == 4
