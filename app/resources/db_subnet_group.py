"""DB subnet groups: where in a VPC a database may be. The target names one, or the plan makes one."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from app.cloud import AlreadyExists
from app.execution.calls import Calls, makes, ours, reading
from app.execution.step import Result, Run, Step
from app.planning.context import NEW_VPC, Context
from app.planning.inventory import Json, Ref, Resource
from app.planning.plan import Draft, Finding, promise, step_id
from app.resources.kind import Kind, Survey, tags_of
from app.resources.looking_twice import look_twice
from app.resources.vpc_group import short_hash

LEAST_ZONES = 2  # DBSubnetGroupDoesNotCoverEnoughAZs (BC:CreateDBSubnetGroup)


def subnet_group(ctx: Context) -> Json:
    """The name of the group databases move into, or the promise of it."""
    if ctx.target.db_subnet_group:
        return ctx.target.db_subnet_group
    vpc = Ref("vpc", ctx.target.vpc_id) if ctx.target.vpc_id else NEW_VPC
    return promise(step_id("db_subnet_group.create", vpc), "name")


def subnet_group_zones(ctx: Context) -> tuple[str, ...]:
    """The zones that group covers; none where it is not there."""
    if not ctx.target.db_subnet_group:
        return ctx.zones
    group = ctx.inventory.get(Ref("db_subnet_group", ctx.target.db_subnet_group))
    return tuple(group.facts["zones"]) if group else ()


class DbSubnetGroups(Kind):
    name = "db_subnet_group"
    reads = frozenset({"rds.describe_db_subnet_groups", "rds.list_tags_for_resource"})
    probes: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "rds.describe_db_subnet_groups": {"MaxRecords": 20},
    }

    async def discover(self, survey: Survey) -> list[Resource]:
        """Facts: description, vpc, subnets, zones, tags."""
        found = []
        for item in await survey.all("rds.describe_db_subnet_groups", "DBSubnetGroups[]"):
            ref = Ref(self.name, item["DBSubnetGroupName"])
            if not survey.wants(ref.id):
                continue
            arn = item.get("DBSubnetGroupArn")
            tags = await survey.one(ref, "rds.list_tags_for_resource", ResourceName=arn) if arn else None
            subnets = sorted(each["SubnetIdentifier"] for each in item["Subnets"])
            facts = {
                "description": item.get("DBSubnetGroupDescription", ""),
                "vpc": item["VpcId"],
                "subnets": subnets,
                "zones": sorted({each["SubnetAvailabilityZone"]["Name"] for each in item["Subnets"]}),
                "tags": tags_of(tags or {}, "TagList"),
            }
            refers = {Ref("vpc", item["VpcId"]), *(Ref("subnet", id_) for id_ in subnets)}
            found.append(Resource(ref, ref.id, "vpc", facts, frozenset(refers)))
        return found

    def moves(self, resource: Resource) -> bool:
        return False

    def findings(self, ctx: Context) -> Iterator[Finding]:
        if not any(True for _ in ctx.moving("rds_instance")):
            return
        name = ctx.target.db_subnet_group
        group = ctx.inventory.get(Ref(self.name, name)) if name else None
        if name and group is None:
            yield Finding(
                "blocker",
                "db_subnet_group_missing",
                f"{self.name}:{name}",
                f"The account has no DB subnet group called '{name}': make it in the target VPC and discover again, "
                "or leave it out of the target and one is made.",
            )
        elif group is not None and group.facts["vpc"] != ctx.target.vpc_id:
            yield Finding(
                "blocker",
                "db_subnet_group_elsewhere",
                str(group.ref),
                f"DB subnet group '{name}' is in {group.facts['vpc']}, not in the target VPC: name one of the target, "
                "or leave it out of the target and one is made.",
            )
        elif name is None and len(ctx.zones) < LEAST_ZONES:
            yield Finding(
                "blocker",
                "db_subnet_group_zones",
                f"vpc:{ctx.target.vpc_id or 'new'}",
                f"A DB subnet group needs subnets in {LEAST_ZONES} zones and the target has {len(ctx.zones)}: add a "
                "subnet in another zone to the target, or name a DB subnet group.",
            )


class Create(Step):
    """Planned once, on the target VPC, where databases move and the target names no group."""

    action = "db_subnet_group.create"
    subject = "vpc"
    phase = "prepare"
    calls: ClassVar[Calls] = {
        **reading("rds.describe_db_subnet_groups", "rds.list_tags_for_resource"),
        "rds.create_db_subnet_group": makes("subgrp:landbridge-*"),
        "rds.delete_db_subnet_group": ours("subgrp:landbridge-*"),
    }

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        target = resource.ref.id == ctx.target.vpc_id or bool(resource.facts.get("to_create"))
        if not target or ctx.target.db_subnet_group or not any(True for _ in ctx.moving("rds_instance")):
            return None
        subnets = {zone: ctx.subnet(zone) for zone in ctx.zones}
        return Draft(
            {"vpc_id": ctx.vpc_id, "subnets": subnets},
            f"Make a DB subnet group of the target's subnets in {', '.join(ctx.zones)}.",
        )

    async def do(self, run: Run) -> Result:
        name = _name(run)
        try:
            await run.cloud.call(
                "rds.create_db_subnet_group",
                DBSubnetGroupName=name,
                DBSubnetGroupDescription=f"Databases moved into {run.params['vpc_id']}",
                SubnetIds=sorted(run.params["subnets"].values()),
                Tags=run.tag_list,
            )
        except AlreadyExists:
            await run.consistency()
            if not await _is_ours(run, name):
                raise
        return {"name": name}

    async def undo(self, run: Run, result: Result | None) -> None:
        if await look_twice(run, lambda: _is_ours(run, _name(run))):
            await run.cloud.call("rds.delete_db_subnet_group", DBSubnetGroupName=_name(run))


def _name(run: Run) -> str:
    """Of this job alone, so that an undo takes nothing from another."""
    return f"landbridge-{short_hash(run.job_id + run.step_id, 12)}"


async def _is_ours(run: Run, name: str) -> bool:
    answer = await run.cloud.call("rds.describe_db_subnet_groups", DBSubnetGroupName=name)
    arn = answer["DBSubnetGroups"][0]["DBSubnetGroupArn"]
    tags = await run.cloud.call("rds.list_tags_for_resource", ResourceName=arn)
    return run.owns(tags["TagList"])


DbSubnetGroups.steps = (Create(),)
KIND = DbSubnetGroups()
