"""The twin of a security group: what it is called, and which rules it gets (aws-facts A2)."""

import re
from collections.abc import Iterator, Mapping

from app.planning.context import Context
from app.planning.effects import CLASSIC_BALANCERS
from app.planning.flows import members
from app.planning.inventory import Json, Ref, Resource
from app.planning.plan import promise, step_id
from app.resources.load_balancer_members import behind

# aws-facts A2 (SGC18): what a VPC group's name and description may hold; at most 255 characters.
NOT_IN_A_NAME = re.compile(r"[^a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]")
ELB_OWNER = CLASSIC_BALANCERS


def group_ref(group_id: str) -> Ref:
    return Ref("security_group", group_id)


def foreign(rule: Mapping[str, Json], owner: str) -> bool:
    """Whether a rule names another account's group (the load balancers' own account aside)."""
    return "group" in rule and rule["owner"] not in ("", owner, ELB_OWNER)


def twin_name(group: Resource, ctx: Context) -> str:
    """The twin's name: sanitised, and made unique in the VPC (names there ignore case)."""
    wanted = str(ctx.override(group.ref, "name") or NOT_IN_A_NAME.sub("-", group.name)[:255])
    if wanted.lower().startswith("sg-"):
        wanted = "group-" + wanted[:249]
    holders = ctx.once(holders_of_names).get(wanted.lower(), ())
    if not any(ref != group.ref and (not ctx.moves(ref) or ref < group.ref) for ref in holders):
        return wanted
    return f"{wanted[:240]}-{group.ref.id.removeprefix('sg-')[-12:]}"


def twin_description(group: Resource) -> str:
    """The twin's description: EC2-Classic takes any ASCII there, a VPC does not."""
    return NOT_IN_A_NAME.sub("-", group.facts["description"])[:255]


def holders_of_names(ctx: Context) -> dict[str, list[Ref]]:
    """By name: the groups that have it in the target VPC, and those that move and want it there."""
    found: dict[str, list[Ref]] = {}
    for group in ctx.inventory.of("security_group"):
        if group.facts["vpc"] == ctx.target.vpc_id or ctx.moves(group.ref):
            found.setdefault(NOT_IN_A_NAME.sub("-", group.name).lower(), []).append(group.ref)
    return found


def target_rules(group: Resource, ctx: Context) -> list[dict[str, Json]]:
    """The twin's inbound permissions as EC2 takes them; group ids may be promises."""
    permissions: list[dict[str, Json]] = []
    for rule in group.facts["rules"]:
        for source in _sources(rule, group, ctx):
            permission = {"IpProtocol": rule["protocol"], **source}
            if rule["from_port"] is not None:
                permission |= {"FromPort": rule["from_port"], "ToPort": rule["to_port"]}
            permissions.append(permission)
    return permissions


def _sources(rule: Mapping[str, Json], group: Resource, ctx: Context) -> Iterator[dict[str, Json]]:
    described = {"Description": rule["description"]} if rule["description"] else {}
    if rule.get("cidr"):
        yield {"IpRanges": [{"CidrIp": rule["cidr"], **described}]}
    elif rule.get("cidr_v6"):
        yield {"Ipv6Ranges": [{"CidrIpv6": rule["cidr_v6"], **described}]}
    elif rule["owner"] == ELB_OWNER:
        # Any Classic load balancer may be meant; the ones in front of this group's members are.
        for balancer in _balancers_before(group, ctx):
            group_id = promise(step_id("load_balancer.create_group", balancer), "group_id")
            yield {"UserIdGroupPairs": [{"GroupId": group_id, **described}]}
    elif rule.get("group") and not foreign(rule, group.facts["owner"]):
        source = group_ref(rule["group"])
        if ctx.moves(source):
            yield {"UserIdGroupPairs": [{"GroupId": ctx.counterpart(source), **described}]}


def _balancers_before(group: Resource, ctx: Context) -> list[Ref]:
    inside = set(members(ctx.inventory, group.ref))
    fronts = ctx.moving("load_balancer")
    return [lb.ref for lb in fronts if not inside.isdisjoint(each.ref for each in behind(lb, ctx.inventory))]
