"""Finalize: the source that stands aside goes, once its twin serves and nobody is let into the source any more."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, ClassVar

from app.cloud import NotFound, told_at
from app.execution.calls import Calls, on, reading
from app.execution.step import EVERYTHING, Alters, Result, Run, Step, StepBroken
from app.planning.context import Context
from app.planning.inventory import Ref, Resource
from app.planning.plan import Draft, Milestone, StepId, promise, step_id
from app.resources import rds_looking as look
from app.resources.rds_method import DELETE_SECONDS, aside_name, method, stands_aside
from app.resources.rds_way_back import let_in_by
from app.resources.traffic import connections_of


class DeleteSource(Step):
    """With a last snapshot of it, and the fence with it; replicas before their source."""

    action = "rds_instance.delete_source"
    subject = "rds_instance"
    phase = "finalize"
    alters: ClassVar[Alters] = {"rds_instance": EVERYTHING}
    calls: ClassVar[Calls] = {
        **reading("cloudwatch.get_metric_statistics", "rds.describe_db_instances", "rds.describe_db_security_groups"),
        "rds.modify_db_instance": on("db:{name}") + look.SETTINGS,
        "rds.delete_db_instance": on("db:{name}"),
        "rds.delete_db_security_group": on("secgrp:{fence}"),
        "rds.delete_db_snapshot": on("snapshot:{presnapshot}"),
    }
    permits: ClassVar[Calls] = {
        "rds.create_db_snapshot": look.LAST_SNAPSHOT + on("db:{name}"),
    }

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if not stands_aside(resource, ctx):
            return None
        restored = method(resource, ctx) == "restore"
        presnapshot = step_id("rds_instance.presnapshot", resource.ref)
        replicas = [Ref("rds_instance", name) for name in resource.facts["replicas"]]
        needs: set[StepId | Milestone] = {Milestone("gone", ref) for ref in replicas if ctx.moves(ref)}
        return Draft(
            {
                "name": aside_name(resource, ctx),
                "resource_id": resource.facts["resource_id"],
                "fence": promise(step_id("rds_instance.fence", resource.ref), "fence") if restored else "",
                "final_snapshot": restored,  # a read replica can have none (BC:DeleteDBInstance)
                "presnapshot": promise(presnapshot, "snapshot") if restored else "",
                "replicas": [_called_now(ref, ctx) for ref in replicas if ctx.moves(ref)],
            },
            f"Delete '{aside_name(resource, ctx)}', the Classic source of {resource.name}"
            + (", keeping a last snapshot of it." if restored else "."),
            seconds=DELETE_SECONDS,
            calls=8,
            needs=frozenset(needs),
            reaches=frozenset({Milestone("gone", resource.ref)}),
            reversible=False,
        )

    async def check(self, run: Run) -> None:
        name = run.params["name"]
        source, now = await _described(run, name)
        if source is None or source["DBInstanceStatus"] == "deleting":
            return
        if source["DbiResourceId"] != run.params["resource_id"] or source.get("DBSubnetGroup"):
            raise StepBroken(f"{name} is not the database that was moved: nothing is deleted. See who made it.")
        await _require_twin(run)
        _refuse_replicas(source, set(run.params.get("replicas", ())))
        if run.params["fence"]:
            await _require_fence(run, source)
        if open_ := await connections_of(run, name, now):
            raise StepBroken(
                f"{name} has {open_} connections: somebody still uses it. Find the callers (the database lists its "
                f"sessions) and have them call {run.subject.id}, then retry this step some minutes later; or skip it."
            )

    async def do(self, run: Run) -> Result:
        await self.check(run)
        final = look.snapshot_name(run, run.subject.id, "final") if run.params["final_snapshot"] else None
        await look.delete(run, run.params["name"], final)
        if run.params["fence"]:
            with suppress(NotFound):
                await run.cloud.call("rds.delete_db_security_group", DBSecurityGroupName=run.params["fence"])
        if run.params["presnapshot"]:
            with suppress(NotFound):
                await run.cloud.call("rds.delete_db_snapshot", DBSnapshotIdentifier=run.params["presnapshot"])
        return {"final_snapshot": final} if final else {}

    async def undo(self, run: Run, result: Result | None) -> None:
        """A deleted database is not had back but from its last snapshot; the plan says so beforehand."""


def _called_now(replica: Ref, ctx: Context) -> str:
    found = ctx.inventory.get(replica)
    return aside_name(found, ctx) if found else replica.id


async def _described(run: Run, name: str) -> tuple[Mapping[str, Any] | None, datetime]:
    """It, if it is there, and AWS's time when that was told."""
    answer = await run.cloud.call("rds.describe_db_instances", Filters=[{"Name": "db-instance-id", "Values": [name]}])
    return next(iter(answer["DBInstances"]), None), told_at(answer)


async def _require_twin(run: Run) -> None:
    """The twin has the name that callers know, whichever way it was made."""
    name = run.subject.id
    twin = await look.describe(run, name)
    if twin is None or not twin.get("DBSubnetGroup"):
        raise StepBroken(
            f"There is no database {name} in the VPC any more, so its source is not deleted: find out what became of "
            "it, and take this step out by skipping it."
        )
    if twin["DBInstanceStatus"] != "available":
        raise StepBroken(
            f"{name}, the counterpart, is {twin['DBInstanceStatus']}: wait until it is available, then retry this step."
        )


def _refuse_replicas(source: Mapping[str, Any], planned: set[str]) -> None:
    """Those that moved go before it; another one would be cut off from it."""
    left = set(source.get("ReadReplicaDBInstanceIdentifiers", ())) - planned
    if left:
        raise StepBroken(
            f"{min(left)} is a read replica of {source['DBInstanceIdentifier']}, and would follow nobody: promote or "
            "delete it, then retry this step; or skip it."
        )


async def _require_fence(run: Run, source: Mapping[str, Any]) -> None:
    """It was put behind a group that lets nobody in. Raises StepBroken where somebody has let callers in again."""
    name, fence = source["DBInstanceIdentifier"], run.params["fence"]
    if not let_in_by(source, [fence]):
        groups = ", ".join(each["DBSecurityGroupName"] for each in source.get("DBSecurityGroups", ()))
        raise StepBroken(
            f"{name} is behind {groups or 'no DB security group'} and not behind {fence} alone: somebody may have "
            "written to it since. See who let callers in and save what is needed, put it behind the fence again, then "
            "retry this step; or skip it."
        )
    answer = await run.cloud.call("rds.describe_db_security_groups", DBSecurityGroupName=fence)
    group = answer["DBSecurityGroups"][0]
    rules = [*group.get("EC2SecurityGroups", ()), *group.get("IPRanges", ())]
    if any(rule.get("Status") != "revoking" for rule in rules):
        raise StepBroken(
            f"{fence}, which was to let nobody into {name}, has rules: see who added them, take them away, then retry "
            "this step; or skip it."
        )
