"""Snapshots taken while the source runs: the image then has only the difference to copy (aws-facts A4, AMI)."""

from typing import ClassVar

from app.execution.calls import Calls, makes, on, ours, reading
from app.execution.step import Result, Run, Seen, Step, Verdict, Watch, broken, pending, settled
from app.planning.context import Context
from app.planning.inventory import Json, Ref, Resource
from app.planning.plan import Draft, Milestone, StepId, in_service, promise, step_id
from app.resources.instance_backups import delete_snapshots, find_earlier, find_for_undo, snapshots_of
from app.resources.instance_looking import require_counterpart
from app.resources.instance_method import BACK_SECONDS
from app.resources.instance_outage import (
    presnapshot_seconds,
    second_snapshot_seconds,
    takes_presnapshot,
    takes_second_snapshot,
)
from app.resources.instance_volumes import moved_volumes, reattaches
from app.resources.turns import after_others

# A snapshot may take hours (aws-facts A4).
SNAPSHOT_WITHIN = 24 * 3600.0


class _Snapshots(Step):
    """Of the instance's volumes but those `left_out`."""

    subject = "instance"
    calls: ClassVar[Calls] = {
        **reading("ec2.describe_snapshots"),
        "ec2.create_snapshots": makes("snapshot/*") + on("instance/{instance_id}", "volume/*"),
        "ec2.delete_snapshot": ours("snapshot/*"),
    }

    async def do(self, run: Run) -> Result:
        found = await find_earlier(run, snapshots_of)
        if not found:
            left_out = {"ExcludeDataVolumeIds": run.params["left_out"]} if run.params["left_out"] else {}
            answer = await run.cloud.call(
                "ec2.create_snapshots",
                InstanceSpecification={"InstanceId": run.params["instance_id"], **left_out},
                Description=f"Taken before {run.params['instance_id']} is imaged",
                TagSpecifications=run.tag_specifications("snapshot", extra=run.params["tags"]),
            )
            found = [snapshot["SnapshotId"] for snapshot in answer["Snapshots"]]
        return {"snapshot_ids": sorted(found)}

    def watch(self, result: Result) -> Watch | None:
        return Watch(
            "ec2.describe_snapshots",
            tuple(result["snapshot_ids"]),
            by="filter:snapshot-id",
            items="Snapshots[]",
            key="SnapshotId",
            every=15.0,
            within=SNAPSHOT_WITHIN,
        )

    def verdict(self, result: Result, seen: Seen) -> Verdict:
        states = {id_: seen[id_]["State"] if id_ in seen else "not visible" for id_ in result["snapshot_ids"]}
        if failed := [id_ for id_, state in states.items() if state == "error"]:
            return broken(f"Snapshot {failed[0]} failed: see its status message in AWS, then retry the step.")
        missing = [id_ for id_, state in states.items() if state != "completed"]
        return pending(f"{missing[0]} is {states[missing[0]]}") if missing else settled()

    async def undo(self, run: Run, result: Result | None) -> None:
        await delete_snapshots(run, await find_for_undo(run, snapshots_of))


def _params(resource: Resource, left_out: list[Json]) -> dict[str, Json]:
    return {"instance_id": resource.ref.id, "left_out": left_out, "tags": dict(resource.tags)}


class Presnapshot(_Snapshots):
    action = "instance.presnapshot"
    phase = "prepare"

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if not ctx.moves(resource.ref) or not takes_presnapshot(resource, ctx):
            return None
        also = " and to have a way back for those that go over" if reattaches(resource, ctx) else ""
        return Draft(
            _params(resource, []),
            f"Snapshot the volumes of {resource.name} while it runs, to shorten its outage{also}.",
            seconds=presnapshot_seconds(resource),
            undo_seconds=BACK_SECONDS,
        )


class PresnapshotAgain(_Snapshots):
    """Right before the stop, as far as can be known: when all that the stop itself waits for is in service."""

    action = "instance.presnapshot_again"
    phase = "instances"

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if not ctx.moves(resource.ref) or not takes_second_snapshot(resource, ctx):
            return None
        needs: set[StepId | Milestone] = {step_id("instance.presnapshot", resource.ref)}
        return Draft(
            _params(resource, [volume["volume_id"] for volume in moved_volumes(resource, ctx)]),
            f"Snapshot {resource.name} once more: the first took long, and what was written meanwhile would prolong "
            "its outage.",
            seconds=second_snapshot_seconds(resource, ctx),
            undo_seconds=BACK_SECONDS,
            needs=frozenset(
                needs | after_others(resource, ctx) | {in_service(ref) for ref in _moves_first(resource, ctx)}
            ),
        )


def _moves_first(instance: Resource, ctx: Context) -> set[Ref]:
    """The managed services it calls, which move before it does (aws-facts A1, "Direction")."""
    flows = (flow for flow in ctx.flows if str(instance.ref) in flow.sources)
    called = {Ref.parse(target) for flow in flows for target in flow.targets}
    return {ref for ref in called if ref.kind not in ctx.linkable}


class DropPresnapshots(Step):
    """Finalize: the snapshots taken to shorten the image are of no more use."""

    action = "instance.drop_presnapshots"
    subject = "instance"
    phase = "finalize"
    calls: ClassVar[Calls] = {
        **reading("ec2.describe_instances"),
        "ec2.delete_snapshot": ours("snapshot/*"),
    }

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        if not ctx.moves(resource.ref) or not takes_presnapshot(resource, ctx):
            return None
        steps = ["instance.presnapshot"]
        if takes_second_snapshot(resource, ctx):
            steps.append("instance.presnapshot_again")
        return Draft(
            {
                "snapshot_ids": [promise(step_id(step, resource.ref), "snapshot_ids") for step in steps],
                "counterpart": ctx.counterpart(resource.ref),
            },
            f"Delete the snapshots taken to shorten the image of {resource.name}.",
            calls=3,
            reversible=False,
        )

    async def check(self, run: Run) -> None:
        """Where the counterpart was lost, they may be what it can be had back from."""
        if "counterpart" in run.params:  # plans of before do not tell it
            await require_counterpart(run, run.subject.id)

    async def do(self, run: Run) -> Result:
        await self.check(run)
        for snapshot_ids in run.params["snapshot_ids"]:
            await delete_snapshots(run, snapshot_ids or ())
        return {}

    async def undo(self, run: Run, result: Result | None) -> None:
        """Deleted snapshots cannot be had back; nothing needs them."""
