"""Security groups: each Classic group gets a twin in the VPC with the same rules.

No call moves a group (aws-facts A2, MIG). All twins are made empty first and then given their rules,
because groups name each other in loops; `default` maps to the VPC's own `default`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from app.cloud import AlreadyExists
from app.execution.calls import Calls, Reach, having, makes, on, ours, reading
from app.execution.step import Result, Run, Step, StepBroken
from app.planning.context import Context
from app.planning.effects import CLASSIC_BALANCERS, Effect, Opens, group_name, openings
from app.planning.flows import make_flow, members
from app.planning.inventory import Inventory, Json, Ref, Resource
from app.planning.plan import Draft, Finding, Flow, promise, ready, step_id
from app.resources.kind import Kind, Survey, platform_of, tags_of
from app.resources.load_balancer_members import behind
from app.resources.security_group_deletion import Clear, Delete

# aws-facts A2 (QUOTA, PLAT): rules of a VPC group in each direction, and groups of a VPC.
RULES_PER_GROUP = 60
GROUPS_PER_REGION = 2_500
# aws-facts A2 (SGC18): what a VPC group's name may hold; at most 255 characters.
NOT_IN_A_NAME = re.compile(r"[^a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]")
ELB_OWNER = CLASSIC_BALANCERS


def _ref(group_id: str) -> Ref:
    return Ref("security_group", group_id)


def _rules(item: Mapping[str, Any]) -> list[dict[str, Json]]:
    """One row per source of each ingress permission, sorted."""
    rows: list[dict[str, Json]] = []
    for permission in item.get("IpPermissions", ()):
        base = {
            "protocol": permission["IpProtocol"],
            "from_port": permission.get("FromPort"),
            "to_port": permission.get("ToPort"),
        }
        rows.extend({**base, **source} for source in _rule_sources(permission))
    return sorted(rows, key=lambda row: sorted((key, str(value)) for key, value in row.items()))


def _rule_sources(permission: Mapping[str, Any]) -> Iterator[dict[str, Json]]:
    for source in permission.get("IpRanges", ()):
        yield {"cidr": source["CidrIp"], "description": source.get("Description", "")}
    for source in permission.get("Ipv6Ranges", ()):
        yield {"cidr_v6": source["CidrIpv6"], "description": source.get("Description", "")}
    for source in permission.get("UserIdGroupPairs", ()):
        yield {
            "group": source.get("GroupId", ""),
            "owner": source.get("UserId", ""),
            "group_name": source.get("GroupName", ""),
            "description": source.get("Description", ""),
        }


def foreign(rule: Mapping[str, Json], owner: str) -> bool:
    """Whether a rule names another account's group (the load balancers' own account aside)."""
    return "group" in rule and rule["owner"] not in ("", owner, ELB_OWNER)


class SecurityGroups(Kind):
    name = "security_group"
    comes_along = True
    maker = "security_group.create"
    reads = frozenset({"ec2.describe_security_groups"})

    async def discover(self, survey: Survey) -> list[Resource]:
        """Facts: description, owner, vpc, tags, rules (rows of protocol, ports and one source)."""
        found = []
        for item in await survey.all("ec2.describe_security_groups", "SecurityGroups[]"):
            rules = _rules(item)
            owner = item["OwnerId"]
            named = {_ref(rule["group"]) for rule in rules if rule.get("group") and rule["owner"] in ("", owner)}
            facts = {
                "description": item["Description"],
                "owner": owner,
                "vpc": item.get("VpcId", ""),
                "rules": rules,
                "tags": tags_of(item),
            }
            platform = platform_of(item.get("VpcId"))
            ref = _ref(item["GroupId"])
            found.append(Resource(ref, item["GroupName"], platform, facts, frozenset(named - {ref})))
        return found

    def flows(self, resource: Resource, inventory: Inventory) -> Iterator[Flow]:
        """One flow per rule: from the source group's members (or addresses) to this group's members."""
        targets = members(inventory, resource.ref)
        for rule in resource.facts["rules"]:
            sources: Iterable[Ref]
            if rule.get("cidr"):
                sources, source = [Ref("cidr", rule["cidr"])], rule["cidr"]
            elif rule.get("group") and rule["owner"] in ("", resource.facts["owner"]):
                sources, source = members(inventory, _ref(rule["group"])), rule["group"]
            else:
                continue  # the load balancers' own rule is told by the load balancer; other accounts by a finding
            text = f"{resource.ref} admits {source}"
            ports = (rule["from_port"], rule["to_port"])
            yield make_flow(text, sources, targets, rule["protocol"], ports)

    def present(self, resource: Resource, inventory: Inventory) -> Iterator[Effect]:
        for rule in resource.facts["rules"]:
            ours = not foreign(rule, resource.facts["owner"])
            group = ELB_OWNER if rule.get("owner") == ELB_OWNER else rule.get("group") if ours else None
            if source := rule.get("cidr") or rule.get("cidr_v6") or group:
                yield Opens(resource.ref.id, source, rule["protocol"], rule["from_port"], rule["to_port"])

    def findings(self, ctx: Context) -> Iterator[Finding]:
        groups = list(ctx.moving("security_group"))
        in_target = [g for g in ctx.inventory.of("security_group") if g.facts["vpc"] == ctx.target.vpc_id]
        if len(in_target) + len(groups) > GROUPS_PER_REGION:
            yield Finding(
                "blocker",
                "too_many_security_groups",
                f"vpc:{ctx.target.vpc_id or 'new'}",
                f"The target would hold more than {GROUPS_PER_REGION} security groups. Ask AWS to raise the "
                "quota, or move fewer groups.",
            )
        for group in groups:
            yield from _group_findings(group, ctx)


def _group_findings(group: Resource, ctx: Context) -> Iterator[Finding]:
    subject = str(group.ref)
    rules = _target_rules(group, ctx)
    if len(rules) > ctx.override(group.ref, "max_rules", RULES_PER_GROUP):
        yield Finding(
            "blocker",
            "too_many_rules",
            subject,
            f"{group.name} has {len(rules)} inbound rules and a VPC group takes {RULES_PER_GROUP}. Merge rules "
            "or split the group; or have AWS raise the quota and set the override max_rules.",
        )
    for rule in group.facts["rules"]:
        if foreign(rule, group.facts["owner"]):
            yield Finding(
                "warning",
                "rule_names_other_account",
                subject,
                f"{group.name} admits {rule['owner']}/{rule['group'] or rule['group_name']}, a group of another "
                "account. A VPC group can only name it over an active peering, so this rule is not carried: "
                "decide what replaces it.",
            )
        if str(rule.get("cidr", "")).startswith("10."):
            yield Finding(
                "warning",
                "rule_names_classic_address",
                subject,
                f"{group.name} admits {rule['cidr']}, addresses that EC2-Classic hands out. They change at "
                "cutover: replace the rule by one that names a group.",
            )
    if twin_name(group, ctx) != group.name and group.name != "default":
        yield Finding(
            "note",
            "security_group_renamed",
            subject,
            f"The twin of '{group.name}' is called '{twin_name(group, ctx)}': the name is taken in the VPC, "
            "or holds characters that a VPC group may not have.",
        )


def twin_name(group: Resource, ctx: Context) -> str:
    """The twin's name: sanitised, and made unique in the VPC (names there ignore case)."""
    wanted = str(ctx.override(group.ref, "name") or NOT_IN_A_NAME.sub("-", group.name)[:255])
    if wanted.lower().startswith("sg-"):
        wanted = "group-" + wanted[:249]
    holders = ctx.once(holders_of_names).get(wanted.lower(), ())
    if not any(ref != group.ref and (not ctx.moves(ref) or ref < group.ref) for ref in holders):
        return wanted
    return f"{wanted[:240]}-{group.ref.id.removeprefix('sg-')[-12:]}"


