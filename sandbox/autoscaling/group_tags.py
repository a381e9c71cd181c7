"""Tags of Auto Scaling groups, which EC2's tag calls do not know."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sandbox.autoscaling.groups import AutoScalingGroup, GroupTag, find_group
from sandbox.autoscaling.paging import filters_of, page
from sandbox.errors import AwsError
from sandbox.service import operation
from sandbox.world import Place

KIND = "auto-scaling-group"
MOST_TAGS = 50


def merge_tags(group: AutoScalingGroup, asked: Iterable[Mapping[str, Any]]) -> None:
    """Put tags on a group. Raises ValidationError, LimitExceeded."""
    merged = dict(group.tags)
    for tag in asked:
        if tag.get("ResourceType", KIND) != KIND or tag.get("ResourceId", group.name) != group.name:
            raise AwsError("ValidationError", f"A tag of {group.name} must name it, and {KIND} as its type")
        if not tag["Key"] or tag["Key"].lower().startswith("aws:"):
            raise AwsError("ValidationError", "Tag keys must not be empty or begin with aws:")
        merged[tag["Key"]] = GroupTag(tag.get("Value") or "", bool(tag.get("PropagateAtLaunch", True)))
    if len(merged) > MOST_TAGS:
        raise AwsError("LimitExceeded", f"A group can have {MOST_TAGS} tags")
    group.tags = merged


def tag_views(group: AutoScalingGroup) -> list[dict[str, Any]]:
    return [
        {
            "ResourceId": group.name,
            "ResourceType": KIND,
            "Key": key,
            "Value": tag.value,
            "PropagateAtLaunch": tag.propagate,
        }
        for key, tag in sorted(group.tags.items())
    ]


@operation("autoscaling", "CreateOrUpdateTags")
def create_or_update_tags(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Members that run keep the tags they have."""
    for group, tags in _by_group(place, request):
        merge_tags(group, tags)
    place.changed()
    return {}


@operation("autoscaling", "DeleteTags")
def delete_tags(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Set-like: a tag that is not there is passed over."""
    for group, tags in _by_group(place, request):
        for tag in tags:
            group.tags.pop(tag["Key"], None)
    place.changed()
    return {}


def _by_group(place: Place, request: Mapping[str, Any]) -> Iterator[tuple[AutoScalingGroup, list[Mapping[str, Any]]]]:
    names = dict.fromkeys(tag.get("ResourceId") or "" for tag in request["Tags"])
    groups = [find_group(place, name) for name in names]
    for group in groups:
        yield group, [tag for tag in request["Tags"] if tag.get("ResourceId") == group.name]


@operation("autoscaling", "DescribeTags")
def describe_tags(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    asked = filters_of(request, ("auto-scaling-group", "key", "value", "propagate-at-launch"))
    found = [
        view
        for _, group in sorted(place.seen(AutoScalingGroup).items())
        for view in tag_views(group)
        if all(_fact(view, name) in values for name, values in asked)
    ]
    return page(found, request, "Tags")


def _fact(view: Mapping[str, Any], name: str) -> str:
    if name == "propagate-at-launch":
        return str(view["PropagateAtLaunch"]).lower()
    return str(view[{"auto-scaling-group": "ResourceId", "key": "Key", "value": "Value"}[name]])
