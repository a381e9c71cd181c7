"""Rules of security groups as requests write them and as answers show them."""

from collections.abc import Iterator, Mapping
from ipaddress import ip_network
from typing import Any

from sandbox.ec2.describing import View
from sandbox.ec2.groups import (
    ELB_GROUP,
    ELB_GROUP_ID,
    ELB_OWNER,
    Permission,
    SecurityGroup,
    find_group,
    find_group_by_name,
)
from sandbox.ec2.tags import tag_list
from sandbox.errors import AwsError
from sandbox.world import Place

_NAMES = {"6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6", "all": "-1"}
_CLASSIC_PROTOCOLS = ("tcp", "udp", "icmp")
Ports = tuple[str, int | None, int | None]


def asked_permissions(
    place: Place, group: SecurityGroup, request: Mapping[str, Any], *, egress: bool = False
) -> list[Permission]:
    """The rules a request names, one per source, not yet with ids.

    Raises AwsError as aws-facts A2 has it: protocol required in a VPC and limited to TCP, UDP and ICMP in
    EC2-Classic (omitted there: all three); no IPv6 in EC2-Classic; groups of the two platforms cannot
    name each other; other accounts' groups only in EC2-Classic.
    """
    rules = []
    for asked in [*(request.get("IpPermissions") or ()), *_loose(request)]:
        sources = list(_sources(place, group, asked))
        if not sources:
            raise AwsError("MissingParameter", "A rule needs a source: a CIDR block or a security group")
        for protocol, first, last in _ports(group, asked):
            rules += [Permission("", protocol, first, last, **source) for source in sources]
    if not rules:
        raise AwsError("MissingParameter", "The request must contain the parameter ipPermissions")
    return rules