def holders_of_names(ctx: Context) -> dict[str, list[Ref]]:
    """By name: the groups that have it in the target VPC, and those that move and want it there."""
    found: dict[str, list[Ref]] = {}
    for group in ctx.inventory.of("security_group"):
        if group.facts["vpc"] == ctx.target.vpc_id or ctx.moves(group.ref):
            found.setdefault(NOT_IN_A_NAME.sub("-", group.name).lower(), []).append(group.ref)
    return found


def _target_rules(group: Resource, ctx: Context) -> list[dict[str, Json]]:
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
        source = _ref(rule["group"])
        if ctx.moves(source):
            yield {"UserIdGroupPairs": [{"GroupId": ctx.counterpart(source), **described}]}


def _balancers_before(group: Resource, ctx: Context) -> list[Ref]:
    inside = set(members(ctx.inventory, group.ref))
    fronts = ctx.moving("load_balancer")
    return [lb.ref for lb in fronts if not inside.isdisjoint(each.ref for each in behind(lb, ctx.inventory))]


class Create(Step):
    """Makes the twin, empty; the VPC's `default` is taken up as the twin of `default`."""

    action = "security_group.create"
    subject = "security_group"
    phase = "prepare"
    calls: ClassVar[Calls] = {
        **reading("ec2.describe_security_groups"),
        "ec2.create_security_group": makes("security-group/*") + on("vpc/{vpc_id}"),
        "ec2.delete_security_group": ours("security-group/*"),
    }

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if not ctx.moves(resource.ref):
            return None
        name = "default" if resource.name == "default" else twin_name(resource, ctx)
        params = {
            "vpc_id": ctx.vpc_id,
            "name": name,
            "description": resource.facts["description"],
            "tags": dict(resource.tags),
        }
        return Draft(params, f"Make security group '{name}' in the VPC as the twin of {resource.ref.id}.")

    def untagged(self, params: Mapping[str, Json]) -> Reach:
        """The VPC's own default group is there already."""
        return having("security-group/*", "ec2:Vpc", "vpc/{vpc_id}") if params["name"] == "default" else ()

    async def check(self, run: Run) -> None:
        found = await self._find(run)
        if found and run.params["name"] != "default" and not run.owns(found.get("Tags")):
            raise StepBroken(f"A group called '{run.params['name']}' is in the VPC already: discover and plan anew.")

    async def do(self, run: Run) -> Result:
        name = run.params["name"]
        if name == "default":
            found = await self._find(run)
            if not found:
                raise StepBroken(f"VPC {run.params['vpc_id']} has no default security group.")
            return {"counterpart": found["GroupId"], "adopted": True}
        try:
            made = await run.cloud.call(
                "ec2.create_security_group",
                VpcId=run.params["vpc_id"],
                GroupName=name,
                Description=run.params["description"],
                TagSpecifications=run.tag_specifications("security-group", extra=run.params["tags"]),
            )
        except AlreadyExists:
            await run.consistency()
            found = await self._find(run)
            if not found or not run.owns(found.get("Tags")):
                raise
            return {"counterpart": found["GroupId"]}
        return {"counterpart": made["GroupId"]}

    async def undo(self, run: Run, result: Result | None) -> None:
        if run.params["name"] == "default":
            return
        found = await self._find(run)
        if not found:  # it may have been made just now and not be visible yet
            await run.consistency()
            found = await self._find(run)
        if found and run.owns(found.get("Tags")):
            await run.cloud.call("ec2.delete_security_group", GroupId=found["GroupId"])

    async def _find(self, run: Run) -> dict[str, Any] | None:
        filters = [
            {"Name": "vpc-id", "Values": [run.params["vpc_id"]]},
            {"Name": "group-name", "Values": [run.params["name"]]},
        ]
        answer = await run.cloud.call("ec2.describe_security_groups", Filters=filters)
        return next(iter(answer["SecurityGroups"]), None)


