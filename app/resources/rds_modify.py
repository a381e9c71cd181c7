"""Moving a database by ModifyDBInstance: it keeps its name and its data, and is out while RDS moves it."""

from collections.abc import Callable, Iterable, Mapping
from typing import ClassVar

from app.execution.calls import Calls, keys_through, makes, on, ours, reading
from app.execution.step import EVERYTHING, Alters, Result, Run, Seen, Step, StepBroken, Verdict, Watch
from app.planning.context import Context
from app.planning.effects import Effect, Joins, Leads, Serves, Stops, group_names
from app.planning.inventory import Json, Ref, Resource
from app.planning.plan import Draft, Milestone, StepId, in_service, promise, ready, step_id, stopped
from app.resources import rds_looking as look
from app.resources.db_subnet_group import subnet_group
from app.resources.rds_method import (
    DELETE_SECONDS,
    DROP_SECONDS,
    MODIFY_SECONDS,
    MOVE_SECONDS,
    RENAME_SECONDS,
    RESTORE_SECONDS,
    SNAPSHOT_SECONDS,
    compared,
    endpoint,
    method,
    target_class,
    target_groups,
    target_option_group,
    target_public,
)
from app.resources.rds_way_back import back_to_classic


class SingleAz(Step):
    """A Multi-AZ database is refused (aws-facts A5): its standby goes, and comes again in the VPC."""

    action = "rds_instance.single_az"
    subject = "rds_instance"
    phase = "managed_services"
    alters: ClassVar[Alters] = {"rds_instance": frozenset({"multi_az", "pending", "state"})}
    calls: ClassVar[Calls] = {
        **reading("rds.describe_db_instances"),
        "rds.modify_db_instance": on("db:{name}") + look.SETTINGS,
    }

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if method(resource, ctx) != "modify" or not resource.facts["multi_az"]:
            return None
        return Draft(
            {"name": resource.ref.id},
            f"Take the standby of {resource.name} away: a Multi-AZ database cannot be moved.",
            seconds=MODIFY_SECONDS,
            calls=2,
        )

    async def do(self, run: Run) -> Result:
        return await _set_multi_az(run, False)

    def watch(self, result: Result) -> Watch | None:
        return look.watch_database(result["name"])

    def verdict(self, result: Result, seen: Seen) -> Verdict:
        return look.available(result["name"], seen, _is_multi_az(False))

    async def undo(self, run: Run, result: Result | None) -> None:
        await _set_multi_az(run, True)
        name = run.params["name"]
        await run.wait(look.watch_database(name), look.when(name, _is_multi_az(True)))


async def _set_multi_az(run: Run, wanted: bool) -> Result:
    name = run.params["name"]
    found = await look.existing(run, name)
    if not _is_multi_az(wanted)(found):
        await run.wait(look.watch_database(name), look.when(name))
        await look.modify(run, name, MultiAZ=wanted)
    return {"name": name}


def _is_multi_az(wanted: bool) -> Callable[[look.Item], bool]:
    return lambda item: bool(item.get("MultiAZ")) == wanted and look.nothing_pending("MultiAZ")(item)


class Snapshot(Step):
    """The safety net, taken while the database serves: what an undo restores."""

    action = "rds_instance.snapshot"
    subject = "rds_instance"
    phase = "managed_services"
    calls: ClassVar[Calls] = {
        **reading("rds.describe_db_snapshots", "rds.list_tags_for_resource"),
        "rds.create_db_snapshot": on("db:{name}") + makes("snapshot:landbridge-*"),
        "rds.delete_db_snapshot": ours("snapshot:landbridge-*"),
    }

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if method(resource, ctx) != "modify":
            return None
        needs: set[StepId | Milestone] = set() if ctx.incremental else _callers_stopped(resource.ref, ctx)
        if resource.facts["multi_az"]:
            needs.add(step_id("rds_instance.single_az", resource.ref))
        return Draft(
            {"name": resource.ref.id},
            f"Take a snapshot of {resource.name} to come back to.",
            seconds=SNAPSHOT_SECONDS,
            undo_seconds=DROP_SECONDS,
            calls=2,
            needs=frozenset(needs),
        )

    async def do(self, run: Run) -> Result:
        return {"snapshot": await look.take_snapshot(run, run.params["name"])}

    def watch(self, result: Result) -> Watch | None:
        return look.watch_snapshot(result["snapshot"])

    def verdict(self, result: Result, seen: Seen) -> Verdict:
        return look.snapshot_ready(result["snapshot"], seen)

    async def undo(self, run: Run, result: Result | None) -> None:
        await look.drop_snapshots(run, run.params["name"])


def _callers_stopped(ref: Ref, ctx: Context) -> set[StepId | Milestone]:
    """All at once, backups are taken when nobody writes any more."""
    flows = (flow for flow in ctx.flows if str(ref) in flow.targets)
    return {stopped(Ref.parse(source)) for flow in flows for source in flow.sources}


