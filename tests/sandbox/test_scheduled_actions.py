"""Scheduled actions on the sandbox's clock."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox.autoscaling.recurrence import Recurrence
from tests.sandbox.ec2_account import refused
from tests.sandbox.scaling_account import GROUP, ScalingAccount

NINE = datetime(2021, 6, 1, 9, 0, tzinfo=UTC)  # a Tuesday; where the sandbox's clock begins
HOUR = 3_600


@pytest.fixture
def account() -> ScalingAccount:
    return ScalingAccount()


def put(account: ScalingAccount, name: str = "evening", **asked: Any) -> None:
    account.scaling.put_scheduled_update_group_action(**GROUP, ScheduledActionName=name, **asked)


def described(account: ScalingAccount, **asked: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = account.scaling.describe_scheduled_actions(**GROUP, **asked)[
        "ScheduledUpdateGroupActions"
    ]
    return found


def test_an_action_with_a_start_acts_once_and_is_gone(account: ScalingAccount) -> None:
    put(account, StartTime=NINE + timedelta(hours=1), MinSize=3, MaxSize=8, DesiredCapacity=4)
    (found,) = described(account)
    assert (found["StartTime"], found["MinSize"], found["DesiredCapacity"]) == (NINE + timedelta(hours=1), 3, 4)
    account.wait(HOUR - 1)
    assert account.size == (1, 2, 10)
    account.wait(1)
    assert account.size == (3, 4, 8)
    assert described(account) == []


def test_a_minimum_alone_lifts_the_size(account: ScalingAccount) -> None:
    put(account, StartTime=NINE + timedelta(hours=1), MinSize=5)
    account.wait(HOUR)
    assert account.size == (5, 5, 10)
    account.wait(600)
    causes = [one["Cause"] for one in account.scaling.describe_scaling_activities(**GROUP)["Activities"]]
    assert any("a scheduled action update of AutoScalingGroup constraints to min: 5 " in cause for cause in causes)


def test_a_recurring_action_acts_again_until_its_end(account: ScalingAccount) -> None:
    put(account, Recurrence="0 18 * * MON-FRI", DesiredCapacity=6, EndTime=NINE + timedelta(days=2))
    assert described(account)[0]["StartTime"] == NINE.replace(hour=18)
    account.wait(9 * HOUR)
    assert account.desired == 6
    assert described(account)[0]["StartTime"] == NINE.replace(day=2, hour=18)
    account.scaling.set_desired_capacity(**GROUP, DesiredCapacity=2)
    account.wait(24 * HOUR)
    assert account.desired == 6
    assert described(account) == []


def test_nothing_is_done_or_made_up_for_while_scheduled_actions_is_suspended(account: ScalingAccount) -> None:
    put(account, Recurrence="0 10 * * *", DesiredCapacity=6)
    account.scaling.suspend_processes(**GROUP, ScalingProcesses=["ScheduledActions"])
    account.wait(2 * HOUR)
    account.scaling.resume_processes(**GROUP, ScalingProcesses=["ScheduledActions"])
    account.wait(HOUR)
    assert account.desired == 2
    account.wait(22 * HOUR)
    assert account.desired == 6


def test_a_recurrence_can_be_in_a_time_zone(account: ScalingAccount) -> None:
    put(account, Recurrence="0 9 * * *", TimeZone="America/New_York", DesiredCapacity=6)
    assert described(account)[0]["StartTime"] == NINE.replace(hour=13)


def test_putting_an_action_again_replaces_it_and_deleting_stops_it(account: ScalingAccount) -> None:
    put(account, StartTime=NINE + timedelta(hours=1), DesiredCapacity=6)
    put(account, StartTime=NINE + timedelta(hours=2), DesiredCapacity=7)
    assert [one["DesiredCapacity"] for one in described(account)] == [7]
    account.scaling.delete_scheduled_action(**GROUP, ScheduledActionName="evening")
    account.wait(3 * HOUR)
    assert account.desired == 2
    with refused("ValidationError"):
        account.scaling.delete_scheduled_action(**GROUP, ScheduledActionName="evening")


def test_several_are_put_and_deleted_each_by_itself(account: ScalingAccount) -> None:
    actions = [
        {"ScheduledActionName": "good", "Recurrence": "0 9 * * *", "MinSize": 2},
        {"ScheduledActionName": "bad", "Recurrence": "whenever", "MinSize": 2},
    ]
    put_all = account.scaling.batch_put_scheduled_update_group_action
    failed = put_all(**GROUP, ScheduledUpdateGroupActions=actions)["FailedScheduledUpdateGroupActions"]
    assert [(one["ScheduledActionName"], one["ErrorCode"]) for one in failed] == [("bad", "ValidationError")]
    delete = account.scaling.batch_delete_scheduled_action
    failed = delete(**GROUP, ScheduledActionNames=["good", "bad"])["FailedScheduledActions"]
    assert [one["ScheduledActionName"] for one in failed] == ["bad"]
    assert described(account) == []


def test_what_aws_refuses_is_refused(account: ScalingAccount) -> None:
    later = NINE + timedelta(hours=1)
    for asked in (
        {"StartTime": later},
        {"MinSize": 1},
        {"StartTime": NINE - timedelta(hours=1), "MinSize": 1},
        {"StartTime": later, "EndTime": later, "MinSize": 1},
        {"Recurrence": "0 9 * *", "MinSize": 1},
        {"Recurrence": "0 9 L * *", "MinSize": 1},
        {"Recurrence": "0 9 30 2 *", "MinSize": 1},
        {"Recurrence": "0 9 * * *", "TimeZone": "Nowhere/Land", "MinSize": 1},
    ):
        with refused("ValidationError"):
            put(account, **asked)
    put(account, StartTime=later, MinSize=1)
    with refused("AlreadyExists"):
        put(account, "another", StartTime=later, MinSize=1)
    account.place.limits.scheduled_actions_per_group = 1
    with refused("LimitExceeded"):
        put(account, "another", Recurrence="0 9 * * *", MinSize=1)


def test_a_groups_actions_go_with_it(account: ScalingAccount) -> None:
    put(account, Recurrence="0 9 * * *", MinSize=1)
    account.scaling.delete_auto_scaling_group(**GROUP, ForceDelete=True)
    account.wait(600)
    assert account.scaling.describe_scheduled_actions()["ScheduledUpdateGroupActions"] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("*/15 * * * *", "2021-06-01T09:15"),
        ("30 8,10 * * *", "2021-06-01T10:30"),
        ("0 0 1 * *", "2021-07-01T00:00"),
        ("0 9 * * 0", "2021-06-06T09:00"),
        ("0 9 * * 7", "2021-06-06T09:00"),
        ("0 9 15 * FRI", "2021-06-04T09:00"),
        ("0 0 29 FEB *", "2024-02-29T00:00"),
        ("5-10/5 12 * 7-8 *", "2021-07-01T12:05"),
    ],
)
def test_recurrences_are_crons_five_fields(text: str, expected: str) -> None:
    found = Recurrence.parse(text).after(NINE)
    assert found is not None
    assert found.isoformat(timespec="minutes").removesuffix("+00:00") == expected
