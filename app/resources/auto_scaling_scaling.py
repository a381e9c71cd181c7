"""The group's own cutover begins: its twin comes up to its size beside it."""

from collections.abc import Iterable, Mapping
from typing import ClassVar

from app.execution.calls import Calls, on, reading
from app.execution.step import Result, Run, Step
from app.planning.context import Context
from app.planning.effects import Effect, Registers, Serves, source_of
from app.planning.inventory import Json, Ref, Resource
from app.planning.plan import Draft, in_service, promise, ready, step_id
from app.resources.auto_scaling_freezing import freeze_step
from app.resources.auto_scaling_looking import (
    empty,
    find_group,
    named_group,
    set_sizes,
    sizes_of,
    wait_for_members,
)
from app.resources.auto_scaling_method import (
    LAUNCH_SECONDS,
    PATIENCE,
    SUBJECT,
    TERMINATE_SECONDS,
    balancers,
    held_seconds,
    hook_seconds,
    movable,
    twins,
)
from app.resources.auto_scaling_registering import (
    wait_until_served,
)
from app.resources.auto_scaling_twin import Create
from app.resources.load_balancer_members import check_seconds, in_service_behind


class ScaleUp(Step):
    """Beside the source, which keeps its members until this has succeeded; all at once, after it has gone."""

    action = f"{SUBJECT}.scale_up"
    subject = SUBJECT
    phase = "instances"
    calls: ClassVar[Calls] = {
        **reading("autoscaling.describe_auto_scaling_groups", "elb.describe_instance_health"),
        "autoscaling.update_auto_scaling_group": on("autoScalingGroup:*:autoScalingGroupName/{name}"),
        "autoscaling.set_instance_protection": on("autoScalingGroup:*:autoScalingGroupName/{name}"),
    }

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if not movable(resource, ctx):
            return None
        behind = balancers(resource, ctx)
        drain = step_id(f"{SUBJECT}.drain", resource.ref)
        params: dict[str, Json] = {
            "name": promise(step_id(Create.action, resource.ref)),
            "source": resource.ref.id,
            "sizes": None if ctx.incremental else promise(drain, "sizes"),
            "twins": twins(behind),
            "within": PATIENCE + hook_seconds(resource, "LAUNCHING"),
        }
        # All at once the twins check quickly, and who calls the members directly does not wait for that at all.
        checks = max((check_seconds(each) for each in behind if ctx.incremental), default=0.0)
        reached = {ready(resource.ref), in_service(resource.ref)}
        if not ctx.incremental:
            reached |= {made(each.ref) for each in behind for made in (ready, in_service)}
        return Draft(
            params,
            f"Bring the twin of '{resource.name}' to that group's present size and wait until all of its members are "
            "in service.",
            seconds=LAUNCH_SECONDS + held_seconds(resource, "LAUNCHING") + checks,
            undo_seconds=TERMINATE_SECONDS + held_seconds(resource, "TERMINATING"),
            calls=3 + 2 * len(behind),
            needs=frozenset({freeze_step(resource.ref), step_id(f"{SUBJECT}.equip", resource.ref)}),
            reaches=frozenset(reached),
            begins=frozenset({resource.ref}),
            not_undone=f"An undo terminates the members of the twin of '{resource.name}': what they have written to "
            "their disks is gone.",
        )

    def effects(self, subject: Ref, params: Mapping[str, Json]) -> Iterable[Effect]:
        member = source_of(params["name"])
        yield Serves(member)
        for twin in params["twins"]:
            yield Registers(source_of(twin), (member,), twins=True)

    async def do(self, run: Run) -> Result:
        name, names = run.params["name"], run.params["twins"]
        wanted = run.params["sizes"] or sizes_of(await named_group(run, run.params["source"]))
        # Where nobody serves behind a twin beside the source, nobody can be asked to serve behind it now.
        served = [twin for twin in names if run.params["sizes"] or await in_service_behind(run, twin)]
        desired = wanted["desired"]
        await set_sizes(run, name, {"min": desired, "max": max(wanted["max"], desired), "desired": desired})
        await wait_for_members(run, name, desired, run.params["within"])
        await wait_until_served(run, name, served, desired)
        return {"desired": desired}

    async def undo(self, run: Run, result: Result | None) -> None:
        name = run.params["name"]
        if name and await find_group(run, name):
            await empty(run, name, run.params["within"])