class Modify(Step):
    action = "rds_instance.modify"
    subject = "rds_instance"
    phase = "managed_services"
    alters: ClassVar[Alters] = {"rds_instance": EVERYTHING}
    calls: ClassVar[Calls] = {
        **reading("rds.describe_db_instances", "rds.list_tags_for_resource"),
        "rds.modify_db_instance": on("db:{name}") + ours("db:*") + look.SETTINGS,
        "rds.add_tags_to_resource": on("db:{name}"),  # and what is restored in its place has its own tags
        "rds.restore_db_instance_from_db_snapshot": on("db:{name}", "snapshot:{snapshot}") + look.SETTINGS,
        "rds.delete_db_instance": ours("db:*"),
    }
    permits: ClassVar[Calls] = {**keys_through("rds"), "rds.create_db_snapshot": look.LAST_SNAPSHOT}

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if method(resource, ctx) != "modify":
            return None
        facts = resource.facts
        params = {
            "name": resource.ref.id,
            "snapshot": promise(step_id("rds_instance.snapshot", resource.ref), "snapshot"),
            "subnet_group": subnet_group(ctx),
            "vpc_id": ctx.vpc_id,
            "groups": target_groups(resource, ctx),
            "class": target_class(resource, ctx),
            "option_group": target_option_group(resource, ctx),
            "public": target_public(resource, ctx),
            "source": dict(facts),
        }
        resizes = params["class"] != facts["class"]
        return Draft(
            params,
            f"Move {resource.name} into the VPC; it loses no write, and {compared(resource, ctx)}.",
            seconds=MOVE_SECONDS + (MODIFY_SECONDS if resizes else 0),
            calls=3,
            needs=frozenset(ready(Ref("db_security_group", name)) for name in facts["db_security_groups"]),
            reaches=frozenset({ready(resource.ref), in_service(resource.ref)}),
            begins=frozenset({resource.ref}),
            interrupts=frozenset({resource.ref}),
            not_undone=f"An undo restores {resource.name} from the snapshot taken before the move and deletes the one "
            "in the VPC with its automated backups: what was written since that snapshot is only in a final snapshot, "
            "which stays.",
            undo_seconds=RENAME_SECONDS + RESTORE_SECONDS + DELETE_SECONDS,
        )

    def effects(self, subject: Ref, params: Mapping[str, Json]) -> Iterable[Effect]:
        yield Stops(str(subject))
        yield Joins(str(subject), group_names(params["groups"]))
        yield Serves(str(subject))
        yield Leads(endpoint(params["name"]), str(subject))  # it keeps its name

    async def check(self, run: Run) -> None:
        found = await look.existing(run, run.params["name"])
        if found["DBInstanceStatus"] != "available":
            raise StepBroken(f"{run.params['name']} is {found['DBInstanceStatus']}: wait until it is available.")
        if found.get("DBSubnetGroup"):
            raise StepBroken(f"{run.params['name']} is in a VPC already: discover and plan anew.")

    async def do(self, run: Run) -> Result:
        params, name = run.params, run.params["name"]
        found = await look.existing(run, name)
        result = {"counterpart": name, "subnet_group": params["subnet_group"]}
        if _on_its_way(found, params["subnet_group"]):
            return result
        if found["DBInstanceClass"] != params["class"]:
            # The class first, then the VPC (aws-facts A5, RDSN): both within the one outage.
            await look.modify(run, name, DBInstanceClass=params["class"])
            wanted = params["class"]
            await run.wait(look.watch_database(name), look.when(name, lambda item: item["DBInstanceClass"] == wanted))
        options = {} if params["option_group"] == params["source"]["option_group"] else {
            "OptionGroupName": params["option_group"]
        }  # fmt: skip
        await look.modify(
            run,
            name,
            DBSubnetGroupName=params["subnet_group"],
            VpcSecurityGroupIds=params["groups"],
            PubliclyAccessible=params["public"],
            **options,
        )
        return result

    def watch(self, result: Result) -> Watch | None:
        return look.watch_database(result["counterpart"])

    def verdict(self, result: Result, seen: Seen) -> Verdict:
        wanted = result["subnet_group"]
        return look.available(result["counterpart"], seen, lambda item: _is_in(item, wanted))

    async def undo(self, run: Run, result: Result | None) -> None:
        """Nothing leads back in place (aws-facts): the snapshot is restored under the old name."""
        await back_to_classic(run)


def _is_in(item: look.Item, subnet_group_name: str) -> bool:
    return bool((item.get("DBSubnetGroup") or {}).get("DBSubnetGroupName") == subnet_group_name)


def _on_its_way(item: look.Item, subnet_group_name: str) -> bool:
    asked = item.get("PendingModifiedValues", {}).get("DBSubnetGroupName")
    return _is_in(item, subnet_group_name) or asked == subnet_group_name


class MultiAz(Step):
    """The standby again, in the VPC; the database serves meanwhile."""

    action = "rds_instance.multi_az"
    subject = "rds_instance"
    phase = "managed_services"
    calls: ClassVar[Calls] = {
        **reading("rds.describe_db_instances"),
        "rds.modify_db_instance": on("db:{name}") + look.SETTINGS,
    }

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if method(resource, ctx) != "modify" or not resource.facts["multi_az"]:
            return None
        return Draft(
            {"name": resource.ref.id},
            f"Give {resource.name} a standby again.",
            seconds=MODIFY_SECONDS,
            calls=2,
            needs=frozenset({step_id("rds_instance.modify", resource.ref)}),
        )

    async def do(self, run: Run) -> Result:
        return await _set_multi_az(run, True)

    def watch(self, result: Result) -> Watch | None:
        return look.watch_database(result["name"])

    def verdict(self, result: Result, seen: Seen) -> Verdict:
        return look.available(result["name"], seen, _is_multi_az(True))

    async def undo(self, run: Run, result: Result | None) -> None:
        await _set_multi_az(run, False)
        name = run.params["name"]
        await run.wait(look.watch_database(name), look.when(name, _is_multi_az(False)))
