"""Keeping the source from destroying itself while its application moves."""

from contextlib import suppress
from typing import ClassVar

from app.cloud import NotFound
from app.execution.calls import Calls, on
from app.execution.step import Alters, Result, Run, Step
from app.planning.context import Context
from app.planning.inventory import Resource
from app.planning.plan import Draft
from app.resources.instance_method import hold_step


class Hold(Step):
    """Keeps a shutdown from inside the guest from terminating the source (aws-facts A4, RUN)."""

    action = "instance.hold"
    subject = "instance"
    phase = "prepare"
    alters: ClassVar[Alters] = {"instance": frozenset({"shutdown_behavior"})}
    calls: ClassVar[Calls] = {
        "ec2.modify_instance_attribute": on("instance/{instance_id}"),
    }

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if not ctx.moves(resource.ref) or not hold_step(resource):
            return None
        return Draft(
            {"instance_id": resource.ref.id},
            f"Have a shutdown of {resource.name} stop it: as it is set now, it would be terminated.",
        )

    async def do(self, run: Run) -> Result:
        await _set_shutdown_behavior(run, "stop")
        return {"before": "terminate"}

    async def undo(self, run: Run, result: Result | None) -> None:
        with suppress(NotFound):
            await _set_shutdown_behavior(run, "terminate")


async def _set_shutdown_behavior(run: Run, behavior: str) -> None:
    await run.cloud.call(
        "ec2.modify_instance_attribute",
        InstanceId=run.params["instance_id"],
        InstanceInitiatedShutdownBehavior={"Value": behavior},
    )
