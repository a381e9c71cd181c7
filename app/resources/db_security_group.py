"""DB security groups: who may connect to the databases of EC2-Classic; each gets a VPC security group for a twin.

Their rules have no port (aws-facts A2, RDSG), so the twin takes TCP and the ports of the databases that use it.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from app.execution.calls import Calls, makes, on, ours, reading
from app.execution.step import Result, Run, Step
from app.planning.context import Context
from app.planning.effects import Effect, group_name, openings
from app.planning.flows import make_flow, members
from app.planning.inventory import Inventory, Json, Ref, Resource
from app.planning.plan import Draft, Finding, Flow, ready
from app.resources.db_security_group_deletion import DEFAULT, Delete, databases, moving
from app.resources.kind import Kind, Survey, platform_of, tags_of
from app.resources.vpc_group import allow, free_name, make_group, remove_group, tcp, withdraw


class DbSecurityGroups(Kind):
    name = "db_security_group"
    comes_along = True
    maker = "db_security_group.create"
    reads = frozenset({"rds.describe_db_security_groups", "rds.list_tags_for_resource"})
    probes: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "rds.describe_db_security_groups": {"MaxRecords": 20},
    }

    async def discover(self, survey: Survey) -> list[Resource]:
        """Facts: description, owner, vpc, groups (rows of group, name and owner), cidrs, tags."""
        found = []
        for item in await survey.all("rds.describe_db_security_groups", "DBSecurityGroups[]"):
            ref = Ref(self.name, item["DBSecurityGroupName"])
            if not survey.wants(ref.id):
                continue
            arn = item.get("DBSecurityGroupArn")
            tags = await survey.one(ref, "rds.list_tags_for_resource", ResourceName=arn) if arn else None
            groups = sorted(map(_group, item.get("EC2SecurityGroups", ())), key=lambda row: row["group"])
            facts = {
                "description": item.get("DBSecurityGroupDescription", ""),
                "owner": item["OwnerId"],
                "vpc": item.get("VpcId", ""),
                "groups": groups,
                "cidrs": sorted(row["CIDRIP"] for row in item.get("IPRanges", ())),
                "tags": tags_of(tags or {}, "TagList"),
            }
            own = frozenset(Ref("security_group", row["group"]) for row in groups if _own(row, item["OwnerId"]))
            found.append(Resource(ref, ref.id, platform_of(item.get("VpcId")), facts, own))
        return found

    def flows(self, resource: Resource, inventory: Inventory) -> Iterator[Flow]:
        """One per source and port: from the source's members or addresses to the databases of that port."""
        for port, found in _by_port(list(databases(resource, inventory))).items():
            targets = [database.ref for database in found]
            for group in sorted(resource.refers_to):
                rule = f"{resource.ref} admits {group.id}"
                yield make_flow(rule, members(inventory, group), targets, ports=(port, port))
            for cidr in resource.facts["cidrs"]:
                yield make_flow(f"{resource.ref} admits {cidr}", [Ref("cidr", cidr)], targets, ports=(port, port))

    def findings(self, ctx: Context) -> Iterator[Finding]:
        for group in ctx.moving(self.name):
            yield from _findings(group, ctx)


def _findings(group: Resource, ctx: Context) -> Iterator[Finding]:
    for row in group.facts["groups"]:
        if not _own(row, group.facts["owner"]):
            yield Finding(
                "warning",
                "rule_names_other_account",
                str(group.ref),
                f"{group.name} admits {row['owner']}/{row['group'] or row['name']}, a group of another account. A VPC "
                "group can only name it over an active peering, so this rule is not carried: decide what replaces it.",
            )
    for cidr in group.facts["cidrs"]:
        if cidr.startswith("10."):
            yield Finding(
                "warning",
                "rule_names_classic_address",
                str(group.ref),
                f"{group.name} admits {cidr}, addresses that EC2-Classic hands out. They change at cutover: replace "
                "the rule by one that names a group.",
            )
    if not any(True for _ in databases(group, ctx.inventory)):
        end = "It cannot be deleted." if group.name == DEFAULT else "Delete it yourself if nobody needs it."
        yield Finding(
            "note",
            "db_security_group_unused",
            str(group.ref),
            f"No database uses {group.name}, so it has no port and gets no twin, and it stays. {end}",
        )


