"""Never two groups scaling at once: the source's processes are suspended, and the twin's resumed in the end."""

from typing import ClassVar

from app.execution.calls import Calls, on, reading
from app.execution.step import Alters, Result, Run, Step, StepBroken
from app.planning.context import Context
from app.planning.inventory import Json, Ref, Resource
from app.planning.plan import PREPARED, Draft, Milestone, StepId, in_service, linked, promise, step_id
from app.resources.auto_scaling_looking import find_group, named_group, protected, set_sizes, sizes_of, suspended
from app.resources.auto_scaling_looking import in_service as serving_members
from app.resources.auto_scaling_method import KEEP_EVERY, SCALING, SUBJECT, balancers, movable
from app.resources.auto_scaling_twin import Create
from app.resources.load_balancer_members import in_service_behind


def freeze_step(ref: Ref) -> StepId:
    return step_id(Freeze.action, ref)


class Freeze(Step):
    """From here on nothing but a person changes the source's size. A fleet was once lost in seconds when something
    switched one of its processes back on, so that this is kept, and looked at before each step that relies on it.

    It comes as late as can be: until then the group scales as it always did.
    """

    action = f"{SUBJECT}.freeze"
    subject = SUBJECT
    phase = "instances"
    alters: ClassVar[Alters] = {"auto_scaling_group": frozenset({"suspended"})}
    keeps_every = KEEP_EVERY
    calls: ClassVar[Calls] = {
        **reading("autoscaling.describe_auto_scaling_groups", "elb.describe_instance_health"),
        "autoscaling.suspend_processes": on("autoScalingGroup:*:autoScalingGroupName/{name}"),
        "autoscaling.resume_processes": on("autoScalingGroup:*:autoScalingGroupName/{name}"),
    }

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if not movable(resource, ctx):
            return None
        needs: set[StepId | Milestone] = {step_id(f"{SUBJECT}.equip", resource.ref)}
        if ctx.incremental:
            needs |= {linked(resource.ref), *(in_service(each.ref) for each in balancers(resource, ctx))}
        else:  # the twin is made when the source has stopped, as everything all at once
            needs = {PREPARED}
        return Draft(
            {
                "name": resource.ref.id,
                "suspended": list(resource.facts["suspended"]),
                "load_balancers": list(resource.facts["load_balancers"]),
            },
            f"Suspend what scales '{resource.name}' by itself; members that fail are still replaced.",
            calls=2 + len(resource.facts["load_balancers"]),
            needs=frozenset(needs),
            begins=frozenset({resource.ref} if ctx.incremental else ()),
        )

    async def check(self, run: Run) -> None:
        await named_group(run, run.params["name"])

    async def do(self, run: Run) -> Result:
        """Result: suspended, the processes that were so before; sizes and protected, how many members there are to
        be and are protected from scale-in: `drain` falls back on these after a crash, when the group itself tells
        them no more. served: by load balancer, how many members serve behind it, as they are to again after undo."""
        group = await named_group(run, run.params["name"])
        before = run.params["suspended"] if run.recovering else suspended(group)
        members = set(serving_members(group))
        served = {name: len(members & await in_service_behind(run, name)) for name in run.params["load_balancers"]}
        await _suspend(run, run.params["name"])
        return {"suspended": before, "sizes": sizes_of(group), "protected": len(protected(group)), "served": served}

    async def keep(self, run: Run, result: Result) -> None:
        name = run.params["name"]
        on = sorted(set(SCALING) - set(suspended(await named_group(run, name))))
        if on:
            await _suspend(run, name)
            raise StepBroken(
                f"Somebody has switched {', '.join(on)} of {name} back on, and it may have scaled meanwhile. It is "
                "suspended again: find out who or what did it, see that the group has its members, then retry.",
                "process_resumed",
            )

    async def undo(self, run: Run, result: Result | None) -> None:
        name = run.params["name"]
        before = set(result["suspended"] if result else run.params["suspended"])
        resumed = sorted(set(SCALING) - before)
        if resumed and await find_group(run, name):
            await run.cloud.call("autoscaling.resume_processes", AutoScalingGroupName=name, ScalingProcesses=resumed)


async def _suspend(run: Run, name: str) -> None:
    await run.cloud.call("autoscaling.suspend_processes", AutoScalingGroupName=name, ScalingProcesses=list(SCALING))


class Thaw(Step):
    """The source is empty and stays so: its twin may scale now, within the bounds the source had."""

    action = f"{SUBJECT}.thaw"
    subject = SUBJECT
    phase = "instances"
    calls: ClassVar[Calls] = {
        **reading("autoscaling.describe_auto_scaling_groups"),
        "autoscaling.suspend_processes": on("autoScalingGroup:*:autoScalingGroupName/{name}"),
        "autoscaling.resume_processes": on("autoScalingGroup:*:autoScalingGroupName/{name}"),
        "autoscaling.update_auto_scaling_group": on("autoScalingGroup:*:autoScalingGroupName/{name}"),
    }

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if not movable(resource, ctx):
            return None
        drain = step_id(f"{SUBJECT}.drain", resource.ref)
        params: dict[str, Json] = {
            "name": promise(step_id(Create.action, resource.ref)),
            "sizes": promise(drain, "sizes"),
            "suspended": promise(freeze_step(resource.ref), "suspended"),
        }
        return Draft(
            params,
            f"Let the twin of '{resource.name}' scale by itself, within the bounds that group had.",
            seconds=2.0,
            calls=4,
            needs=frozenset({drain, step_id(f"{SUBJECT}.scale_up", resource.ref)}),
        )

    async def do(self, run: Run) -> Result:
        name, wanted = run.params["name"], run.params["sizes"]
        present = sizes_of(await named_group(run, name))["desired"]
        desired = max(present, wanted["min"])
        await set_sizes(run, name, {"min": wanted["min"], "max": max(wanted["max"], desired), "desired": desired})
        before = set(run.params["suspended"])
        await _set(run, "suspend", sorted(before - set(SCALING)))
        await _set(run, "resume", sorted(set(SCALING) - before))
        return {}

    async def undo(self, run: Run, result: Result | None) -> None:
        """At rest again, at whatever size it has come to."""
        name = run.params["name"]
        group = await find_group(run, name) if name else None
        if group is None:
            return
        await _set(run, "suspend", list(SCALING))
        await _set(run, "resume", sorted(set(run.params["suspended"] or ()) - set(SCALING)))
        now = sizes_of(await named_group(run, name))
        await set_sizes(run, name, {**now, "min": now["desired"]})


async def _set(run: Run, what: str, processes: list[str]) -> None:
    """An empty list would mean all of them."""
    if processes:
        await run.cloud.call(
            f"autoscaling.{what}_processes", AutoScalingGroupName=run.params["name"], ScalingProcesses=processes
        )
