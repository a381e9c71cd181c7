"""The image that the twin is launched from (aws-facts A4)."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import ClassVar

import jmespath

from app.cloud import AlreadyExists, NotFound
from app.execution.calls import Calls, makes, on, ours, reading
from app.execution.step import Result, Run, Seen, Step, StepBroken, Verdict, Watch, broken, pending, settled
from app.planning.context import Context
from app.planning.effects import Effect, Stops
from app.planning.inventory import Json, Ref, Resource
from app.planning.plan import Draft, Milestone, StepId, step_id
from app.resources.instance_backups import (
    delete_snapshots,
    find_for_undo,
    image_named,
    images_of,
    live_images_of,
    snapshots_of,
)
from app.resources.instance_looking import describe, state_of
from app.resources.instance_method import BACK_SECONDS, given_image, method, stops_first
from app.resources.instance_outage import image_seconds
from app.resources.instance_volumes import moved_volumes
from app.resources.turns import after_others, fronts_left, leave_enough

# "Sometimes up to 24 hours" (aws-facts A4).
IMAGE_WITHIN = 24 * 3600.0


class Image(Step):
    """CreateImage has no token, but its name is unique in the account and region: that finds it again."""

    action = "instance.image"
    subject = "instance"
    phase = "instances"
    calls: ClassVar[Calls] = {
        **reading("ec2.describe_instances", "ec2.describe_images", "ec2.describe_snapshots"),
        **reading("elb.describe_instance_health"),
        "ec2.create_image": makes("image/*", "snapshot/*") + on("instance/{instance_id}"),
        "ec2.deregister_image": ours("image/*"),
        "ec2.delete_snapshot": ours("snapshot/*"),
    }

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if not ctx.moves(resource.ref) or given_image(resource, ctx):
            return None
        way = method(resource, ctx)
        needs: set[StepId | Milestone] = set()
        if way == "stopped" and stops_first(resource, ctx):
            needs.add(step_id("instance.stop", resource.ref))
        reboots = way == "reboot"
        if reboots:
            needs |= after_others(resource, ctx)
        params = {
            "instance_id": resource.ref.id,
            "no_reboot": not reboots,
            "left_out": [volume["device"] for volume in moved_volumes(resource, ctx)],
            "tags": dict(resource.tags),
            **({"fronts": fronts_left(resource, ctx)} if reboots else {}),
        }
        return Draft(
            params,
            f"Take an image of {resource.name}"
            + {"stopped": ".", "reboot": ", rebooting it."}.get(way, " as it runs."),
            seconds=image_seconds(resource, ctx),
            undo_seconds=BACK_SECONDS,
            needs=frozenset(needs),
            interrupts=frozenset({resource.ref} if reboots else ()),
        )

    def effects(self, subject: Ref, params: Mapping[str, Json]) -> Iterable[Effect]:
        if not params["no_reboot"]:
            yield Stops(f"{subject.kind}:{params['instance_id']}")

    async def check(self, run: Run) -> None:
        item = await describe(run, run.params["instance_id"])
        if item is None or state_of(item) not in ("running", "stopped"):
            raise StepBroken(f"{run.params['instance_id']} can not be imaged as it is: discover and plan anew.")

    async def do(self, run: Run) -> Result:
        name = f"landbridge {run.token}"[:128]
        earlier = await live_images_of(run) if run.attempt > 1 else []
        if earlier:
            return {"image_id": earlier[0]}
        await leave_enough(run, run.params["instance_id"])
        left_out = [{"DeviceName": device, "NoDevice": ""} for device in run.params["left_out"]]
        try:
            answer = await run.cloud.call(
                "ec2.create_image",
                **({"BlockDeviceMappings": left_out} if left_out else {}),
                InstanceId=run.params["instance_id"],
                Name=name,
                Description=f"{run.params['instance_id']} on its way from EC2-Classic",
                NoReboot=run.params["no_reboot"],
                TagSpecifications=run.tag_specifications("image", "snapshot", extra=run.params["tags"]),
            )
        except AlreadyExists:
            await run.consistency()
            found = await image_named(run, name)
            if not found:
                raise
            return {"image_id": found}
        return {"image_id": answer["ImageId"]}

    def watch(self, result: Result) -> Watch | None:
        return Watch(
            "ec2.describe_images",
            (result["image_id"],),
            by="filter:image-id",
            items="Images[]",
            key="ImageId",
            also=(("Owners", ["self"]),),
            every=10.0,
            within=IMAGE_WITHIN,
        )

    def verdict(self, result: Result, seen: Seen) -> Verdict:
        image = seen.get(result["image_id"])
        if image is None or image["State"] == "pending":
            return pending(f"{result['image_id']} is not available yet")
        if image["State"] != "available":
            why = image.get("StateReason", {}).get("Message", "no reason given")
            return broken(f"{result['image_id']} is {image['State']} ({why}): put that right, then retry the step.")
        snapshots: list[str] = jmespath.search("BlockDeviceMappings[].Ebs.SnapshotId", image) or []
        return settled(snapshot_ids=sorted(snapshots))

    async def undo(self, run: Run, result: Result | None) -> None:
        """The image first, then its snapshots: those cannot go while it stands on them."""
        for image_id in await find_for_undo(run, images_of):
            with suppress(NotFound):
                await run.cloud.call("ec2.deregister_image", ImageId=image_id)
        await delete_snapshots(run, await snapshots_of(run))
