"""Moving a database beside itself: nobody writes any more, and what was written last is restored in the VPC."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from app.cloud import AlreadyExists
from app.execution.calls import Calls, keys_through, makes, on, ours, reading
from app.execution.step import Alters, Result, Run, Seen, Step, StepBroken, Verdict, Watch
from app.planning.context import Context
from app.planning.effects import Effect, Joins, Leads, Serves, group_names
from app.planning.inventory import Json, Ref, Resource
from app.planning.plan import Draft, in_service, promise, ready, step_id
from app.resources import rds_looking as look
from app.resources.db_subnet_group import subnet_group
from app.resources.looking_twice import look_twice
from app.resources.rds_method import (
    DELETE_SECONDS,
    DROP_SECONDS,
    LAST_SNAPSHOT_SECONDS,
    MODIFY_SECONDS,
    REPLICA_SECONDS,
    RESTORE_SECONDS,
    SNAPSHOT_SECONDS,
    aside_name,
    carried,
    compared,
    endpoint,
    kept_up,
    method,
    placed,
    target_class,
    target_groups,
    target_option_group,
    target_public,
    twin_name,
)


class _TakeSnapshot(Step):
    """Of the database called `name` at that moment."""

    subject = "rds_instance"
    calls: ClassVar[Calls] = {
        **reading("rds.describe_db_snapshots", "rds.list_tags_for_resource"),
        "rds.create_db_snapshot": on("db:{name}") + makes("snapshot:landbridge-*"),
        "rds.delete_db_snapshot": ours("snapshot:landbridge-*"),
    }

    async def do(self, run: Run) -> Result:
        return {"snapshot": await look.take_snapshot(run, run.params["name"])}

    def watch(self, result: Result) -> Watch | None:
        return look.watch_snapshot(result["snapshot"])

    def verdict(self, result: Result, seen: Seen) -> Verdict:
        return look.snapshot_ready(result["snapshot"], seen)

    async def undo(self, run: Run, result: Result | None) -> None:
        await look.drop_snapshots(run, run.params["name"])


class Presnapshot(_TakeSnapshot):
    """While it serves: the one that counts then has only the last writes to copy, as snapshots hold differences."""

    action = "rds_instance.presnapshot"
    phase = "prepare"

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if method(resource, ctx) != "restore":
            return None
        return Draft(
            {"name": resource.ref.id},
            f"Take a snapshot of {resource.name} while it serves, to shorten its outage.",
            seconds=SNAPSHOT_SECONDS,
            undo_seconds=DROP_SECONDS,
            calls=2,
        )


class FinalSnapshot(_TakeSnapshot):
    action = "rds_instance.final_snapshot"
    phase = "managed_services"

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if method(resource, ctx) != "restore":
            return None
        return Draft(
            {"name": aside_name(resource, ctx)},
            f"Take a snapshot of {resource.name} as nobody writes any more.",
            seconds=LAST_SNAPSHOT_SECONDS,
            undo_seconds=DROP_SECONDS,
            calls=2,
            needs=frozenset({step_id("rds_instance.fence", resource.ref)}),
        )


def _twin_params(resource: Resource, ctx: Context) -> dict[str, Json]:
    """What both ways of making a twin ask for, beside its name `twin`; `keep` is set when it is there."""
    return {
        "groups": target_groups(resource, ctx),
        "request": carried(resource.facts)
        | placed(resource.facts)
        | {
            "DBInstanceClass": target_class(resource, ctx),
            "OptionGroupName": target_option_group(resource, ctx),
            "PubliclyAccessible": target_public(resource, ctx),
        },
        "keep": kept_up(resource.facts),
        "tags": dict(resource.tags),
    }


class _MakeTwin(Step):
    """Makes a database and then sets what creating it does not take."""

    subject = "rds_instance"
    phase = "managed_services"

    def effects(self, subject: Ref, params: Mapping[str, Json]) -> Iterable[Effect]:
        yield Joins(str(subject), group_names(params["groups"]))
        yield Serves(str(subject))

    async def create(self, run: Run, request: dict[str, Any]) -> None:
        """The one call that creates it. Raises AlreadyExists."""
        raise NotImplementedError

    async def do(self, run: Run) -> Result:
        """Result: twin (its name for now) and resource_id, by which it is known whatever it is called."""
        twin = run.params["twin"]
        request = dict(run.params["request"])
        request |= {
            "DBInstanceIdentifier": twin,
            "VpcSecurityGroupIds": run.params["groups"],
            "Tags": run.tag_specifications("db", extra=run.params["tags"])[0]["Tags"],
        }
        try:
            await self.create(run, request)
        except AlreadyExists:
            await run.wait(look.watch_database(twin), look.visible(twin))
            if not await look.owned(run, await look.existing(run, twin)):
                raise StepBroken(
                    f"There is a database called {twin} that is not ours: rename it, then retry this step."
                ) from None
        await run.wait(look.watch_database(twin), look.when(twin))
        await look.modify(run, twin, **run.params["keep"])
        made = await look.existing(run, twin)
        retention = run.params["keep"].get("BackupRetentionPeriod", 0)
        return {"twin": twin, "resource_id": made["DbiResourceId"], "backup_retention": retention}

    def watch(self, result: Result) -> Watch | None:
        return look.watch_database(result["twin"])

    def verdict(self, result: Result, seen: Seen) -> Verdict:
        wanted = result["backup_retention"]
        return look.available(result["twin"], seen, lambda item: item.get("BackupRetentionPeriod", 0) == wanted)

    async def remove(self, run: Run, *, keep_writes: bool) -> None:
        """What was written since the cutover is kept in a final snapshot."""
        twin = run.params["twin"]
        found = await look_twice(run, lambda: look.describe(run, twin))
        if found is None or not await look.owned(run, found):
            return
        if found["DBInstanceStatus"] != "deleting":
            await run.wait(look.watch_database(twin), look.when(twin))
        await look.delete(run, twin, look.snapshot_name(run, run.subject.id, "undone") if keep_writes else None)


class Restore(_MakeTwin):
    """Under the source's own name, by which its callers know it: so nothing is renamed when it is there."""

    action = "rds_instance.restore"
    calls: ClassVar[Calls] = {
        **reading("rds.describe_db_instances", "rds.list_tags_for_resource"),
        "rds.restore_db_instance_from_db_snapshot": makes("db:{twin}") + on("snapshot:{snapshot}") + look.SETTINGS,
        "rds.modify_db_instance": on("db:{twin}") + look.SETTINGS,
        "rds.delete_db_instance": ours("db:{twin}"),
    }
    permits: ClassVar[Calls] = {**keys_through("rds"), "rds.create_db_snapshot": look.LAST_SNAPSHOT}

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if method(resource, ctx) != "restore":
            return None
        params = _twin_params(resource, ctx) | {
            "twin": resource.ref.id,
            "snapshot": promise(step_id("rds_instance.final_snapshot", resource.ref), "snapshot"),
            "subnet_group": subnet_group(ctx),
            "license": resource.facts["license"],
        }
        return Draft(
            params,
            f"Restore {resource.name} in the VPC under its name, with all that a restore does not bring along; "
            f"{compared(resource, ctx)}.",
            seconds=RESTORE_SECONDS,
            undo_seconds=DELETE_SECONDS,
            calls=4,
            reaches=frozenset({ready(resource.ref), in_service(resource.ref)}),
            begins=frozenset({resource.ref}),
            not_undone=f"An undo deletes the {resource.name} that was restored in the VPC: what was written to it is "
            "only in a final snapshot, which stays.",
        )

    def effects(self, subject: Ref, params: Mapping[str, Json]) -> Iterable[Effect]:
        yield from super().effects(subject, params)
        yield Leads(endpoint(params["twin"]), str(subject))

    async def do(self, run: Run) -> Result:
        return {**await super().do(run), "counterpart": run.params["twin"]}

    async def create(self, run: Run, request: dict[str, Any]) -> None:
        license_model = {"LicenseModel": run.params["license"]} if run.params["license"] else {}
        await run.cloud.call(
            "rds.restore_db_instance_from_db_snapshot",
            DBSnapshotIdentifier=run.params["snapshot"],
            DBSubnetGroupName=run.params["subnet_group"],
            **request,
            **license_model,
        )

    async def undo(self, run: Run, result: Result | None) -> None:
        await self.remove(run, keep_writes=True)