def _group(row: dict[str, Any]) -> dict[str, Json]:
    return {
        "group": row.get("EC2SecurityGroupId", ""),
        "name": row.get("EC2SecurityGroupName", ""),
        "owner": row.get("EC2SecurityGroupOwnerId", ""),
    }


def _own(row: dict[str, Json], owner: str) -> bool:
    return bool(row["group"]) and row["owner"] in ("", owner)


def _by_port(found: list[Resource]) -> dict[int, list[Resource]]:
    ports: dict[int, list[Resource]] = {}
    for database in found:
        ports.setdefault(database.facts["port"], []).append(database)
    return dict(sorted(ports.items()))


class Create(Step):
    action = "db_security_group.create"
    subject = "db_security_group"
    phase = "prepare"
    calls: ClassVar[Calls] = {
        **reading("ec2.describe_security_groups"),
        "ec2.create_security_group": makes("security-group/*") + on("vpc/{vpc_id}"),
        "ec2.delete_security_group": ours("security-group/*"),
    }

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if not moving(resource, ctx):
            return None
        name = str(ctx.override(resource.ref, "name") or free_name(f"rds-{resource.name}", resource.ref, ctx))
        params = {
            "vpc_id": ctx.vpc_id,
            "name": name,
            "description": resource.facts["description"] or resource.name,
            "tags": dict(resource.tags),
        }
        return Draft(params, f"Make security group '{name}' in the VPC as the twin of DB group '{resource.name}'.")

    async def do(self, run: Run) -> Result:
        made = await make_group(run, run.params["description"])
        return {"counterpart": made, "counterpart_kind": "security_group"}

    async def undo(self, run: Run, result: Result | None) -> None:
        await remove_group(run)


class Authorize(Step):
    action = "db_security_group.authorize"
    subject = "db_security_group"
    phase = "prepare"
    calls: ClassVar[Calls] = {
        **reading("ec2.describe_security_groups", "ec2.describe_security_group_rules"),
        "ec2.authorize_security_group_ingress": on("security-group/{group_id}") + makes("security-group-rule/*"),
        "ec2.revoke_security_group_ingress": on("security-group/{group_id}") + ours("security-group-rule/*"),
    }

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        found = moving(resource, ctx)
        if not found:
            return None
        permissions = [permission for port in _by_port(found) for permission in _permissions(resource, port, ctx)]
        params = {"group_id": ctx.counterpart(resource.ref), "permissions": permissions}
        ports = ", ".join(str(port) for port in _by_port(found))
        return Draft(
            params,
            f"Let those whom '{resource.name}' admits call its twin on port {ports}.",
            reaches=frozenset({ready(resource.ref)}),
        )

    def effects(self, subject: Ref, params: Mapping[str, Json]) -> Iterable[Effect]:
        return openings(group_name(params["group_id"]), params["permissions"])

    async def do(self, run: Run) -> Result:
        await allow(run, run.params["group_id"], run.params["permissions"])
        return {"rules": len(run.params["permissions"])}

    async def undo(self, run: Run, result: Result | None) -> None:
        if run.params.get("group_id"):
            await withdraw(run, run.params["group_id"])


def _permissions(group: Resource, port: int, ctx: Context) -> Iterator[dict[str, Json]]:
    for source in sorted(group.refers_to):
        if ctx.moves(source):
            yield tcp(port, UserIdGroupPairs=[{"GroupId": ctx.counterpart(source)}])
    for cidr in group.facts["cidrs"]:
        yield tcp(port, IpRanges=[{"CidrIp": cidr}])


DbSecurityGroups.steps = (Create(), Authorize(), Delete())
KIND = DbSecurityGroups()
