"""Finalize: the TTL is again what it was; the rest of the record stays as it has become."""

from collections.abc import Mapping
from typing import ClassVar

from app.execution.calls import Calls, on, reading
from app.execution.step import Alters, Result, Run, StepBroken, Watch
from app.planning.context import Context
from app.planning.inventory import Json, Resource
from app.planning.plan import Draft, promise, step_id
from app.resources.dns_changes import Record, RecordStep, current, essence, upsert, watch_change
from app.resources.dns_steps import CHANGE_SECONDS, SHORT_TTL, Cutover, FollowInstance, follows


class RestoreTtl(RecordStep):
    """Of a record that is as the cutover left it: the way back by a short TTL ends here."""

    action = "dns_record.restore_ttl"
    phase = "finalize"
    alters: ClassVar[Alters] = {"dns_record": frozenset({"record"})}
    calls: ClassVar[Calls] = {
        **reading("route53.list_resource_record_sets", "route53.get_change"),
        "route53.change_resource_record_sets": on("hostedzone/{zone}"),
    }

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        record = resource.facts["record"]
        followed = follows(resource, ctx)
        if not followed or record.get("TTL", 0) <= SHORT_TTL:
            return None
        return Draft(
            {"zone": resource.facts["zone"], "record": record, "moved": _moved(resource, followed)},
            f"Set the TTL of {resource.name} back to {record['TTL']} s.",
            seconds=CHANGE_SECONDS,
            calls=4,
            reversible=False,
        )

    async def check(self, run: Run) -> None:
        """What was led elsewhere since, or back, needs its short TTL for as long as somebody is at it."""
        found = await current(run)
        if found is None or "TTL" not in found or not run.params.get("moved"):
            return
        if all(_untimed(found) != _untimed(record) for record in run.params["moved"] if record):
            raise StepBroken(
                f"{found['Name']} was changed by somebody else after the move: see where it is to lead. Put it back, "
                "then retry this step; or skip it and set its TTL yourself.",
                "record_changed",
            )

    async def do(self, run: Run) -> Result:
        await self.check(run)
        found = await current(run)
        if found is None or "TTL" not in found:
            return {}  # somebody has replaced the record: its TTL is theirs
        return {"change": await upsert(run, {**found, "TTL": run.params["record"]["TTL"]})}

    def watch(self, result: Result) -> Watch | None:
        return watch_change(result["change"]) if result.get("change") else None

    async def undo(self, run: Run, result: Result | None) -> None:
        found = await current(run)
        if result and found is not None and found.get("TTL") == run.params["record"]["TTL"]:
            await upsert(run, {**found, "TTL": SHORT_TTL})


def _moved(record: Resource, followed: Mapping[str, Json]) -> list[Json]:
    """The record as the cutovers leave it."""
    actions = {"load_balancer": Cutover.action, "instance": FollowInstance.action}
    kinds = sorted({ref.kind for ref in followed.values()})
    return [promise(step_id(actions[kind], record.ref), "record") for kind in kinds]


def _untimed(record: Record) -> tuple[Json, ...]:
    return essence({**record, "TTL": None})
