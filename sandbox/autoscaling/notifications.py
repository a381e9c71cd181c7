"""Notifications of what a group does. Kept and described; the sandbox has nobody who reads them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.autoscaling.groups import AutoScalingGroup, find_group, when_deleted
from sandbox.autoscaling.paging import page
from sandbox.errors import AwsError
from sandbox.service import operation
from sandbox.world import Place

TYPES = (
    "autoscaling:EC2_INSTANCE_LAUNCH",
    "autoscaling:EC2_INSTANCE_LAUNCH_ERROR",
    "autoscaling:EC2_INSTANCE_TERMINATE",
    "autoscaling:EC2_INSTANCE_TERMINATE_ERROR",
    "autoscaling:TEST_NOTIFICATION",
)
MOST_TOPICS = 10


@dataclass
class Notifications:
    """Of one group, kept under its name: topic -> types."""

    group_name: str
    visible_at: datetime
    topics: dict[str, list[str]] = field(default_factory=dict)


@when_deleted
def drop_notifications(place: Place, group: AutoScalingGroup) -> None:
    place.table(Notifications).pop(group.name, None)


@operation("autoscaling", "PutNotificationConfiguration")
def put_notification_configuration(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Replaces the types for this topic."""
    group = find_group(place, request["AutoScalingGroupName"])
    topic, types = request["TopicARN"], request["NotificationTypes"]
    if not topic.startswith("arn:aws:sns:"):
        raise AwsError("ValidationError", f"{topic} is not the ARN of a topic")
    if not types or (unknown := sorted(set(types) - set(TYPES))):
        raise AwsError("ValidationError", f"Notification types {unknown if types else types} are not valid")
    kept = place.table(Notifications).setdefault(group.name, Notifications(group.name, place.visible_from_now()))
    if topic not in kept.topics and len(kept.topics) >= MOST_TOPICS:
        raise AwsError("LimitExceeded", f"Only {MOST_TOPICS} topics are allowed for a group")
    kept.topics[topic] = list(types)
    return {}


@operation("autoscaling", "DescribeNotificationConfigurations")
def describe_notification_configurations(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """One entry for each group, topic and type."""
    names = set(request.get("AutoScalingGroupNames") or ())
    views = [
        {"AutoScalingGroupName": name, "TopicARN": topic, "NotificationType": kind}
        for name, kept in sorted(place.seen(Notifications).items())
        if not names or name in names
        for topic, types in kept.topics.items()
        for kind in types
    ]
    return page(views, request, "NotificationConfigurations")


@operation("autoscaling", "DeleteNotificationConfiguration")
def delete_notification_configuration(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """A topic that is not there is no error."""
    group = find_group(place, request["AutoScalingGroupName"])
    kept = place.table(Notifications).get(group.name)
    if kept:
        kept.topics.pop(request["TopicARN"], None)
    return {}


@operation("autoscaling", "DescribeAutoScalingNotificationTypes")
def describe_auto_scaling_notification_types(_: Place, __: Mapping[str, Any]) -> dict[str, Any]:
    return {"AutoScalingNotificationTypes": list(TYPES)}
