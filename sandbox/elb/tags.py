"""Tags of load balancers, which EC2's tag calls do not know."""

from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.elb.load_balancers import find_load_balancer
from sandbox.errors import AwsError
from sandbox.service import operation
from sandbox.world import Place

MOST_TAGS = 50


def merged_tags(existing: Mapping[str, str], added: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """`existing` with `added` over it. Raises DuplicateTagKeys or TooManyTags."""
    keys = [tag["Key"] for tag in added]
    if len(set(keys)) < len(keys):
        raise AwsError("DuplicateTagKeys", "Tag keys must be unique in a request")
    merged = {**existing, **{tag["Key"]: tag.get("Value") or "" for tag in added}}
    if len(merged) > MOST_TAGS:
        raise AwsError("TooManyTags", f"A load balancer can have {MOST_TAGS} tags")
    return merged


@operation("elb", "AddTags")
def add_tags(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    balancers = [find_load_balancer(place, name) for name in request["LoadBalancerNames"]]
    for balancer in balancers:
        balancer.tags = merged_tags(balancer.tags, request["Tags"])
    place.changed()
    return {}


@operation("elb", "RemoveTags")
def remove_tags(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    balancers = [find_load_balancer(place, name) for name in request["LoadBalancerNames"]]
    for balancer in balancers:
        for tag in request["Tags"]:
            balancer.tags.pop(tag["Key"], None)
    place.changed()
    return {}


@operation("elb", "DescribeTags")
def describe_tags(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    names = request["LoadBalancerNames"]
    if len(names) > 20:
        raise AwsError("ValidationError", "DescribeTags takes at most 20 load balancer names")
    return {
        "TagDescriptions": [
            {
                "LoadBalancerName": name,
                "Tags": [
                    {"Key": key, "Value": value} for key, value in sorted(find_load_balancer(place, name).tags.items())
                ],
            }
            for name in names
        ]
    }
