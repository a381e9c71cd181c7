"""Tags of RDS things, which are named by ARN."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from sandbox.rds.db_instances import find
from sandbox.rds.db_security_groups import find_db_security_group
from sandbox.rds.db_snapshots import find_snapshot
from sandbox.rds.db_subnet_groups import find_subnet_group
from sandbox.rds.option_groups import find_option_group
from sandbox.rds.parameter_groups import find_parameter_group
from sandbox.rds.refusals import invalid_value
from sandbox.rds.tagging import tag_list, tags_in
from sandbox.service import operation
from sandbox.world import Place

MOST_TAGS = 50
_KIND = 5  # of arn:aws:rds:region:account:kind:name


class Tagged(Protocol):
    """What every RDS thing with an ARN has."""

    tags: dict[str, str]


_FINDERS: dict[str, Callable[[Place, str], Tagged]] = {
    "db": find,
    "snapshot": find_snapshot,
    "secgrp": find_db_security_group,
    "subgrp": find_subnet_group,
    "og": find_option_group,
    "pg": find_parameter_group,
}


def _tags(place: Place, request: Mapping[str, Any]) -> dict[str, str]:
    """The tags of the thing named, to be changed in place. Raises its …NotFound, InvalidParameterValue."""
    name: str = request["ResourceName"]
    parts = name.split(":", 6)
    if len(parts) != 7 or parts[:3] != ["arn", "aws", "rds"] or parts[_KIND] not in _FINDERS:
        raise invalid_value(f"Invalid resource name: {name}")
    if parts[3:_KIND] != [place.region, place.account_id]:
        raise invalid_value(f"The specified resource name does not match an RDS resource in this region: {name}")
    return _FINDERS[parts[_KIND]](place, name).tags


@operation("rds", "ListTagsForResource")
def list_tags_for_resource(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    return {"TagList": tag_list(_tags(place, request))}


@operation("rds", "AddTagsToResource")
def add_tags_to_resource(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    tags, added = _tags(place, request), tags_in(request)
    if len(tags | added) > MOST_TAGS:
        raise invalid_value(f"A resource can have at most {MOST_TAGS} tags.")
    tags.update(added)
    return {}


@operation("rds", "RemoveTagsFromResource")
def remove_tags_from_resource(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    tags = _tags(place, request)
    for key in request["TagKeys"]:
        tags.pop(key, None)
    return {}
