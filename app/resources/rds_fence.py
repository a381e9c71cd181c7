"""Before a database is restored beside itself: nobody writes to the source any more, and its name is free."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import ClassVar

from app.cloud import AlreadyExists
from app.execution.calls import Calls, makes, on, ours, reading
from app.execution.step import EVERYTHING, Alters, Result, Run, Seen, Step, Verdict, Watch, pending, settled
from app.planning.context import Context
from app.planning.effects import Effect, Stops
from app.planning.inventory import Json, Ref, Resource
from app.planning.plan import Draft, ready, step_id
from app.resources import rds_looking as look
from app.resources.looking_twice import look_twice
from app.resources.rds_method import FENCE_SECONDS, aside_name, endpoint, method
from app.resources.rds_way_back import let_in_by
from app.resources.vpc_group import short_hash

FENCES = "landbridge-fence-"


class Fence(Step):
    """Puts the source behind a DB security group that lets nobody in and renames it, in one call.

    A change of groups ends no connection that is open already: renaming does, as it restarts the database
    (aws-facts A5, RDSR). The old name leads nowhere from here on, until the twin is restored under it.
    """

    action = "rds_instance.fence"
    subject = "rds_instance"
    phase = "managed_services"
    alters: ClassVar[Alters] = {"rds_instance": EVERYTHING}  # it has another name from then on
    calls: ClassVar[Calls] = {
        **reading("rds.describe_db_instances", "rds.describe_db_security_groups", "rds.list_tags_for_resource"),
        "rds.create_db_security_group": makes(f"secgrp:{FENCES}*"),
        "rds.delete_db_security_group": ours(f"secgrp:{FENCES}*"),
        "rds.modify_db_instance": on("db:{name}", "db:{aside}") + look.SETTINGS,
    }

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if method(resource, ctx) != "restore":
            return None
        groups = resource.facts["db_security_groups"]
        params = {
            "name": resource.ref.id,
            "aside": aside_name(resource, ctx),
            "resource_id": resource.facts["resource_id"],
            "groups": groups,
        }
        return Draft(
            params,
            f"Let nobody into {resource.name} any more, so that no write is lost, and rename it to "
            f"'{params['aside']}', so that its name is free.",
            seconds=FENCE_SECONDS,
            calls=5,
            needs=frozenset(
                {
                    step_id("rds_instance.presnapshot", resource.ref),
                    *(ready(Ref("db_security_group", name)) for name in groups),
                }
            ),
            interrupts=frozenset({resource.ref}),
        )

    def effects(self, subject: Ref, params: Mapping[str, Json]) -> Iterable[Effect]:
        yield Stops(f"{subject.kind}:{params['name']}")
        yield Stops(endpoint(params["name"]))

    async def do(self, run: Run) -> Result:
        name, aside, fence = run.params["name"], run.params["aside"], _fence(run)
        try:
            await run.cloud.call(
                "rds.create_db_security_group",
                DBSecurityGroupName=fence,
                DBSecurityGroupDescription=f"Nobody: {name} is being moved",
                Tags=run.tag_list,
            )
        except AlreadyExists:
            await run.consistency()
            if not await _is_ours(run, fence):
                raise
        await run.wait(_watch(fence), lambda seen: settled() if fence in seen else pending("It is not visible yet."))
        await look.rename(run, name, aside, run.params["resource_id"], DBSecurityGroups=[fence])
        return {"name": aside, "freed": name, "fence": fence}

    def watch(self, result: Result) -> Watch | None:
        return replace(look.watch_database(result["name"]), ids=(result["name"], result["freed"]))

    def verdict(self, result: Result, seen: Seen) -> Verdict:
        if result["freed"] in seen:
            return pending(f"The name {result['freed']} is not free yet.")
        return look.available(result["name"], seen, lambda item: let_in_by(item, [result["fence"]]))

    async def undo(self, run: Run, result: Result | None) -> None:
        name, aside, groups = run.params["name"], run.params["aside"], run.params["groups"]
        if result is None:
            await run.consistency()  # a renaming whose answer was lost may be about to land
        found = await look.describe(run, aside)
        aside_still = found is not None and found["DbiResourceId"] == run.params["resource_id"]
        if aside_still:
            await look.rename(run, aside, name, run.params["resource_id"], DBSecurityGroups=groups)
        if aside_still or await look.describe(run, name) is not None:
            await run.wait(look.watch_database(name), look.when(name, lambda item: let_in_by(item, groups)))
        if await look_twice(run, lambda: _is_ours(run, _fence(run))):
            await run.cloud.call("rds.delete_db_security_group", DBSecurityGroupName=_fence(run))


def _fence(run: Run) -> str:
    return f"{FENCES}{short_hash(run.job_id + run.step_id, 12)}"


def fenced(database: Resource) -> bool:
    """Whether it stands aside: a job of ours has moved it, or is about to."""
    return any(name.startswith(FENCES) for name in database.facts["db_security_groups"])


def _watch(group: str) -> Watch:
    return Watch(
        "rds.describe_db_security_groups",
        (group,),
        by="one:DBSecurityGroupName",
        items="DBSecurityGroups[]",
        key="DBSecurityGroupName",
        within=600.0,
    )


async def _is_ours(run: Run, group: str) -> bool:
    answer = await run.cloud.call("rds.describe_db_security_groups", DBSecurityGroupName=group)
    arn = answer["DBSecurityGroups"][0]["DBSecurityGroupArn"]
    tags = await run.cloud.call("rds.list_tags_for_resource", ResourceName=arn)
    return run.owns(tags["TagList"])
