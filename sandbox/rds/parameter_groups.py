"""DB parameter groups: the default ones of each family, and custom ones with what was set in them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.errors import AwsError
from sandbox.rds.db_instances import DbInstance
from sandbox.rds.engines import ENGINES, default_parameter_group, family_of
from sandbox.rds.listing import View, filtered, page
from sandbox.rds.names import arn, bare
from sandbox.rds.refusals import already_exists, invalid_combination, invalid_value, not_found
from sandbox.rds.tagging import tags_in
from sandbox.service import in_every_place, operation
from sandbox.world import Place


@dataclass
class ParameterGroup:
    """`parameters` holds what users set, by name; the engine's own defaults are not listed."""

    name: str
    family: str
    description: str
    visible_at: datetime
    built_in: bool = False
    parameters: dict[str, View] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


@in_every_place
def _defaults(place: Place) -> None:
    groups = place.table(ParameterGroup)
    for engine in ENGINES.values():
        for version in engine.versions:
            name, family = default_parameter_group(engine.name, version), family_of(engine.name, version)
            description = f"Default parameter group for {family}"
            groups[name] = ParameterGroup(name, family, description, place.clock.now(), True)


def find_parameter_group(place: Place, name_or_arn: str) -> ParameterGroup:
    """Raises DBParameterGroupNotFound."""
    group = place.seen(ParameterGroup).get(bare(place, name_or_arn))
    if group is None:
        raise not_found("DBParameterGroupNotFound", "DBParameterGroup", name_or_arn)
    return group


def usable_parameter_group(place: Place, name: str, engine: str, version: str) -> ParameterGroup:
    """Raises InvalidParameterCombination for a group of another family."""
    group = find_parameter_group(place, name)
    family = family_of(engine, version)
    if group.family != family:
        raise invalid_combination(
            f"The parameter group {group.name} with DBParameterGroupFamily {group.family} can't be used for "
            f"this instance. Use a parameter group with DBParameterGroupFamily {family}."
        )
    return group


def parameter_group_view(place: Place, group: ParameterGroup) -> View:
    return {
        "DBParameterGroupName": group.name,
        "DBParameterGroupFamily": group.family,
        "Description": group.description,
        "DBParameterGroupArn": arn(place, "pg", group.name),
    }


@operation("rds", "CreateDBParameterGroup")
def create_db_parameter_group(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    name, family = request["DBParameterGroupName"].lower(), request["DBParameterGroupFamily"]
    if name in place.table(ParameterGroup):
        raise already_exists("DBParameterGroupAlreadyExists", "Parameter group", name)
    if family not in {group.family for group in place.table(ParameterGroup).values()}:
        raise invalid_value(f"ParameterGroupFamily {family} is not a valid parameter group family")
    group = ParameterGroup(name, family, request["Description"], place.visible_from_now(), tags=tags_in(request))
    place.table(ParameterGroup)[name] = group
    return {"DBParameterGroup": parameter_group_view(place, group)}


@operation("rds", "DescribeDBParameterGroups")
def describe_db_parameter_groups(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    name = request.get("DBParameterGroupName")
    chosen = [find_parameter_group(place, name)] if name else list(place.seen(ParameterGroup).values())
    views = filtered((parameter_group_view(place, group) for group in chosen), request, {})
    return page(views, request, "DBParameterGroups", "DBParameterGroupName")


@operation("rds", "ModifyDBParameterGroup")
def modify_db_parameter_group(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Raises InvalidDBParameterGroupState for a default group, which cannot be changed."""
    group = _changeable(place, request)
    for each in request["Parameters"]:
        group.parameters[each["ParameterName"]] = {**each, "Source": "user", "IsModifiable": True}
    return {"DBParameterGroupName": group.name}


@operation("rds", "DescribeDBParameters")
def describe_db_parameters(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """What was set in the group; engine defaults are not modelled."""
    group = find_parameter_group(place, request["DBParameterGroupName"])
    wanted = request.get("Source") in (None, "user")
    return page(group.parameters.values() if wanted else (), request, "Parameters", "ParameterName")


@operation("rds", "DeleteDBParameterGroup")
def delete_db_parameter_group(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Raises InvalidDBParameterGroupState for a default group and while a DB instance uses it."""
    group = _changeable(place, request)
    if any(db.parameter_group == group.name for db in place.table(DbInstance).values()):
        raise AwsError("InvalidDBParameterGroupState", f"One or more database instances use {group.name}.")
    del place.table(ParameterGroup)[group.name]
    return {}


def _changeable(place: Place, request: Mapping[str, Any]) -> ParameterGroup:
    group = find_parameter_group(place, request["DBParameterGroupName"])
    if group.built_in:
        raise AwsError("InvalidDBParameterGroupState", "A default DB Parameter Group cannot be modified.")
    return group
