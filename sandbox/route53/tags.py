"""Tags of hosted zones."""

from collections.abc import Mapping
from typing import Any

from sandbox.errors import AwsError
from sandbox.route53.home import find_zone
from sandbox.service import operation
from sandbox.world import Place


@operation("route53", "ChangeTagsForResource")
def change_tags(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    zone = find_zone(place, _zone_id(request, request["ResourceId"]))
    for key in request.get("RemoveTagKeys") or []:
        zone.tags.pop(key, None)
    zone.tags |= {tag["Key"]: tag.get("Value", "") for tag in request.get("AddTags") or []}
    return {}


@operation("route53", "ListTagsForResource")
def list_tags(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    return {"ResourceTagSet": _tag_set(place, request, request["ResourceId"])}


@operation("route53", "ListTagsForResources")
def list_tags_of_many(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    return {"ResourceTagSets": [_tag_set(place, request, resource_id) for resource_id in request["ResourceIds"]]}


def _tag_set(place: Place, request: Mapping[str, Any], resource_id: str) -> dict[str, Any]:
    zone = find_zone(place, _zone_id(request, resource_id))
    return {
        "ResourceType": "hostedzone",
        "ResourceId": zone.id,
        "Tags": [{"Key": key, "Value": value} for key, value in sorted(zone.tags.items())],
    }


def _zone_id(request: Mapping[str, Any], resource_id: str) -> str:
    """Health checks are not simulated. Raises NoSuchHealthCheck."""
    if request["ResourceType"] != "hostedzone":
        raise AwsError("NoSuchHealthCheck", f"No health check found with ID: {resource_id}", 404)
    return str(resource_id)
