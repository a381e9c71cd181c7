"""Who is told of what a group does."""

import pytest

from tests.sandbox.ec2_account import refused
from tests.sandbox.scaling_account import GROUP, ScalingAccount

TOPIC = "arn:aws:sns:us-east-1:123456789012:shop-scaling"
LAUNCH, TERMINATE = "autoscaling:EC2_INSTANCE_LAUNCH", "autoscaling:EC2_INSTANCE_TERMINATE"


@pytest.fixture
def account() -> ScalingAccount:
    return ScalingAccount()


def kept(account: ScalingAccount) -> list[tuple[str, str]]:
    found = account.scaling.describe_notification_configurations(AutoScalingGroupNames=["web"])
    return [(one["TopicARN"], one["NotificationType"]) for one in found["NotificationConfigurations"]]


def put(account: ScalingAccount, *types: str, topic: str = TOPIC) -> None:
    account.scaling.put_notification_configuration(**GROUP, TopicARN=topic, NotificationTypes=list(types))


def test_a_topics_types_are_replaced_and_deleted_together(account: ScalingAccount) -> None:
    put(account, LAUNCH)
    put(account, LAUNCH, TERMINATE)
    assert kept(account) == [(TOPIC, LAUNCH), (TOPIC, TERMINATE)]
    account.scaling.delete_notification_configuration(**GROUP, TopicARN=TOPIC)
    assert kept(account) == []


def test_unknown_types_topics_and_groups_are_refused(account: ScalingAccount) -> None:
    with refused("ValidationError"):
        put(account, "autoscaling:COFFEE_READY")
    with refused("ValidationError"):
        put(account, LAUNCH, topic="shop-scaling")
    with refused("ValidationError"):
        account.scaling.delete_notification_configuration(AutoScalingGroupName="app", TopicARN=TOPIC)
    for number in range(10):
        put(account, LAUNCH, topic=f"{TOPIC}-{number}")
    with refused("LimitExceeded"):
        put(account, LAUNCH)


def test_the_types_can_be_asked_for(account: ScalingAccount) -> None:
    known = account.scaling.describe_auto_scaling_notification_types()["AutoScalingNotificationTypes"]
    assert {LAUNCH, TERMINATE, "autoscaling:TEST_NOTIFICATION"} <= set(known)


def test_a_groups_notifications_go_with_it(account: ScalingAccount) -> None:
    put(account, LAUNCH)
    account.scaling.delete_auto_scaling_group(**GROUP, ForceDelete=True)
    account.wait(600)
    assert account.scaling.describe_notification_configurations()["NotificationConfigurations"] == []
