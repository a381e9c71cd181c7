"""Tags of everything in EC2, in one table by resource id."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sandbox.errors import AwsError
from sandbox.world import Place

MOST = 50  # tags a resource can carry


@dataclass
class TagSet:
    """Tags are not a thing that an id could name: never visible by themselves."""

    tags: dict[str, str]
    visible_at: datetime = datetime.max.replace(tzinfo=UTC)


def tags_of(place: Place, resource_id: str) -> dict[str, str]:
    """A copy: change tags with `set_tags`."""
    found = place.table(TagSet).get(resource_id)
    return dict(found.tags) if found else {}


def tag_list(place: Place, resource_id: str) -> list[dict[str, str]]:
    """Tags as describe calls show them."""
    return [{"Key": key, "Value": value} for key, value in tags_of(place, resource_id).items()]


def set_tags(place: Place, resource_id: str, tags: Mapping[str, str]) -> None:
    """Add or overwrite. Raises TagLimitExceeded, InvalidParameterValue (reserved or too long)."""
    if not tags:
        return
    _check(tags)
    merged = tags_of(place, resource_id) | dict(tags)
    if len(merged) > MOST:
        raise AwsError("TagLimitExceeded", f"The maximum number of tags for a resource is {MOST}.")
    place.table(TagSet)[resource_id] = TagSet(merged)


def drop_tags(place: Place, resource_id: str) -> None:
    """Forget all tags of a thing that is gone."""
    place.table(TagSet).pop(resource_id, None)


def requested_tags(request: Mapping[str, Any], resource_type: str) -> dict[str, str]:
    """The tags a creating call asks for on things of `resource_type`, checked. Call it before creating."""
    tags = {
        tag["Key"]: tag.get("Value", "")
        for specification in request.get("TagSpecifications", ())
        if specification.get("ResourceType") == resource_type
        for tag in specification.get("Tags", ())
    }
    _check(tags)
    return tags


def tag_from_request(place: Place, request: Mapping[str, Any], resource_type: str, resource_id: str) -> None:
    """Put the tags of `TagSpecifications` for `resource_type` on a thing just created."""
    set_tags(place, resource_id, requested_tags(request, resource_type))


def _check(tags: Mapping[str, str]) -> None:
    for key, value in tags.items():
        if key.lower().startswith("aws:"):
            raise AwsError("InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use")
        if not 0 < len(key) <= 127:
            raise AwsError("InvalidParameterValue", f"Tag key exceeds the maximum length of 127 characters: {key}")
        if len(value) > 255:
            raise AwsError("InvalidParameterValue", "Tag value exceeds the maximum length of 255 characters")
