"""DB security groups: who may connect to the DB instances of EC2-Classic. Their rules have no port."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.ec2.groups import SecurityGroup
from sandbox.errors import AwsError
from sandbox.rds.db_instances import DbInstance
from sandbox.rds.listing import View, filtered, page
from sandbox.rds.names import arn, bare
from sandbox.rds.refusals import already_exists, invalid_combination, invalid_value, not_found
from sandbox.rds.tagging import tags_in
from sandbox.service import in_every_place, operation
from sandbox.world import Place

DEFAULT = "default"


@dataclass
class DbIngress:
    """One source that may connect to the DB port: a CIDR, or a security group of EC2-Classic."""

    cidr: str | None = None
    group_id: str | None = None
    group_name: str | None = None
    owner_id: str | None = None
    status: str = "authorizing"

    def same_source(self, other: "DbIngress") -> bool:
        return (self.cidr, self.group_id, self.owner_id) == (other.cidr, other.group_id, other.owner_id)


@dataclass
class DbSecurityGroup:
    name: str
    description: str
    owner_id: str
    visible_at: datetime
    ingress: list[DbIngress] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)

    def in_force(self) -> list[DbIngress]:
        """The sources let in at this moment: a rule counts until its removal is done."""
        return [rule for rule in self.ingress if rule.status in ("authorized", "revoking")]


@in_every_place
def _default(place: Place) -> None:
    """Every account with EC2-Classic has a DB security group `default`, which lets nobody in."""
    if place.has_classic:
        group = DbSecurityGroup(DEFAULT, DEFAULT, place.account_id, place.clock.now())
        place.table(DbSecurityGroup)[DEFAULT] = group


def find_db_security_group(place: Place, name_or_arn: str) -> DbSecurityGroup:
    """Raises DBSecurityGroupNotFound."""
    group = place.seen(DbSecurityGroup).get(bare(place, name_or_arn))
    if group is None:
        raise not_found("DBSecurityGroupNotFound", "DBSecurityGroup", name_or_arn)
    return group


def db_security_group_view(place: Place, group: DbSecurityGroup) -> View:
    return {
        "DBSecurityGroupName": group.name,
        "DBSecurityGroupDescription": group.description,
        "DBSecurityGroupArn": arn(place, "secgrp", group.name),
        "OwnerId": group.owner_id,
        "EC2SecurityGroups": [
            {
                "EC2SecurityGroupId": rule.group_id,
                "EC2SecurityGroupName": rule.group_name,
                "EC2SecurityGroupOwnerId": rule.owner_id,
                "Status": rule.status,
            }
            for rule in group.ingress
            if rule.group_id
        ],
        "IPRanges": [{"CIDRIP": rule.cidr, "Status": rule.status} for rule in group.ingress if rule.cidr],
    }


@operation("rds", "CreateDBSecurityGroup")
def create_db_security_group(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """EC2-Classic only. Raises DBSecurityGroupNotSupported, DBSecurityGroupAlreadyExists."""
    if not place.has_classic:
        raise AwsError("DBSecurityGroupNotSupported", "A DB security group isn't allowed for this action.")
    name = request["DBSecurityGroupName"].lower()
    if name in place.table(DbSecurityGroup):
        raise already_exists("DBSecurityGroupAlreadyExists", "DB security group", name)
    group = DbSecurityGroup(
        name=name,
        description=request["DBSecurityGroupDescription"],
        owner_id=place.account_id,
        visible_at=place.visible_from_now(),
        tags=tags_in(request),
    )
    place.table(DbSecurityGroup)[name] = group
    return {"DBSecurityGroup": db_security_group_view(place, group)}


@operation("rds", "AuthorizeDBSecurityGroupIngress")
def authorize_ingress(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """`authorizing`, and in force a little later. Raises AuthorizationAlreadyExists."""
    group = find_db_security_group(place, request["DBSecurityGroupName"])
    asked = _source(place, request)
    if any(rule.same_source(asked) for rule in group.ingress):
        raise already_exists("AuthorizationAlreadyExists", "Authorization", asked.cidr or str(asked.group_id))
    group.ingress.append(asked)

    def in_force() -> None:
        if asked.status == "authorizing":
            asked.status = "authorized"
            place.changed()

    place.clock.after(place.durations.db_authorize, in_force)
    return {"DBSecurityGroup": db_security_group_view(place, group)}


@operation("rds", "RevokeDBSecurityGroupIngress")
def revoke_ingress(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """`revoking`, and gone a little later. Raises AuthorizationNotFound."""
    group = find_db_security_group(place, request["DBSecurityGroupName"])
    asked = _source(place, request)
    rule = next((rule for rule in group.ingress if rule.same_source(asked)), None)
    if rule is None:
        raise not_found("AuthorizationNotFound", "Authorization", asked.cidr or str(asked.group_id))
    rule.status = "revoking"

    def gone() -> None:
        group.ingress[:] = [each for each in group.ingress if each is not rule]
        place.changed()

    place.clock.after(place.durations.db_authorize, gone)
    return {"DBSecurityGroup": db_security_group_view(place, group)}


def _source(place: Place, request: Mapping[str, Any]) -> DbIngress:
    """A CIDR, or an owner with a group's id or name. Raises InvalidParameterCombination or …Value."""
    cidr, owner = request.get("CIDRIP"), request.get("EC2SecurityGroupOwnerId")
    wanted = request.get("EC2SecurityGroupId") or request.get("EC2SecurityGroupName")
    if bool(cidr) == bool(wanted):
        raise invalid_combination("Specify either CIDRIP or an EC2 security group.")
    if cidr:
        try:
            return DbIngress(cidr=str(ipaddress.IPv4Network(cidr)))
        except ValueError:
            raise invalid_value(f"Invalid IP range: {cidr}") from None
    if not owner:
        raise invalid_combination("EC2SecurityGroupOwnerId must be given with an EC2 security group.")
    theirs = place.world.place(owner, place.region)
    for group in theirs.seen(SecurityGroup).values():
        if group.vpc_id is None and wanted in (group.id, group.name):
            return DbIngress(group_id=group.id, group_name=group.name, owner_id=owner)
    raise invalid_value(f"Invalid security group, owner={owner}, group={wanted}.")


@operation("rds", "DescribeDBSecurityGroups")
def describe_db_security_groups(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    name = request.get("DBSecurityGroupName")
    chosen = [find_db_security_group(place, name)] if name else list(place.seen(DbSecurityGroup).values())
    views = filtered((db_security_group_view(place, group) for group in chosen), request, {})
    return page(views, request, "DBSecurityGroups", "DBSecurityGroupName")


@operation("rds", "DeleteDBSecurityGroup")
def delete_db_security_group(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Raises InvalidDBSecurityGroupState for `default` and while a DB instance uses it."""
    group = find_db_security_group(place, request["DBSecurityGroupName"])
    users = [db for db in place.table(DbInstance).values() if group.name in db.db_security_groups]
    if users or group.name == DEFAULT:
        reason = f"{users[0].identifier} uses it" if users else "it is the default"
        raise AwsError("InvalidDBSecurityGroupState", f"Cannot delete DB security group {group.name}: {reason}.")
    del place.table(DbSecurityGroup)[group.name]
    return {}
