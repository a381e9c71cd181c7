"""Security groups: each Classic group gets a twin in the VPC with the same rules.

No call moves a group (aws-facts A2, MIG). All twins are made empty first and then given their rules,
because groups name each other in loops; `default` maps to the VPC's own `default`.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from app.planning.context import Context
from app.planning.effects import Effect, Opens
from app.planning.flows import make_flow, members
from app.planning.inventory import Inventory, Json, Ref, Resource
from app.planning.plan import Finding, Flow
from app.resources.kind import Kind, Survey, platform_of, tags_of
from app.resources.security_group_deletion import Clear, Delete
from app.resources.security_group_steps import Authorize, Create
from app.resources.security_group_twin import ELB_OWNER, foreign, group_ref, target_rules, twin_name

# aws-facts A2 (QUOTA, PLAT): rules of a VPC group in each direction, and groups of a VPC.
RULES_PER_GROUP = 60
GROUPS_PER_REGION = 2_500


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


class SecurityGroups(Kind):
    name = "security_group"
    comes_along = True
    maker = Create.action
    steps = (Create(), Authorize(), Clear(), Delete())
    reads = frozenset({"ec2.describe_security_groups"})

    async def discover(self, survey: Survey) -> list[Resource]:
        """Facts: description, owner, vpc, tags, rules (rows of protocol, ports and one source)."""
        found = []
        for item in await survey.named("ec2.describe_security_groups", "SecurityGroups[]", "group-id"):
            rules = _rules(item)
            owner = item["OwnerId"]
            named = {group_ref(rule["group"]) for rule in rules if rule.get("group") and rule["owner"] in ("", owner)}
            facts = {
                "description": item["Description"],
                "owner": owner,
                "vpc": item.get("VpcId", ""),
                "rules": rules,
                "tags": tags_of(item),
            }
            platform = platform_of(item.get("VpcId"))
            ref = group_ref(item["GroupId"])
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
                sources, source = members(inventory, group_ref(rule["group"])), rule["group"]
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
        if len(in_target) + sum(group.ref not in ctx.shared for group in groups) > GROUPS_PER_REGION:
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
    rules = target_rules(group, ctx)
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
    if twin_name(group, ctx) != group.name and group.name != "default" and group.ref not in ctx.shared:
        yield Finding(
            "note",
            "security_group_renamed",
            subject,
            f"The twin of '{group.name}' is called '{twin_name(group, ctx)}': the name is taken in the VPC, "
            "or holds characters that a VPC group may not have.",
        )


KIND = SecurityGroups()
