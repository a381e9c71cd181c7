"""Making, deleting and describing security groups."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.ec2.describing import Field, View, paginate, select
from sandbox.ec2.groups import (
    SecurityGroup,
    allow_all,
    asked_group,
    default_vpc_id,
    find_group_by_name,
    rules_of,
    users_of,
)
from sandbox.ec2.permissions import permission_views
from sandbox.ec2.tags import drop_tags, requested_tags, set_tags, tag_list
from sandbox.ec2.vpcs import find_vpc
from sandbox.errors import AwsError
from sandbox.service import operation
from sandbox.world import Place

_VPC_NAME = re.compile(r"[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{1,255}")


@operation("ec2", "CreateSecurityGroup")
def create_security_group(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Without a VpcId a group of EC2-Classic, or of the default VPC where there is no EC2-Classic.

    Names, numbers and starting rules as in aws-facts A2.
    """
    vpc_id = _vpc_for(place, request.get("VpcId"))
    name, description = request["GroupName"], request["Description"]
    _check_text(name, "groupName", classic=vpc_id is None)
    _check_text(description, "groupDescription", classic=vpc_id is None)
    _check_free(place, name, vpc_id)
    tags = requested_tags(request, "security-group")
    group = SecurityGroup(
        id=place.new_id("sg"),
        name=name,
        description=description,
        vpc_id=vpc_id,
        owner_id=place.account_id,
        visible_at=place.visible_from_now(),
        egress=[allow_all(place)] if vpc_id else [],
    )
    place.table(SecurityGroup)[group.id] = group
    set_tags(place, group.id, tags)
    return {
        "GroupId": group.id,
        "SecurityGroupArn": _arn(place, group),
        **({"Tags": tag_list(place, group.id)} if tags else {}),
    }


def _vpc_for(place: Place, asked: str | None) -> str | None:
    if asked:
        return find_vpc(place, asked).id
    return None if place.has_classic else default_vpc_id(place)


def _check_text(text: str, parameter: str, *, classic: bool) -> None:
    allowed = text.isascii() and 0 < len(text) <= 255 if classic else bool(_VPC_NAME.fullmatch(text))
    if not allowed or (parameter == "groupName" and text.startswith("sg-")):
        raise AwsError(
            "InvalidParameterValue",
            f"Value ({text}) for parameter {parameter} is invalid. Up to 255 characters"
            + (" of ASCII." if classic else " from a-z, A-Z, 0-9, spaces, and ._-:/()#,@[]+=&;{}!$*."),
        )


def _check_free(place: Place, name: str, vpc_id: str | None) -> None:
    """Names are compared without regard to case; `default` is AWS's own."""
    if name.lower() == "default":
        raise AwsError("InvalidGroup.Reserved", f"The security group name '{name}' is reserved")
    groups = list(place.table(SecurityGroup).values())
    if any(group.vpc_id == vpc_id and group.name.lower() == name.lower() for group in groups):
        where = f" for VPC '{vpc_id}'" if vpc_id else ""
        raise AwsError("InvalidGroup.Duplicate", f"The security group '{name}' already exists{where}")
    most = place.limits.groups_vpc if vpc_id else place.limits.groups_classic
    if sum(1 for group in groups if (group.vpc_id is None) == (vpc_id is None)) >= most:
        raise AwsError("SecurityGroupLimitExceeded", "The maximum number of security groups has been reached.")


