"""Data volumes that go over themselves: off the stopped source, onto the twin as soon as that runs (aws-facts A4, MIG).

The twin boots once without them, since nothing launches an instance with volumes that exist: so they are attached at
once, and it boots again, before anybody is led to it.
"""

from collections.abc import Iterable, Mapping
from typing import ClassVar

from app.execution.calls import Calls, on, reading
from app.execution.step import Alters, Result, Run, Seen, Step, StepBroken, Verdict, Watch
from app.planning.context import Context
from app.planning.effects import Effect, Serves, source_of
from app.planning.inventory import Json, Ref, Resource
from app.planning.plan import Draft, in_service, ready, step_id
from app.resources.instance_attachments import all_free, ids_of, on_instance, put_on, take_off, watch_volumes
from app.resources.instance_looking import describe, state_of, wait_for_state
from app.resources.instance_method import ATTACH_SECONDS, REBOOT_SECONDS
from app.resources.instance_volumes import moved_volumes
from app.resources.load_balancer_members import balancers_of


class DetachVolumes(Step):
    """After the image, which tells the volumes it leaves out by their devices; while the twin is launched."""

    action = "instance.detach_volumes"
    subject = "instance"
    phase = "instances"
    alters: ClassVar[Alters] = {"instance": frozenset({"block_devices"})}
    calls: ClassVar[Calls] = {
        **reading("ec2.describe_volumes"),
        "ec2.detach_volume": on("volume/{volumes[].volume_id}", "instance/{instance_id}"),
        "ec2.attach_volume": on("volume/{volumes[].volume_id}", "instance/{instance_id}"),
        "ec2.modify_instance_attribute": on("instance/{instance_id}"),
    }

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        volumes = moved_volumes(resource, ctx) if ctx.moves(resource.ref) else []
        if not volumes:
            return None
        return Draft(
            {"instance_id": resource.ref.id, "volumes": volumes},
            f"Take {', '.join(ids_of(volumes))} off {resource.name}, which has stopped.",
            seconds=ATTACH_SECONDS,
            calls=len(volumes) + 1,
            needs=frozenset({step_id("instance.stop", resource.ref), step_id("instance.image", resource.ref)}),
        )

    async def check(self, run: Run) -> None:
        ids = ids_of(run.params["volumes"])
        if missing := set(ids) - set(await on_instance(run, run.params["instance_id"], ids)):
            raise StepBroken(f"{min(missing)} is not on {run.params['instance_id']} any more: discover and plan anew.")

    async def do(self, run: Run) -> Result:
        await take_off(run, run.params["instance_id"], run.params["volumes"])
        return {"volume_ids": list(ids_of(run.params["volumes"]))}

    def watch(self, result: Result) -> Watch | None:
        return watch_volumes(result["volume_ids"])

    def verdict(self, result: Result, seen: Seen) -> Verdict:
        return all_free(result["volume_ids"], seen)

    async def undo(self, run: Run, result: Result | None) -> None:
        if result is None:
            await run.consistency()  # a detaching whose answer was lost may be about to land
        await put_on(run, run.params["instance_id"], run.params["volumes"])


class AttachVolumes(Step):
    """A reboot shows nothing of itself in AWS: it is waited out before the twin counts as in service."""

    action = "instance.attach_volumes"
    subject = "instance"
    phase = "instances"
    calls: ClassVar[Calls] = {
        **reading("ec2.describe_volumes", "ec2.describe_instances"),
        "ec2.attach_volume": on("volume/{volumes[].volume_id}", "instance/{counterpart}"),
        "ec2.detach_volume": on("volume/{volumes[].volume_id}", "instance/{counterpart}"),
        "ec2.modify_instance_attribute": on("instance/{counterpart}"),
        "ec2.reboot_instances": on("instance/{counterpart}"),
        "ec2.stop_instances": on("instance/{counterpart}"),
    }

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        volumes = moved_volumes(resource, ctx) if ctx.moves(resource.ref) else []
        if not volumes:
            return None
        reaches = {ready(resource.ref)}
        if not balancers_of(resource, ctx):
            reaches.add(in_service(resource.ref))
        return Draft(
            {"counterpart": ctx.counterpart(resource.ref), "volumes": volumes},
            f"Attach {', '.join(ids_of(volumes))} to the counterpart of {resource.name} and reboot it, so that it "
            "starts with them.",
            seconds=ATTACH_SECONDS,
            calls=len(volumes) + 5,
            needs=frozenset({step_id("instance.detach_volumes", resource.ref)}),
            reaches=frozenset(reaches),
            lingering_seconds=REBOOT_SECONDS,
        )

    def effects(self, subject: Ref, params: Mapping[str, Json]) -> Iterable[Effect]:
        yield Serves(source_of(params["counterpart"]))

    async def do(self, run: Run) -> Result:
        twin = run.params["counterpart"]
        await put_on(run, twin, run.params["volumes"])
        await run.cloud.call("ec2.reboot_instances", InstanceIds=[twin])
        return {"volume_ids": list(ids_of(run.params["volumes"]))}

    async def undo(self, run: Run, result: Result | None) -> None:
        """The twin stops first, so that all it has written is on them."""
        twin, volumes = run.params["counterpart"], run.params["volumes"]
        if not twin:
            return
        if result is None:
            await run.consistency()  # an attaching whose answer was lost may be about to land
        item = await describe(run, twin)
        if item is not None and state_of(item) in ("pending", "running"):
            await run.cloud.call("ec2.stop_instances", InstanceIds=[twin])
        if item is not None and state_of(item) in ("pending", "running", "stopping"):
            await wait_for_state(run, twin, "stopped")
        held = set(await on_instance(run, twin, ids_of(volumes)))
        theirs = [volume for volume in volumes if volume["volume_id"] in held]
        if theirs:
            await take_off(run, twin, theirs)
            await run.wait(watch_volumes(ids_of(theirs)), lambda seen: all_free(ids_of(theirs), seen))