def _loose(request: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The older way to write a single rule, without IpPermissions."""
    if request.get("CidrIp") or request.get("SourceSecurityGroupName"):
        asked = {key: request[key] for key in ("IpProtocol", "FromPort", "ToPort") if key in request}
        if request.get("CidrIp"):
            asked["IpRanges"] = [{"CidrIp": request["CidrIp"]}]
        if request.get("SourceSecurityGroupName"):
            owner = request.get("SourceSecurityGroupOwnerId")
            pair = {"GroupName": request["SourceSecurityGroupName"]} | ({"UserId": owner} if owner else {})
            asked["UserIdGroupPairs"] = [pair]
        yield asked


def _ports(group: SecurityGroup, asked: Mapping[str, Any]) -> list[Ports]:
    given = str(asked.get("IpProtocol") or "").lower()
    protocol = _NAMES.get(given, given)
    if group.vpc_id is None:
        if not protocol:
            return [("tcp", 1, 65535), ("udp", 1, 65535), ("icmp", -1, -1)]
        if protocol not in _CLASSIC_PROTOCOLS:
            raise AwsError(
                "InvalidPermission.Malformed",
                f'Unsupported IP protocol "{protocol}" - supported: [tcp, udp, icmp]',
            )
    if not protocol:
        raise AwsError("MissingParameter", "The request must contain the parameter ipProtocol")
    if protocol not in {"tcp", "udp", "icmp", "icmpv6"}:
        if protocol != "-1" and not (protocol.isdigit() and int(protocol) < 256):
            raise AwsError("InvalidParameterValue", f"Invalid value '{protocol}' for IP protocol. Unknown protocol.")
        return [(protocol, None, None)]
    first, last = asked.get("FromPort"), asked.get("ToPort")
    if protocol.startswith("icmp"):
        first, last = (-1 if first is None else first), (-1 if last is None else last)
        sound = -1 <= first <= 255 and -1 <= last <= 255
    else:
        if first is None or last is None:
            raise AwsError("MissingParameter", "The request must contain the parameters fromPort and toPort")
        sound = 0 <= first <= last <= 65535
    if not sound:
        raise AwsError("InvalidParameterValue", f"Invalid {protocol.upper()} port range ({first}:{last}).")
    return [(protocol, first, last)]


def _sources(place: Place, group: SecurityGroup, asked: Mapping[str, Any]) -> Iterator[dict[str, str | None]]:
    for v4 in asked.get("IpRanges") or ():
        yield {"cidr": _cidr(v4.get("CidrIp", ""), 4), "description": v4.get("Description")}
    for v6 in asked.get("Ipv6Ranges") or ():
        if group.vpc_id is None:
            raise AwsError("InvalidParameterValue", "IPv6 ranges may be used with VPC security groups only.")
        yield {"cidr_v6": _cidr(v6.get("CidrIpv6", ""), 6), "description": v6.get("Description")}
    for prefixes in asked.get("PrefixListIds") or ():
        listed = prefixes.get("PrefixListId", "")
        raise AwsError("InvalidPrefixListID.NotFound", f"The prefix list ID '{listed}' does not exist")
    for pair in asked.get("UserIdGroupPairs") or ():
        yield {**_group_source(place, group, pair), "description": pair.get("Description")}


def _cidr(text: str, version: int) -> str:
    try:
        network = ip_network(text, strict=False)
    except ValueError as error:
        raise AwsError("InvalidParameterValue", f"CIDR block {text} is malformed") from error
    if network.version != version or "/" not in text:
        raise AwsError("InvalidParameterValue", f"CIDR block {text} is malformed")
    return str(network)


def _group_source(place: Place, group: SecurityGroup, pair: Mapping[str, Any]) -> dict[str, str | None]:
    owner = pair.get("UserId") or place.account_id
    if owner == ELB_OWNER and group.vpc_id is None:
        return {"group_id": ELB_GROUP_ID, "group_owner": ELB_OWNER, "group_name": ELB_GROUP}
    if owner != place.account_id:
        return _foreign_source(place, group, pair, owner)
    if pair.get("GroupId"):
        source = find_group(place, pair["GroupId"])
    elif pair.get("GroupName"):
        source = find_group_by_name(place, pair["GroupName"])
    else:
        raise AwsError("MissingParameter", "A source group needs its GroupId or GroupName")
    if source.vpc_id != group.vpc_id:
        raise AwsError("InvalidGroup.NotFound", "You have specified two resources that belong to different networks.")
    name = source.name if source.vpc_id is None else None
    return {"group_id": source.id, "group_owner": owner, "group_name": name}


def _foreign_source(place: Place, group: SecurityGroup, pair: Mapping[str, Any], owner: str) -> dict[str, str | None]:
    """Another account's group: in EC2-Classic only (a VPC would need a peering). It is looked up where that
    account is part of the simulation, and believed where it is not."""
    asked_id, asked_name = pair.get("GroupId"), pair.get("GroupName")
    if group.vpc_id is not None or not (asked_id or asked_name):
        raise AwsError("InvalidGroup.NotFound", "You have specified two resources that belong to different networks.")
    for other in place.world.places():
        if (other.account_id, other.region) == (owner, place.region):
            found = find_group(other, asked_id) if asked_id else find_group_by_name(other, str(asked_name))
            return {"group_id": found.id, "group_owner": owner, "group_name": found.name}
    return {"group_id": asked_id, "group_owner": owner, "group_name": asked_name}


def permission_views(rules: list[Permission]) -> list[View]:
    """IpPermissions: sources gathered by protocol and ports."""
    gathered: dict[Ports, View] = {}
    for rule in rules:
        view = gathered.setdefault((rule.protocol, rule.from_port, rule.to_port), _empty(rule))
        note = {"Description": rule.description} if rule.description else {}
        if rule.cidr:
            view["IpRanges"].append({"CidrIp": rule.cidr, **note})
        elif rule.cidr_v6:
            view["Ipv6Ranges"].append({"CidrIpv6": rule.cidr_v6, **note})
        else:
            view["UserIdGroupPairs"].append({**_pair(rule), **note})
    return list(gathered.values())


def _empty(rule: Permission) -> View:
    view: View = {"IpProtocol": rule.protocol}
    if rule.from_port is not None:
        view |= {"FromPort": rule.from_port, "ToPort": rule.to_port}
    return {**view, "IpRanges": [], "Ipv6Ranges": [], "PrefixListIds": [], "UserIdGroupPairs": []}


def _pair(rule: Permission) -> View:
    pair = {"UserId": rule.group_owner, "GroupId": rule.group_id, "GroupName": rule.group_name}
    return {key: value for key, value in pair.items() if value}


def rule_view(place: Place, group: SecurityGroup, rule: Permission, *, egress: bool) -> View:
    """A SecurityGroupRule; ports are -1 where a rule has none."""
    view: View = {
        "SecurityGroupRuleId": rule.id,
        "SecurityGroupRuleArn": f"arn:aws:ec2:{place.region}:{place.account_id}:security-group-rule/{rule.id}",
        "GroupId": group.id,
        "GroupOwnerId": group.owner_id,
        "IsEgress": egress,
        "IpProtocol": rule.protocol,
        "FromPort": -1 if rule.from_port is None else rule.from_port,
        "ToPort": -1 if rule.to_port is None else rule.to_port,
        "Tags": tag_list(place, rule.id),
    }
    optional = {"CidrIpv4": rule.cidr, "CidrIpv6": rule.cidr_v6, "Description": rule.description}
    view |= {key: value for key, value in optional.items() if value}
    if rule.group_id or rule.group_name:
        view["ReferencedGroupInfo"] = {
            key: value
            for key, value in {"GroupId": rule.group_id, "UserId": rule.group_owner, "VpcId": group.vpc_id}.items()
            if value
        }
    return view