@operation("ec2", "DeleteSecurityGroup")
def delete_security_group(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """A group in use is InvalidGroup.InUse in EC2-Classic and DependencyViolation in a VPC."""
    group = asked_group(place, request)
    if group.name == "default":
        raise AwsError("CannotDelete", f'the specified group: "{group.id}" name: "default" cannot be deleted by a user')
    if any(users_of(place, group.id)):
        if group.vpc_id:
            raise AwsError("DependencyViolation", f"resource {group.id} has a dependent object")
        raise AwsError("InvalidGroup.InUse", f"There are active instances using security group '{group.name}'")
    del place.table(SecurityGroup)[group.id]
    for resource_id in [group.id, *(rule.id for rule in group.ingress + group.egress)]:
        drop_tags(place, resource_id)
    place.changed()
    return {"GroupId": group.id}


def _permissions(member: str) -> dict[str, Field]:
    """Filters on the rules of one direction; `member` is where the view has them."""

    def each(view: View, *path: str) -> Iterable[Any]:
        for permission in view[member]:
            if len(path) == 1:
                yield permission.get(path[0])
            else:
                yield from (source.get(path[1]) for source in permission[path[0]])

    prefix = "ip-permission" if member == "IpPermissions" else "egress.ip-permission"
    return {
        f"{prefix}.protocol": lambda view: each(view, "IpProtocol"),
        f"{prefix}.from-port": lambda view: each(view, "FromPort"),
        f"{prefix}.to-port": lambda view: each(view, "ToPort"),
        f"{prefix}.cidr": lambda view: each(view, "IpRanges", "CidrIp"),
        f"{prefix}.ipv6-cidr": lambda view: each(view, "Ipv6Ranges", "CidrIpv6"),
        f"{prefix}.group-id": lambda view: each(view, "UserIdGroupPairs", "GroupId"),
        f"{prefix}.group-name": lambda view: each(view, "UserIdGroupPairs", "GroupName"),
        f"{prefix}.user-id": lambda view: each(view, "UserIdGroupPairs", "UserId"),
    }


_FIELDS: Mapping[str, Field] = {
    "group-name": lambda view: [view["GroupName"]],
    "description": lambda view: [view["Description"]],
    "vpc-id": lambda view: [view.get("VpcId")],
    "owner-id": lambda view: [view["OwnerId"]],
    **_permissions("IpPermissions"),
    **_permissions("IpPermissionsEgress"),
}


@operation("ec2", "DescribeSecurityGroups")
def describe_security_groups(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Names can be asked for in EC2-Classic (or the default VPC) only."""
    asked = dict(request)
    if names := request.get("GroupNames"):
        vpc_id = None if place.has_classic else default_vpc_id(place)
        named = [find_group_by_name(place, name, vpc_id).id for name in names]
        asked["GroupIds"] = [*(request.get("GroupIds") or ()), *named]
    views = [
        (group.id, lambda group=group: _view(place, group))
        for group in place.seen(SecurityGroup).values()
        if group.vpc_id or place.has_classic
    ]
    chosen = select(
        place, asked, views, _FIELDS,
        ids_param="GroupIds", not_found_code="InvalidGroup.NotFound", id_filter="group-id",
    )  # fmt: skip
    return paginate(chosen, request, "SecurityGroups")


def _view(place: Place, group: SecurityGroup) -> View:
    view: View = {
        "GroupId": group.id,
        "GroupName": group.name,
        "Description": group.description,
        "OwnerId": group.owner_id,
        "SecurityGroupArn": _arn(place, group),
        "IpPermissions": permission_views(group.ingress),
        "IpPermissionsEgress": permission_views(group.egress),
        "Tags": tag_list(place, group.id),
    }
    return {**view, "VpcId": group.vpc_id} if group.vpc_id else view


def _arn(place: Place, group: SecurityGroup) -> str:
    return f"arn:aws:ec2:{place.region}:{place.account_id}:security-group/{group.id}"


@operation("ec2", "DescribeSecurityGroupReferences")
def describe_security_group_references(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Which other VPCs' groups name these groups in their rules."""
    groups = place.seen(SecurityGroup)
    asked = [asked_group(place, {"GroupId": group_id}) for group_id in request["GroupId"]]
    found = {
        (target.id, group.vpc_id)
        for target in asked
        for group, rule, _ in rules_of(place)
        if rule.group_id == target.id and group.vpc_id and group.vpc_id != groups[target.id].vpc_id
    }
    return {
        "SecurityGroupReferenceSet": [
            {"GroupId": group_id, "ReferencingVpcId": vpc_id} for group_id, vpc_id in sorted(found)
        ]
    }
