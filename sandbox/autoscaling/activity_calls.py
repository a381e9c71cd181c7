"""DescribeScalingActivities."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sandbox.autoscaling.activities import Activity
from sandbox.autoscaling.groups import AutoScalingGroup, find_group
from sandbox.autoscaling.paging import page
from sandbox.service import operation
from sandbox.world import Place

KEPT_FOR = timedelta(weeks=6)


@operation("autoscaling", "DescribeScalingActivities")
def describe_scaling_activities(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """The latest first, of six weeks; those of deleted groups only if they are asked for."""
    name, ids = request.get("AutoScalingGroupName"), set(request.get("ActivityIds") or ())
    with_deleted = bool(request.get("IncludeDeletedGroups"))
    if name and not with_deleted:
        name = find_group(place, name).name
    alive = {group.arn for group in place.table(AutoScalingGroup).values()}
    since = place.clock.now() - KEPT_FOR
    found = [
        one
        for one in place.seen(Activity).values()
        if one.started >= since
        and (not ids or one.id in ids)
        and (not name or one.group_name == name)
        and (with_deleted or one.group_arn in alive)
    ]
    found.sort(key=lambda one: (one.started, one.order), reverse=True)
    return page([activity_view(place, one) for one in found], request, "Activities")


def activity_view(place: Place, activity: Activity) -> dict[str, Any]:
    view: dict[str, Any] = {
        "ActivityId": activity.id,
        "AutoScalingGroupName": activity.group_name,
        "AutoScalingGroupARN": activity.group_arn,
        "Description": activity.description,
        "Cause": activity.cause,
        "StartTime": activity.started,
        "StatusCode": activity.status,
        "Progress": activity.progress,
        "Details": activity.details,
    }
    if activity.ended:
        view["EndTime"] = activity.ended
    if activity.message:
        view["StatusMessage"] = activity.message[:255]
    group = place.table(AutoScalingGroup).get(activity.group_name)
    if group is None or group.arn != activity.group_arn:
        view["AutoScalingGroupState"] = "Deleted"
    return view
