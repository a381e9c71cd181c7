"""Looking at instances: the watches their steps share, so that one describe answers for hundreds."""

from collections.abc import Iterable, Mapping
from typing import Any

from app.execution.step import Run, Seen, StepBroken, Verdict, Watch, broken, pending, settled

ALIVE = ["pending", "running", "stopping", "stopped"]
GONE = ("shutting-down", "terminated")


def watch_instances(*instance_ids: str) -> Watch:
    """By filter: a describe with a filter draws on the larger bucket (performance.md)."""
    return Watch(
        "ec2.describe_instances",
        instance_ids,
        by="filter:instance-id",
        items="Reservations[].Instances[]",
        key="InstanceId",
        within=1800,
    )


def state_of(item: Mapping[str, Any]) -> str:
    return str(item["State"]["Name"])


def judge_state(seen: Seen, instance_id: str, wanted: Iterable[str]) -> Verdict:
    """Settled in one of the `wanted` states (learned as `state`), broken where it ended instead."""
    item = seen.get(instance_id)
    if item is None:
        return pending(f"{instance_id} is not visible")
    state = state_of(item)
    if state in wanted:
        return settled(state=state)
    if state in GONE:
        why = item.get("StateReason", {}).get("Message") or item.get("StateTransitionReason") or "no reason given"
        return broken(f"{instance_id} is {state} ({why}): put right what ended it, then retry the step.")
    return pending(f"{instance_id} is {state}")


async def wait_for_state(run: Run, instance_id: str, *wanted: str) -> str:
    """Wait until it is in one of the states; which one. Raises StepBroken where it never will be."""
    learned = await run.wait(watch_instances(instance_id), lambda seen: judge_state(seen, instance_id, wanted))
    return str(learned["state"])


async def made_by(run: Run) -> list[str]:
    """Ids of the live instances that this step made."""
    filters = [*run.mine, {"Name": "instance-state-name", "Values": ALIVE}]
    pages = run.cloud.pages("ec2.describe_instances", Filters=filters)
    return [
        item["InstanceId"]
        async for page in pages
        for reservation in page["Reservations"]
        for item in reservation["Instances"]
    ]


async def describe(run: Run, instance_id: str) -> dict[str, Any] | None:
    """The instance as AWS shows it; None where it is not shown."""
    answer = await run.cloud.call("ec2.describe_instances", Filters=[{"Name": "instance-id", "Values": [instance_id]}])
    found: Iterable[dict[str, Any]] = (
        item for reservation in answer["Reservations"] for item in reservation["Instances"]
    )
    return next(iter(found), None)


async def require_counterpart(run: Run, instance_id: str, *, rests: bool = False) -> dict[str, Any]:
    """The counterpart of an instance, before anything of that is destroyed. It runs; where it `rests`, it may have
    stopped. Params: counterpart. Raises StepBroken where it is gone or does not run."""
    twin_id = run.params["counterpart"]
    twin = await describe(run, twin_id) if twin_id else None
    if twin is None or state_of(twin) not in ALIVE:
        raise StepBroken(
            f"{instance_id} has no counterpart any more, so nothing of it is destroyed: find out what became of the "
            "counterpart, and take this step out by skipping it."
        )
    if state_of(twin) != "running" and not rests:
        raise StepBroken(
            f"{twin_id}, the counterpart of {instance_id}, is {state_of(twin)}: see who stopped it and start it, then "
            "retry this step; or skip it."
        )
    return twin