class Authorize(Step):
    """Copies the rules, with the twins in place of the groups they name."""

    action = "security_group.authorize"
    subject = "security_group"
    phase = "prepare"
    calls: ClassVar[Calls] = {
        **reading("ec2.describe_security_group_rules"),
        "ec2.authorize_security_group_ingress": on("security-group/{group_id}") + makes("security-group-rule/*"),
        "ec2.revoke_security_group_ingress": on("security-group/{group_id}") + ours("security-group-rule/*"),
    }

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if not ctx.moves(resource.ref):
            return None
        rules = _target_rules(resource, ctx)
        params = {"group_id": ctx.counterpart(resource.ref), "permissions": rules}
        return Draft(
            params,
            f"Give the twin of '{resource.name}' its {len(rules)} inbound rules.",
            reaches=frozenset({ready(resource.ref)}),
        )

    def effects(self, subject: Ref, params: Mapping[str, Json]) -> Iterable[Effect]:
        return openings(group_name(params["group_id"]), params["permissions"])

    async def do(self, run: Run) -> Result:
        """Adds what is missing. The rules we add carry our tag; only those are ever taken back."""
        present = {_row(rule) for rule in await _rules_of(run)}
        missing = [p for p in run.params["permissions"] if _row_of_permission(p) not in present]
        if missing:
            try:
                await run.cloud.call(
                    "ec2.authorize_security_group_ingress",
                    GroupId=run.params["group_id"],
                    IpPermissions=missing,
                    TagSpecifications=run.tag_specifications("security-group-rule"),
                )
            except AlreadyExists:  # our own earlier call, not yet visible to the describe above
                if not run.recovering:
                    raise
        return {"rules": len(run.params["permissions"])}

    async def undo(self, run: Run, result: Result | None) -> None:
        if not run.params.get("group_id"):
            return
        ours = [rule["SecurityGroupRuleId"] for rule in await _rules_of(run) if run.owns(rule.get("Tags"))]
        if ours:
            await run.cloud.call(
                "ec2.revoke_security_group_ingress", GroupId=run.params["group_id"], SecurityGroupRuleIds=ours
            )


async def _rules_of(run: Run) -> list[dict[str, Any]]:
    filters = [{"Name": "group-id", "Values": [run.params["group_id"]]}]
    pages = run.cloud.pages("ec2.describe_security_group_rules", Filters=filters)
    return [rule async for page in pages for rule in page["SecurityGroupRules"] if not rule["IsEgress"]]


def _row(rule: Mapping[str, Any]) -> tuple[Any, ...]:
    source = rule.get("CidrIpv4") or rule.get("CidrIpv6") or rule.get("ReferencedGroupInfo", {}).get("GroupId")
    ports = (None, None) if rule["IpProtocol"] == "-1" else (rule.get("FromPort"), rule.get("ToPort"))
    return (rule["IpProtocol"], *ports, source)


def _row_of_permission(permission: Mapping[str, Any]) -> tuple[Any, ...]:
    source = [
        value
        for key, name in (("IpRanges", "CidrIp"), ("Ipv6Ranges", "CidrIpv6"), ("UserIdGroupPairs", "GroupId"))
        for value in (entry[name] for entry in permission.get(key, ()))
    ]
    return (permission["IpProtocol"], permission.get("FromPort"), permission.get("ToPort"), source[0])


SecurityGroups.steps = (Create(), Authorize(), Clear(), Delete())
KIND = SecurityGroups()
