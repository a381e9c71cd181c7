"""Finalize: the source goes, once its twin has proved itself."""

from contextlib import suppress
from typing import ClassVar

from app.cloud import NotFound
from app.execution.calls import Calls, on, reading
from app.execution.step import Result, Run, Seen, Step, StepBroken, Verdict, Watch
from app.planning.context import Context
from app.planning.inventory import Resource
from app.planning.plan import Draft, Milestone
from app.resources.instance_attachments import on_instance
from app.resources.instance_launch import judge_gone, lift_protection
from app.resources.instance_looking import ALIVE, describe, state_of, watch_instances
from app.resources.instance_method import TERMINATE_SECONDS
from app.resources.instance_volumes import moved_volumes


class Terminate(Step):
    """Destroys the source. Its twin must still be there, or nothing would be left of either."""

    action = "instance.terminate"
    subject = "instance"
    phase = "finalize"
    calls: ClassVar[Calls] = {
        **reading("ec2.describe_instances", "ec2.describe_volumes"),
        "ec2.terminate_instances": on("instance/{instance_id}"),
        "ec2.modify_instance_attribute": on("instance/{instance_id}"),
    }

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if not ctx.moves(resource.ref):
            return None
        params = {
            "instance_id": resource.ref.id,
            "counterpart": ctx.counterpart(resource.ref),
            "termination_protection": resource.facts["termination_protection"],
            "moved_volumes": [volume["volume_id"] for volume in moved_volumes(resource, ctx)],
        }
        return Draft(
            params,
            f"Terminate {resource.name} in EC2-Classic for good.",
            seconds=TERMINATE_SECONDS,
            calls=3 if params["termination_protection"] else 2,
            reaches=frozenset({Milestone("gone", resource.ref)}),
            reversible=False,
        )

    async def do(self, run: Run) -> Result:
        await self.check(run)
        instance_id = run.params["instance_id"]
        with suppress(NotFound):
            if run.params["termination_protection"]:
                await lift_protection(run, instance_id)
            await run.cloud.call("ec2.terminate_instances", InstanceIds=[instance_id])
        return {"instance_id": instance_id}

    async def check(self, run: Run) -> None:
        twin = await describe(run, run.params["counterpart"]) if run.params["counterpart"] else None
        if twin is None or state_of(twin) not in ALIVE:
            raise StepBroken(
                f"{run.params['instance_id']} has no counterpart any more, so it is not terminated: find out "
                "what became of the counterpart, and take this step out by skipping it."
            )

        moved = run.params["moved_volumes"]
        if moved and (back := await on_instance(run, run.params["instance_id"], moved)):
            raise StepBroken(
                f"{back[0]} is on {run.params['instance_id']} again, and may go with it: detach it first, then retry."
            )

    def watch(self, result: Result) -> Watch | None:
        return watch_instances(result["instance_id"])

    def verdict(self, result: Result, seen: Seen) -> Verdict:
        return judge_gone(seen, result["instance_id"])

    async def undo(self, run: Run, result: Result | None) -> None:
        """A terminated instance cannot be had back; the plan says so beforehand."""
