"""A new read replica takes the old one's name, by which its callers know it (aws-facts A5, RDSR)."""

from collections.abc import Iterable, Mapping
from typing import ClassVar

from app.execution.calls import Calls, on, reading
from app.execution.step import EVERYTHING, Alters, Result, Run, Seen, Step, Verdict, Watch
from app.planning.context import Context
from app.planning.effects import Effect, Leads, Stops
from app.planning.inventory import Json, Ref, Resource
from app.planning.plan import Draft, in_service, promise, ready, step_id
from app.resources import rds_looking as look
from app.resources.rds_method import (
    NAME_SECONDS,
    RENAME_SECONDS,
    aside_name,
    endpoint,
    method,
    twin_name,
)


class _Rename(Step):
    """Params: old, new, and resource_id of the database that is called `old`."""

    subject = "rds_instance"
    phase = "managed_services"
    alters: ClassVar[Alters] = {"rds_instance": EVERYTHING}
    calls: ClassVar[Calls] = {
        **reading("rds.describe_db_instances"),
        "rds.modify_db_instance": on("db:{old}", "db:{new}") + look.SETTINGS,
    }

    async def do(self, run: Run) -> Result:
        await look.rename(run, run.params["old"], run.params["new"], run.params["resource_id"])
        return {"name": run.params["new"]}

    def watch(self, result: Result) -> Watch | None:
        return look.watch_database(result["name"])

    def verdict(self, result: Result, seen: Seen) -> Verdict:
        return look.available(result["name"], seen)

    async def undo(self, run: Run, result: Result | None) -> None:
        old, new, resource_id = run.params["old"], run.params["new"], run.params.get("resource_id")
        if not resource_id:
            return  # nothing was made that could have been renamed
        found = await look.describe(run, new)
        if found is None or found["DbiResourceId"] != resource_id:
            return
        await look.rename(run, new, old, resource_id)
        await run.wait(look.watch_database(old), look.when(old))


class RenameSource(_Rename):
    action = "rds_instance.rename_source"

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if method(resource, ctx) != "replicate":
            return None
        params = {
            "old": resource.ref.id,
            "new": aside_name(resource, ctx),
            "resource_id": resource.facts["resource_id"],
        }
        return Draft(
            params,
            f"Rename {resource.name} to '{params['new']}', so that its name is free.",
            seconds=RENAME_SECONDS,
            calls=3,
            needs=frozenset({ready(resource.ref)}),
            interrupts=frozenset({resource.ref}),
        )

    def effects(self, subject: Ref, params: Mapping[str, Json]) -> Iterable[Effect]:
        yield Stops(str(subject))
        yield Stops(endpoint(params["old"]))


class RenameCounterpart(_Rename):
    action = "rds_instance.rename_counterpart"

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if method(resource, ctx) != "replicate":
            return None
        params = {
            "old": twin_name(resource, ctx),
            "new": resource.ref.id,
            "resource_id": promise(step_id("rds_instance.replicate", resource.ref), "resource_id"),
        }
        return Draft(
            params,
            f"Give the twin the name {resource.name}, and wait until the name leads to it.",
            seconds=RENAME_SECONDS,
            calls=3,
            needs=frozenset({step_id("rds_instance.rename_source", resource.ref)}),
            reaches=frozenset({in_service(resource.ref)}),
            begins=frozenset({resource.ref}),
            hold_seconds=NAME_SECONDS,
        )

    def effects(self, subject: Ref, params: Mapping[str, Json]) -> Iterable[Effect]:
        yield Leads(endpoint(params["new"]), str(subject))

    async def do(self, run: Run) -> Result:
        return {**await super().do(run), "counterpart": run.params["new"]}