class Replicate(_MakeTwin):
    """A read replica cannot be moved (aws-facts A5): the twin of its source gets a new one."""

    action = "rds_instance.replicate"
    alters: ClassVar[Alters] = {"rds_instance": frozenset({"replicas"})}
    calls: ClassVar[Calls] = {
        **reading("rds.describe_db_instances", "rds.list_tags_for_resource"),
        "rds.create_db_instance_read_replica": makes("db:{twin}") + on("db:{source}") + look.SETTINGS,
        "rds.modify_db_instance": on("db:{twin}") + look.SETTINGS,
        "rds.delete_db_instance": ours("db:{twin}"),
    }
    permits: ClassVar[Calls] = keys_through("rds")

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if method(resource, ctx) != "replicate":
            return None
        source = Ref("rds_instance", resource.facts["replica_of"])
        params = _twin_params(resource, ctx) | {"twin": twin_name(resource, ctx), "source": source.id}
        return Draft(
            params,
            f"Make '{params['twin']}' in the VPC, a read replica of {source.id}'s twin.",
            seconds=REPLICA_SECONDS + MODIFY_SECONDS,
            undo_seconds=DELETE_SECONDS,
            calls=4,
            needs=frozenset(
                {
                    in_service(source),
                    *(ready(Ref("db_security_group", name)) for name in resource.facts["db_security_groups"]),
                }
            ),
            reaches=frozenset({ready(resource.ref)}),
        )

    async def create(self, run: Run, request: dict[str, Any]) -> None:
        """In its source's VPC and subnet group: none is named."""
        await run.cloud.call(
            "rds.create_db_instance_read_replica", SourceDBInstanceIdentifier=run.params["source"], **request
        )

    async def undo(self, run: Run, result: Result | None) -> None:
        await self.remove(run, keep_writes=False)
