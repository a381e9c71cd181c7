"""Option groups: the default ones of each engine line, and custom ones, bound to a platform once used."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.errors import AwsError
from sandbox.rds.db_instances import DbInstance
from sandbox.rds.engines import ENGINES, default_option_group, engine_named, major_of
from sandbox.rds.listing import View, filtered, page
from sandbox.rds.names import arn, bare
from sandbox.rds.refusals import already_exists, invalid_combination, not_found
from sandbox.rds.tagging import tags_in
from sandbox.service import in_every_place, operation
from sandbox.world import Place


@dataclass
class OptionGroup:
    """`bound` once a DB instance has used it: to the VPC `vpc_id`, or to EC2-Classic when that is None."""

    name: str
    description: str
    engine: str
    major_version: str
    visible_at: datetime
    built_in: bool = False
    bound: bool = False
    vpc_id: str | None = None
    tags: dict[str, str] = field(default_factory=dict)

    def serves(self, vpc_id: str | None) -> bool:
        """Custom option groups are platform-specific (aws-facts A5); the default ones serve all."""
        return self.built_in or not self.bound or self.vpc_id == vpc_id


@in_every_place
def _defaults(place: Place) -> None:
    """RDS offers a default option group for each line of each engine."""
    groups = place.table(OptionGroup)
    for engine in ENGINES.values():
        for version in engine.versions:
            name, major = default_option_group(engine.name, version), major_of(engine.name, version)
            description = f"Default option group for {engine.name} {major}"
            groups[name] = OptionGroup(name, description, engine.name, major, place.clock.now(), True)


def find_option_group(place: Place, name_or_arn: str) -> OptionGroup:
    """Raises OptionGroupNotFoundFault."""
    group = place.seen(OptionGroup).get(bare(place, name_or_arn))
    if group is None:
        raise not_found("OptionGroupNotFoundFault", "Specified OptionGroupName:", name_or_arn)
    return group


def usable_option_group(place: Place, name: str, engine: str, version: str, vpc_id: str | None) -> OptionGroup:
    """The group, fit for this engine line and platform. Raises InvalidParameterCombination if it is not."""
    group = find_option_group(place, name)
    if (group.engine, group.major_version) != (engine, major_of(engine, version)):
        raise invalid_combination(
            f"The option group {group.name} is for {group.engine} {group.major_version}, not for {engine} {version}."
        )
    if not group.serves(vpc_id):
        raise invalid_combination(
            f"The option group {group.name} is linked to {group.vpc_id or 'EC2-Classic'} and cannot be used "
            f"in {vpc_id or 'EC2-Classic'}. Choose the default option group or one linked to it."
        )
    return group


def bind(place: Place, name: str, vpc_id: str | None) -> None:
    """A custom group belongs to the platform of the first DB instance that uses it."""
    group = place.table(OptionGroup)[name]
    if not group.built_in and not group.bound:
        group.bound, group.vpc_id = True, vpc_id


def option_group_view(place: Place, group: OptionGroup) -> View:
    view: View = {
        "OptionGroupName": group.name,
        "OptionGroupDescription": group.description,
        "EngineName": group.engine,
        "MajorEngineVersion": group.major_version,
        "Options": [],
        "AllowsVpcAndNonVpcInstanceMemberships": group.built_in or not group.bound,
        "OptionGroupArn": arn(place, "og", group.name),
    }
    return view | ({"VpcId": group.vpc_id} if group.vpc_id else {})


@operation("rds", "CreateOptionGroup")
def create_option_group(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    name = request["OptionGroupName"].lower()
    if name in place.table(OptionGroup):
        raise already_exists("OptionGroupAlreadyExistsFault", "An option group named", name)
    group = OptionGroup(
        name=name,
        description=request["OptionGroupDescription"],
        engine=engine_named(request["EngineName"]).name,
        major_version=request["MajorEngineVersion"],
        visible_at=place.visible_from_now(),
        tags=tags_in(request),
    )
    place.table(OptionGroup)[name] = group
    return {"OptionGroup": option_group_view(place, group)}


@operation("rds", "DescribeOptionGroups")
def describe_option_groups(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """A major version may be asked for only together with its engine."""
    name, engine, major = (request.get(key) for key in ("OptionGroupName", "EngineName", "MajorEngineVersion"))
    if major and not engine:
        raise invalid_combination("EngineName must be given with MajorEngineVersion.")
    chosen = [find_option_group(place, name)] if name else list(place.seen(OptionGroup).values())
    views = (
        option_group_view(place, group)
        for group in chosen
        if engine in (None, group.engine) and major in (None, group.major_version)
    )
    return page(filtered(views, request, {}), request, "OptionGroupsList", "OptionGroupName")


@operation("rds", "DeleteOptionGroup")
def delete_option_group(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Raises InvalidOptionGroupStateFault for a default group and while a DB instance uses it."""
    group = find_option_group(place, request["OptionGroupName"])
    used = any(
        group.name in (db.option_group, db.pending.get("option_group")) for db in place.table(DbInstance).values()
    )
    if used or group.built_in:
        raise AwsError("InvalidOptionGroupStateFault", f"The option group {group.name} cannot be deleted.")
    del place.table(OptionGroup)[group.name]
    return {}
