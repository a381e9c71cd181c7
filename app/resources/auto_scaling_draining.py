"""The group's own cutover ends: its twin serves, and it goes down to nothing; or, undone, comes back."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from app.execution.calls import Calls, having, on, reading
from app.execution.step import Alters, Result, Run, Step, StepBroken
from app.planning.context import Context
from app.planning.effects import Deregisters, Effect, Stops, source_of
from app.planning.inventory import Json, Ref, Resource
from app.planning.plan import PREPARED, Draft, Milestone, StepId, in_service, promise, step_id, stopped
from app.resources.auto_scaling_freezing import freeze_step
from app.resources.auto_scaling_linking import link_members
from app.resources.auto_scaling_looking import (
    Group,
    empty,
    find_group,
    named_group,
    protect,
    protected,
    set_sizes,
    sizes_of,
    wait_for_members,
)
from app.resources.auto_scaling_looking import in_service as serving_members
from app.resources.auto_scaling_method import (
    DRAIN_SECONDS,
    LAUNCH_SECONDS,
    PATIENCE,
    SUBJECT,
    TERMINATE_SECONDS,
    balancers,
    fronts,
    held_seconds,
    hook_seconds,
    link_params,
    movable,
    twins,
)
from app.resources.auto_scaling_registering import (
    deregister,
    register_until_served,
    wait_until_drained,
    wait_until_served,
)
from app.resources.auto_scaling_scaling import ScaleUp
from app.resources.auto_scaling_twin import Create
from app.resources.load_balancer_members import check_seconds, in_service_behind


class Drain(Step):
    """The source's members leave the twins, connections and all, and then the group lets all of them go.

    Crash safe: `sizes` is what the group itself says until the one call that changes all three; after that, what
    `freeze` had read, since when nothing but a person changes them.
    """

    action = f"{SUBJECT}.drain"
    subject = SUBJECT
    phase = "instances"
    alters: ClassVar[Alters] = {"auto_scaling_group": frozenset({"min", "max"})}
    calls: ClassVar[Calls] = {
        **reading(
            "autoscaling.describe_auto_scaling_groups",
            "ec2.describe_classic_link_instances",
            "ec2.describe_instances",
            "elb.describe_instance_health",
        ),
        "autoscaling.update_auto_scaling_group": on("autoScalingGroup:*:autoScalingGroupName/{name}"),
        "autoscaling.set_instance_protection": on("autoScalingGroup:*:autoScalingGroupName/{name}"),
        "elb.register_instances_with_load_balancer": on("loadbalancer/{twins}"),
        "elb.deregister_instances_from_load_balancer": on("loadbalancer/{twins}"),
        "ec2.attach_classic_link_vpc": having("instance/*", "aws:ResourceTag/aws:autoscaling:groupName", "{name}")
        + on("vpc/{link.vpc_id}", "security-group/{link.group_ids}"),
    }

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if not movable(resource, ctx):
            return None
        behind = fronts(resource, ctx) if ctx.incremental else []
        fronted = balancers(resource, ctx)
        drained = DRAIN_SECONDS if fronted else 0.0  # the source too lets connections end
        needs: set[StepId | Milestone] = {freeze_step(resource.ref)}
        if ctx.incremental:
            needs |= {in_service(resource.ref), step_id(ScaleUp.action, resource.ref)}
            needs |= {step_id(f"{SUBJECT}.{each}", resource.ref) for each in _kept(resource, ctx)}
        else:
            needs.add(PREPARED)
        params: dict[str, Json] = {
            "name": resource.ref.id,
            "frozen": promise(freeze_step(resource.ref), "sizes"),
            "protected": promise(freeze_step(resource.ref), "protected"),
            "served": promise(freeze_step(resource.ref), "served"),
            "counterpart": promise(step_id(Create.action, resource.ref)) if ctx.incremental else None,
            "sources": [each.ref.id for each in behind],
            "twins": twins(behind),
            "link": link_params(resource, ctx),
            "within": PATIENCE + hook_seconds(resource, "TERMINATING"),
            "back_within": PATIENCE + hook_seconds(resource, "LAUNCHING"),
        }
        return Draft(
            params,
            f"Take the members of '{resource.name}' from behind the twins of its load balancers, then scale it down "
            "to none.",
            seconds=TERMINATE_SECONDS + held_seconds(resource, "TERMINATING") + drained,
            calls=4 + 3 * len(behind),
            needs=frozenset(needs),
            reaches=frozenset({stopped(resource.ref)}),
            interrupts=frozenset({resource.ref}),
            not_undone=f"The members of '{resource.name}' are terminated: an undo starts as many new ones, with other "
            "addresses and without what was on the disks of the old ones.",
            undo_seconds=LAUNCH_SECONDS
            + held_seconds(resource, "LAUNCHING")
            + max(map(check_seconds, fronted), default=0.0)
            + max(map(check_seconds, behind), default=0.0),
        )

    def effects(self, subject: Ref, params: Mapping[str, Json]) -> Iterable[Effect]:
        member = f"{subject.kind}:{params['name']}"
        yield Stops(member)
        for twin in params["twins"]:
            yield Deregisters(source_of(twin), (member,))

    async def check(self, run: Run) -> None:
        _refuse_standby(await named_group(run, run.params["name"]))

    async def do(self, run: Run) -> Result:
        """Result: sizes and protected, as they were before."""
        name = run.params["name"]
        group = await named_group(run, name)
        _refuse_standby(group)
        present = sizes_of(group)
        sizes = present if present["max"] else run.params["frozen"]
        held = run.params["protected"] if run.recovering else len(protected(group))
        if run.params["counterpart"] and present["max"]:
            await _require_capacity(run, group)
        ids = [each["InstanceId"] for each in group["Instances"]]
        for twin in run.params["twins"]:
            await deregister(run, twin, ids)
        for twin in run.params["twins"]:
            await wait_until_drained(run, twin, ids)
        await empty(run, name, run.params["within"])
        return {"sizes": sizes, "protected": held}

    async def undo(self, run: Run, result: Result | None) -> None:
        """Back at its size and in service, linked and behind the twins again, before anything else is taken back."""
        name = run.params["name"]
        group = await find_group(run, name)
        if group is None or not run.params["frozen"]:
            return  # never frozen, never drained
        present = sizes_of(group)
        sizes = result["sizes"] if result else present if present["max"] else run.params["frozen"]
        await set_sizes(run, name, sizes)
        await wait_for_members(run, name, sizes["desired"], run.params["back_within"])
        for balancer, number in sorted((run.params["served"] or {}).items()):
            await wait_until_served(run, name, [balancer], min(number, sizes["desired"]))
        await _linked_and_served(run, name)
        await _protect_again(run, name, (result or run.params)["protected"] or 0)


def _kept(group: Resource, ctx: Context) -> list[str]:
    """The steps that look after the members until this one starts."""
    linking = ["link_members"] if link_params(group, ctx) else []
    return [*linking, *(["register_members"] if fronts(group, ctx) else [])]


def _refuse_standby(group: Group) -> None:
    """Scaling in passes over members in standby: the group would never be empty."""
    resting = [each["InstanceId"] for each in group["Instances"] if str(each["LifecycleState"]).endswith("Standby")]
    if resting:
        raise StepBroken(
            f"{resting[0]} of {group['AutoScalingGroupName']} is in standby, where scaling in passes it over: put it "
            "back in service or detach it, then retry this step."
        )


async def _require_capacity(run: Run, group: Group) -> None:
    """Never fewer members than before: the twin has as many as the source is to have, and they serve.

    Raises StepBroken at once where it was never asked to have them; a member being replaced is waited for.
    """
    twin = await named_group(run, run.params["counterpart"])
    wanted, asked = sizes_of(group)["desired"], sizes_of(twin)["desired"]
    if asked < wanted:
        raise StepBroken(
            f"{twin['AutoScalingGroupName']} is to have {asked} members while {group['AutoScalingGroupName']} is to "
            f"have {wanted}: set the first to {wanted}, then retry this step."
        )
    await wait_for_members(run, run.params["counterpart"], wanted, PATIENCE)
    served = [name for name in run.params["twins"] if set(serving_members(group)) & await in_service_behind(run, name)]
    await wait_until_served(run, run.params["counterpart"], served, wanted)


async def _linked_and_served(run: Run, name: str) -> None:
    link: Mapping[str, Any] = run.params["link"]
    if not link or not all((link["vpc_id"], *link["group_ids"])):
        return
    await link_members(run, await named_group(run, name), link)
    pairs = [pair for pair in zip(run.params["sources"], run.params["twins"], strict=True) if pair[1]]
    await register_until_served(run, name, [pair[0] for pair in pairs], [pair[1] for pair in pairs], link)


async def _protect_again(run: Run, name: str, wanted: int) -> None:
    """As many as were protected: which ones cannot be said, since those are gone."""
    group = await named_group(run, name)
    missing = wanted - len(protected(group))
    if missing > 0:
        free = sorted(set(serving_members(group)) - set(protected(group)))
        await protect(run, name, free[:missing], True)
