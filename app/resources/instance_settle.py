"""After the launch: the twin proves its health where nobody else looks at it, or rests as its source did."""

from typing import ClassVar

from app.execution.calls import Calls, on, reading
from app.execution.step import PENDING, Result, Run, Seen, Step, Verdict, Watch, pending, settled
from app.planning.context import Context
from app.planning.inventory import Resource
from app.planning.plan import Draft, in_service, ready
from app.resources.instance_looking import judge_state, watch_instances
from app.resources.instance_method import BACK_SECONDS, CHECK_SECONDS, STOP_SECONDS, running
from app.resources.load_balancer_members import balancers_of


class Check(Step):
    """Nobody else looks at the health of a lone twin, so that AWS's own two checks have to pass."""

    action = "instance.check"
    subject = "instance"
    phase = "instances"
    calls = reading("ec2.describe_instance_status")

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if not ctx.moves(resource.ref) or not running(resource) or balancers_of(resource, ctx):
            return None
        return Draft(
            {"counterpart": ctx.counterpart(resource.ref)},
            f"See that the counterpart of {resource.name} passes its status checks.",
            seconds=CHECK_SECONDS,
            undo_seconds=BACK_SECONDS,
            calls=0,
            needs=frozenset({ready(resource.ref)}),
        )

    async def do(self, run: Run) -> Result:
        return {"checked": run.params["counterpart"]}

    def watch(self, result: Result) -> Watch | None:
        return Watch(
            "ec2.describe_instance_status",
            (result["checked"],),
            by="list:InstanceIds",  # it has no filter for ids, and takes a hundred at most
            items="InstanceStatuses[]",
            key="InstanceId",
            every=10.0,
            within=1800,
            most=100,
        )

    def verdict(self, result: Result, seen: Seen) -> Verdict:
        item = seen.get(result["checked"])
        if item is None:
            return PENDING
        checks = {item[name]["Status"] for name in ("InstanceStatus", "SystemStatus")}
        return settled() if checks == {"ok"} else pending(f"{result['checked']}: status checks {sorted(checks)}")

    async def undo(self, run: Run, result: Result | None) -> None:
        """Nothing was changed."""


class Park(Step):
    """A launch always starts; the twin of a source that was stopped is stopped again, to match."""

    action = "instance.park"
    subject = "instance"
    phase = "instances"
    calls: ClassVar[Calls] = {
        **reading("ec2.describe_instances"),
        "ec2.stop_instances": on("instance/{counterpart}"),
    }

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if not ctx.moves(resource.ref) or running(resource) or resource.facts["root_device_type"] != "ebs":
            return None
        return Draft(
            {"counterpart": ctx.counterpart(resource.ref)},
            f"Stop the counterpart of {resource.name}, which was stopped itself.",
            seconds=STOP_SECONDS,
            undo_seconds=BACK_SECONDS,
            needs=frozenset({in_service(resource.ref)}),
        )

    async def do(self, run: Run) -> Result:
        await run.cloud.call("ec2.stop_instances", InstanceIds=[run.params["counterpart"]])
        return {"parked": run.params["counterpart"]}

    def watch(self, result: Result) -> Watch | None:
        return watch_instances(result["parked"])

    def verdict(self, result: Result, seen: Seen) -> Verdict:
        return judge_state(seen, result["parked"], ["stopped"])

    async def undo(self, run: Run, result: Result | None) -> None:
        """The twin is terminated next; starting it before that would only run what nobody wants to run."""
