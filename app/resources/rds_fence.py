"""Before a database is restored beside itself: nobody writes to the source any more."""

from collections.abc import Iterable, Mapping

from app.cloud import AlreadyExists
from app.execution.step import Result, Run, Seen, Step, Verdict, Watch, pending, settled
from app.planning.context import Context
from app.planning.effects import Effect, Stops
from app.planning.inventory import Json, Ref, Resource
from app.planning.plan import Draft, ready
from app.resources import rds_looking as look
from app.resources.looking_twice import look_twice
from app.resources.rds_method import FENCE_SECONDS, method
from app.resources.rds_way_back import let_in_by
from app.resources.vpc_group import short_hash


class Fence(Step):
    """Puts the source behind a DB security group that lets nobody in, and restarts it, so that nobody writes.

    A change of groups ends no connection that is open already: the restart does.
    """

    action = "rds_instance.fence"
    subject = "rds_instance"
    phase = "managed_services"

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if method(resource, ctx) != "restore":
            return None
        groups = resource.facts["db_security_groups"]
        return Draft(
            {"name": resource.ref.id, "groups": groups},
            f"Let nobody into {resource.name} any more, so that no write is lost.",
            seconds=FENCE_SECONDS,
            calls=4,
            needs=frozenset(ready(Ref("db_security_group", name)) for name in groups),
            interrupts=frozenset({resource.ref}),
        )

    def effects(self, subject: Ref, params: Mapping[str, Json]) -> Iterable[Effect]:
        yield Stops(f"{subject.kind}:{params['name']}")

    async def do(self, run: Run) -> Result:
        name, fence = run.params["name"], _fence(run)
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
        await run.cloud.call("rds.modify_db_instance", DBInstanceIdentifier=name, DBSecurityGroups=[fence])
        await run.wait(look.watch_database(name), look.when(name, lambda item: let_in_by(item, [fence])))
        await run.cloud.call("rds.reboot_db_instance", DBInstanceIdentifier=name)
        return {"name": name, "fence": fence}

    def watch(self, result: Result) -> Watch | None:
        return look.watch_database(result["name"])

    def verdict(self, result: Result, seen: Seen) -> Verdict:
        return look.available(result["name"], seen, lambda item: let_in_by(item, [result["fence"]]))

    async def undo(self, run: Run, result: Result | None) -> None:
        name, groups = run.params["name"], run.params["groups"]
        found = await look.describe(run, name)
        if found is not None and not let_in_by(found, groups):
            await run.wait(look.watch_database(name), look.when(name))
            await run.cloud.call("rds.modify_db_instance", DBInstanceIdentifier=name, DBSecurityGroups=groups)
            await run.wait(look.watch_database(name), look.when(name, lambda item: let_in_by(item, groups)))
        if await look_twice(run, lambda: _is_ours(run, _fence(run))):
            await run.cloud.call("rds.delete_db_security_group", DBSecurityGroupName=_fence(run))


def _fence(run: Run) -> str:
    return f"landbridge-fence-{short_hash(run.job_id + run.step_id, 12)}"


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
