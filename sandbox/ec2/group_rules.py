"""Adding, removing, describing and annotating the rules of security groups."""

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.ec2.describing import Field, paginate, select
from sandbox.ec2.groups import Permission, SecurityGroup, asked_group, rules_of
from sandbox.ec2.permissions import asked_permissions, permission_views, rule_view
from sandbox.ec2.tag_calls import finders
from sandbox.ec2.tags import drop_tags, requested_tags, set_tags
from sandbox.errors import AwsError
from sandbox.service import operation
from sandbox.world import Place


@operation("ec2", "AuthorizeSecurityGroupIngress")
def authorize_ingress(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    return _authorize(place, request, egress=False)


@operation("ec2", "AuthorizeSecurityGroupEgress")
def authorize_egress(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    return _authorize(place, request, egress=True)


@operation("ec2", "RevokeSecurityGroupIngress")
def revoke_ingress(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    return _revoke(place, request, egress=False)


@operation("ec2", "RevokeSecurityGroupEgress")
def revoke_egress(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    return _revoke(place, request, egress=True)


def _authorize(place: Place, request: Mapping[str, Any], *, egress: bool) -> dict[str, Any]:
    """All of the request's rules or none of them."""
    group = _group(place, request, egress=egress)
    rules = group.egress if egress else group.ingress
    wanted = asked_permissions(place, group, request, egress=egress)
    tags = requested_tags(request, "security-group-rule")
    present = {rule.allows for rule in rules}
    for rule in wanted:
        if rule.allows in present:
            raise AwsError("InvalidPermission.Duplicate", f'the specified rule "{_said(rule)}" already exists')
        present.add(rule.allows)
    _check_room(place, group, rules + wanted)
    for rule in wanted:
        rule.id = place.new_id("sgr")
        set_tags(place, rule.id, tags)
    rules += wanted
    place.changed()
    views = [rule_view(place, group, rule, egress=egress) for rule in wanted]
    return {"Return": True, "SecurityGroupRules": views}


def _group(place: Place, request: Mapping[str, Any], *, egress: bool) -> SecurityGroup:
    group = asked_group(place, request)
    if egress and group.vpc_id is None:
        raise AwsError("InvalidParameterValue", "Only Amazon VPC security groups may be used with this operation.")
    return group


def _check_room(place: Place, group: SecurityGroup, rules: list[Permission]) -> None:
    """100 rules in EC2-Classic; in a VPC 60 in each direction, IPv4 and IPv6 counted apart, a group as
    source counting for both (aws-facts A2)."""
    most = place.limits.rules_vpc if group.vpc_id else place.limits.rules_classic
    v4 = sum(1 for rule in rules if not rule.cidr_v6)
    v6 = sum(1 for rule in rules if not rule.cidr)
    if v4 > most or v6 > most:
        raise AwsError(
            "RulesPerSecurityGroupLimitExceeded",
            "The maximum number of rules per security group has been reached.",
        )


def _said(rule: Permission) -> str:
    peer = rule.cidr or rule.cidr_v6 or rule.group_id or rule.group_name
    if rule.protocol == "-1":
        return f"peer: {peer}, ALL, ALLOW"
    return f"peer: {peer}, {rule.protocol.upper()}, from port: {rule.from_port}, to port: {rule.to_port}, ALLOW"


def _revoke(place: Place, request: Mapping[str, Any], *, egress: bool) -> dict[str, Any]:
    """A rule that is not there: an error in EC2-Classic and in a VPC, but in a default VPC it is listed in
    UnknownIpPermissions ("Repeating a call safely" in aws-facts)."""
    group = _group(place, request, egress=egress)
    rules = group.egress if egress else group.ingress
    gone, unknown = _matched(place, group, rules, request, egress=egress)
    if unknown and not _in_default_vpc(place, group):
        raise AwsError("InvalidPermission.NotFound", "The specified rule does not exist in this security group.")
    for rule in gone:
        rules.remove(rule)
        drop_tags(place, rule.id)
    place.changed()
    answer: dict[str, Any] = {
        "Return": True,
        "RevokedSecurityGroupRules": [_revoked(group, rule, egress=egress) for rule in gone],
    }
    return answer | ({"UnknownIpPermissions": permission_views(unknown)} if unknown else {})


def _matched(
    place: Place, group: SecurityGroup, rules: list[Permission], request: Mapping[str, Any], *, egress: bool
) -> tuple[list[Permission], list[Permission]]:
    """The rules of the group that the request names, and those it names in vain."""
    if ids := request.get("SecurityGroupRuleIds"):
        by_id = {rule.id: rule for rule in rules}
        for rule_id in ids:
            if rule_id not in by_id:
                raise AwsError(
                    "InvalidSecurityGroupRuleId.NotFound",
                    f"The security group rule ID '{rule_id}' does not exist",
                )
        return [by_id[rule_id] for rule_id in ids], []
    wanted = asked_permissions(place, group, request, egress=egress)
    present = {rule.allows: rule for rule in rules}
    found = {rule.allows: present[rule.allows] for rule in wanted if rule.allows in present}
    return list(found.values()), [rule for rule in wanted if rule.allows not in present]


def _revoked(group: SecurityGroup, rule: Permission, *, egress: bool) -> dict[str, Any]:
    view: dict[str, Any] = {
        "SecurityGroupRuleId": rule.id,
        "GroupId": group.id,
        "IsEgress": egress,
        "IpProtocol": rule.protocol,
        "FromPort": -1 if rule.from_port is None else rule.from_port,
        "ToPort": -1 if rule.to_port is None else rule.to_port,
        "CidrIpv4": rule.cidr,
        "CidrIpv6": rule.cidr_v6,
        "ReferencedGroupId": rule.group_id,
        "Description": rule.description,
    }
    return {key: value for key, value in view.items() if value is not None}


def _in_default_vpc(place: Place, group: SecurityGroup) -> bool:
    return any(thing.id == group.vpc_id for thing in place.things() if getattr(thing, "is_default", False))


@operation("ec2", "UpdateSecurityGroupRuleDescriptionsIngress")
def describe_ingress_rules_anew(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    return _annotate(place, request, egress=False)


@operation("ec2", "UpdateSecurityGroupRuleDescriptionsEgress")
def describe_egress_rules_anew(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    return _annotate(place, request, egress=True)


def _annotate(place: Place, request: Mapping[str, Any], *, egress: bool) -> dict[str, Any]:
    group = _group(place, request, egress=egress)
    rules = group.egress if egress else group.ingress
    if described := request.get("SecurityGroupRuleDescriptions"):
        texts = {one["SecurityGroupRuleId"]: one.get("Description") for one in described}
        for rule in _matched(place, group, rules, {"SecurityGroupRuleIds": list(texts)}, egress=egress)[0]:
            rule.description = texts[rule.id]
        return {"Return": True}
    present = {rule.allows: rule for rule in rules}
    wanted = asked_permissions(place, group, request, egress=egress)
    if any(rule.allows not in present for rule in wanted):
        raise AwsError("InvalidPermission.NotFound", "The specified rule does not exist in this security group.")
    for rule in wanted:
        present[rule.allows].description = rule.description
    return {"Return": True}


_FIELDS: Mapping[str, Field] = {
    "group-id": lambda view: [view["GroupId"]],
    "security-group-rule-id": lambda view: [view["SecurityGroupRuleId"]],
}


@operation("ec2", "DescribeSecurityGroupRules")
def describe_security_group_rules(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    views: list[tuple[str, Callable[[], dict[str, Any]]]] = [
        (rule.id, lambda group=group, rule=rule, egress=egress: rule_view(place, group, rule, egress=egress))  # type: ignore[misc]  # mypy cannot infer defaults of a lambda
        for group, rule, egress in rules_of(place)
    ]
    chosen = select(
        place, request, views, _FIELDS,
        ids_param="SecurityGroupRuleIds", not_found_code="InvalidSecurityGroupRuleId.NotFound",
    )  # fmt: skip
    return paginate(chosen, request, "SecurityGroupRules")


def _rule_exists(place: Place, rule_id: str) -> bool:
    return any(rule.id == rule_id for _, rule, _ in rules_of(place))


finders["sgr"] = _rule_exists
