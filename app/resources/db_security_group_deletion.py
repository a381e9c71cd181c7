"""Finalize: a DB security group of EC2-Classic goes once no database uses it; `default` cannot be deleted and stays."""

from collections.abc import Collection, Iterator
from contextlib import suppress
from typing import ClassVar

from app.cloud import NotFound
from app.execution.calls import Calls, on, reading
from app.execution.step import EVERYTHING, Alters, Result, Run, Step, StepBroken
from app.planning.context import Context
from app.planning.inventory import Inventory, Json, Resource
from app.planning.plan import Draft, Milestone
from app.resources.rds_method import aside_name, stands_aside
from app.resources.security_group_users import require_twin

DEFAULT = "default"


def databases(group: Resource, inventory: Inventory) -> Iterator[Resource]:
    """Those that use the group."""
    return (each for each in inventory.referring_to(group.ref) if each.kind == "rds_instance")


def moving(group: Resource, ctx: Context) -> list[Resource]:
    """The databases that use the group and move; where there are none it needs no twin."""
    return [each for each in databases(group, ctx.inventory) if ctx.moves(group.ref) and ctx.moves(each.ref)]


class Delete(Step):
    action = "db_security_group.delete"
    subject = "db_security_group"
    phase = "finalize"
    alters: ClassVar[Alters] = {"db_security_group": EVERYTHING}
    calls: ClassVar[Calls] = {
        **reading("ec2.describe_security_groups", "rds.describe_db_instances"),
        "rds.delete_db_security_group": on("secgrp:{name}"),
    }

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        users = list(databases(resource, ctx.inventory))
        if resource.name == DEFAULT or not users or len(moving(resource, ctx)) < len(users):
            return None
        params: dict[str, Json] = {
            "name": resource.ref.id,
            "counterpart": ctx.counterpart(resource.ref),
            "users": sorted(_called_now(user, ctx) for user in users),
        }
        return Draft(
            params,
            f"Delete the Classic DB group '{resource.name}'.",
            calls=3,
            needs=frozenset(Milestone("gone", user.ref) for user in users),
            reaches=frozenset({Milestone("gone", resource.ref)}),
            reversible=False,
        )

    async def check(self, run: Run) -> None:
        await require_twin(run)
        await _refuse_users(run, run.params.get("users", ()))

    async def do(self, run: Run) -> Result:
        await require_twin(run)
        await _refuse_users(run)
        with suppress(NotFound):
            await run.cloud.call("rds.delete_db_security_group", DBSecurityGroupName=run.params["name"])
        return {}

    async def undo(self, run: Run, result: Result | None) -> None:
        """A deleted group cannot be had back; the plan says so beforehand."""


def _called_now(database: Resource, ctx: Context) -> str:
    return aside_name(database, ctx) if stands_aside(database, ctx) else database.ref.id


async def _refuse_users(run: Run, but: Collection[str] = ()) -> None:
    """Raises StepBroken where a database uses the group, apart from those that go with this plan before it."""
    name = run.params["name"]
    async for page in run.cloud.pages("rds.describe_db_instances"):
        for each in page["DBInstances"]:
            groups = {group["DBSecurityGroupName"] for group in each.get("DBSecurityGroups", ())}
            if name in groups and each["DBInstanceIdentifier"] not in but and each["DBInstanceStatus"] != "deleting":
                raise StepBroken(
                    f"{each['DBInstanceIdentifier']} still uses {name}: put it behind another DB security group, move "
                    "or delete it, then retry this step; or skip it."
                )
