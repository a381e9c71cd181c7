"""Finalize: the source goes, once its twin has proved itself and nobody needs the source any more."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, ClassVar

from app.cloud import NotFound
from app.execution.calls import Calls, on, reading
from app.execution.step import EVERYTHING, Alters, Result, Run, Seen, Step, StepBroken, Verdict, Watch
from app.planning.context import Context
from app.planning.inventory import Json, Resource
from app.planning.plan import Draft, Milestone
from app.resources.instance_attachments import on_instance
from app.resources.instance_launch import judge_gone, lift_protection
from app.resources.instance_looking import GONE, describe, require_counterpart, state_of, watch_instances
from app.resources.instance_method import TERMINATE_SECONDS, running, stoppable
from app.resources.instance_volumes import moved_volumes
from app.resources.load_balancer_members import balancers_of


class Terminate(Step):
    """Destroys the source. Its twin must still be there, or nothing would be left of either; and whoever was behind a
    load balancer goes after it, so that all of it is there as long as somebody calls."""

    action = "instance.terminate"
    subject = "instance"
    phase = "finalize"
    alters: ClassVar[Alters] = {
        "instance": EVERYTHING,
        "elastic_ip": frozenset({"instance"}),
        "load_balancer": frozenset({"instances"}),
    }
    calls: ClassVar[Calls] = {
        **reading("ec2.describe_instances", "ec2.describe_volumes", "ec2.describe_addresses"),
        "ec2.terminate_instances": on("instance/{instance_id}"),
        "ec2.modify_instance_attribute": on("instance/{instance_id}"),
    }

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if not ctx.moves(resource.ref):
            return None
        params = _params(resource, ctx)
        return Draft(
            params,
            f"Terminate {resource.name} in EC2-Classic for good.",
            seconds=TERMINATE_SECONDS,
            calls=5 if params["termination_protection"] else 4,
            needs=frozenset(Milestone("gone", balancer.ref) for balancer in balancers_of(resource, ctx)),
            reaches=frozenset({Milestone("gone", resource.ref)}),
            reversible=False,
        )

    async def check(self, run: Run) -> None:
        instance_id = run.params["instance_id"]
        source = await describe(run, instance_id)
        if source is None or state_of(source) in GONE:
            return
        _refuse_new_volumes(source, run.params.get("volumes"))
        moved = run.params["moved_volumes"]
        if moved and (back := await on_instance(run, instance_id, moved)):
            raise StepBroken(f"{back[0]} is on {instance_id} again, and may go with it: detach it first, then retry.")
        twin = await require_counterpart(run, instance_id, rests=run.params.get("rests", True))
        if run.params.get("never_stops"):
            await _refuse_addressed(run, instance_id)
        else:
            _refuse_revived(source, twin)

    async def do(self, run: Run) -> Result:
        await self.check(run)
        instance_id = run.params["instance_id"]
        with suppress(NotFound):
            if run.params["termination_protection"]:
                await lift_protection(run, instance_id)
            await run.cloud.call("ec2.terminate_instances", InstanceIds=[instance_id])
        return {"instance_id": instance_id}

    def watch(self, result: Result) -> Watch | None:
        return watch_instances(result["instance_id"])

    def verdict(self, result: Result, seen: Seen) -> Verdict:
        return judge_gone(seen, result["instance_id"])

    async def undo(self, run: Run, result: Result | None) -> None:
        """A terminated instance cannot be had back; the plan says so beforehand."""


def _params(resource: Resource, ctx: Context) -> dict[str, Json]:
    """`volumes`: those that its twin has, as they are or copied; `rests`: neither it nor its twin runs; `never_stops`:
    the move could not stop it, so that it runs until it goes."""
    return {
        "instance_id": resource.ref.id,
        "counterpart": ctx.counterpart(resource.ref),
        "termination_protection": resource.facts["termination_protection"],
        "moved_volumes": [volume["volume_id"] for volume in moved_volumes(resource, ctx)],
        "volumes": sorted(device["volume_id"] for device in resource.facts["block_devices"]),
        "rests": not running(resource),
        "never_stops": running(resource) and not stoppable(resource),
    }


def _refuse_revived(source: Mapping[str, Any], twin: Mapping[str, Any]) -> None:
    """The move has stopped it, or found it so: whoever started it since may have written what its twin has not."""
    name, state = source["InstanceId"], state_of(source)
    if state != "stopped":
        raise StepBroken(
            f"{name} is {state} again, though its counterpart took over: somebody uses it. See who started it, stop "
            "it, then retry this step; or skip it."
        )
    if source["LaunchTime"] > twin["LaunchTime"]:
        raise StepBroken(
            f"{name} was started at {source['LaunchTime']:%Y-%m-%d %H:%M}, after its counterpart was, and may hold "
            "what that has not. See who started it and save what is needed; then terminate it yourself and skip "
            "this step."
        )


async def _refuse_addressed(run: Run, instance_id: str) -> None:
    """Of one that was never stopped, an Elastic IP says that it is still called."""
    filters = [{"Name": "instance-id", "Values": [instance_id]}]
    answer = await run.cloud.call("ec2.describe_addresses", Filters=filters)
    if answer["Addresses"]:
        raise StepBroken(
            f"{answer['Addresses'][0]['PublicIp']} still leads to {instance_id}: give the address to its counterpart, "
            "then retry this step; or skip it."
        )


def _refuse_new_volumes(source: Mapping[str, Any], known: list[str] | None) -> None:
    """Those that came after the plan was made are in no image, and some go with the instance."""
    if known is None:
        return
    disks = [mapping["Ebs"] for mapping in source.get("BlockDeviceMappings", ()) if "Ebs" in mapping]
    new = [disk["VolumeId"] for disk in disks if disk.get("DeleteOnTermination") and disk["VolumeId"] not in known]
    if new:
        raise StepBroken(
            f"{new[0]} was attached to {source['InstanceId']} after the plan was made, is not with its counterpart, "
            "and would be deleted with it: detach it, or have it kept, then retry this step."
        )
