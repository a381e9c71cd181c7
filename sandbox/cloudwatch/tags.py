"""TagResource, UntagResource and ListTagsForResource, for alarms."""

from collections.abc import Mapping
from typing import Any

from sandbox.cloudwatch.alarms import Alarm
from sandbox.errors import AwsError
from sandbox.service import operation
from sandbox.world import Place

MOST = 50


def _alarm(place: Place, request: Mapping[str, Any]) -> Alarm:
    arn = request["ResourceARN"]
    for alarm in place.seen(Alarm).values():
        if alarm.arn == arn:
            return alarm
    raise AwsError("ResourceNotFoundException", f"The resource {arn} does not exist.", 404)


@operation("cloudwatch", "TagResource")
def tag_resource(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    alarm = _alarm(place, request)
    merged = alarm.tags | {tag["Key"]: tag["Value"] for tag in request["Tags"]}
    if len(merged) > MOST or any(key.lower().startswith("aws:") for key in merged):
        raise AwsError("InvalidParameterValue", f"At most {MOST} tags, whose keys do not begin with aws:")
    alarm.tags = merged
    return {}


@operation("cloudwatch", "UntagResource")
def untag_resource(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    alarm = _alarm(place, request)
    for key in request["TagKeys"]:
        alarm.tags.pop(key, None)
    return {}


@operation("cloudwatch", "ListTagsForResource")
def list_tags_for_resource(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    return {"Tags": [{"Key": key, "Value": value} for key, value in _alarm(place, request).tags.items()]}
