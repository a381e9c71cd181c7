"""Looking at databases and snapshots of RDS, and the few calls that several steps share."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from app.cloud import AlreadyExists, NotFound
from app.execution.calls import on, ours
from app.execution.step import Judge, Run, Seen, StepBroken, Verdict, Watch, broken, pending, settled
from app.resources.looking_twice import look_twice
from app.resources.vpc_group import short_hash

# Statuses that no waiting ends.
FAILED = ("failed", "incompatible-", "inaccessible-", "restore-error", "storage-full")
PATIENCE = 12 * 3600.0  # large databases take hours to restore

# AWS asks for these as well wherever a database is made or changed, whichever of them the call names [K].
SETTINGS = on("og:*", "pg:*", "secgrp:*", "subgrp:*")
# A database that is deleted leaves one behind [K].
LAST_SNAPSHOT = on("snapshot:landbridge-*") + ours("db:*")

Item = Mapping[str, Any]


def watch_database(name: str) -> Watch:
    return Watch(
        "rds.describe_db_instances",
        (name,),
        by="filter:db-instance-id",
        items="DBInstances[]",
        key="DBInstanceIdentifier",
        every=10.0,
        within=PATIENCE,
    )


def watch_snapshot(name: str) -> Watch:
    return Watch(
        "rds.describe_db_snapshots",
        (name,),
        by="filter:db-snapshot-id",
        items="DBSnapshots[]",
        key="DBSnapshotIdentifier",
        every=10.0,
        within=PATIENCE,
    )


def available(name: str, seen: Seen, settled_when: Callable[[Item], bool] = lambda item: True) -> Verdict:
    """Settled when it is available and `settled_when` holds; unknown statuses are waited out."""
    item = seen.get(name)
    if item is None:
        return pending(f"{name} is not to be seen yet.")
    status = item["DBInstanceStatus"]
    if status.startswith(FAILED):
        return broken(f"{name} is {status}: see its events in RDS, mend it, then retry this step.")
    if status == "available" and settled_when(item):
        return settled()
    return pending(f"{name} is {status}.")


def visible(name: str) -> Judge:
    return lambda seen: settled() if name in seen else pending(f"{name} is not to be seen yet.")


def gone(name: str) -> Judge:
    def judge(seen: Seen) -> Verdict:
        return pending(f"{name} is {seen[name]['DBInstanceStatus']}.") if name in seen else settled()

    return judge


def when(name: str, settled_when: Callable[[Item], bool] = lambda item: True) -> Judge:
    """As `available`, for Run.wait."""
    return lambda seen: available(name, seen, settled_when)


def nothing_pending(*keys: str) -> Callable[[Item], bool]:
    """None of these waits to be applied."""
    return lambda item: not any(item.get("PendingModifiedValues", {}).get(key) is not None for key in keys)


async def describe(run: Run, name: str) -> dict[str, Any] | None:
    answer = await run.cloud.call("rds.describe_db_instances", Filters=[{"Name": "db-instance-id", "Values": [name]}])
    return next(iter(answer["DBInstances"]), None)


async def existing(run: Run, name: str) -> dict[str, Any]:
    """Raises StepBroken where it is not there."""
    found = await describe(run, name)
    if found is None:
        raise StepBroken(f"There is no database called {name}: discover and plan anew.")
    return found


async def owned(run: Run, found: Mapping[str, Any]) -> bool:
    """By the tags that RDS lists, which Describe may leave out."""
    answer = await run.cloud.call("rds.list_tags_for_resource", ResourceName=found["DBInstanceArn"])
    return run.owns(answer["TagList"])


async def modify(run: Run, name: str, **changes: Any) -> None:
    """At once. AWS applies whatever else was pending, too (BC:ModifyDBInstance)."""
    await run.cloud.call("rds.modify_db_instance", DBInstanceIdentifier=name, ApplyImmediately=True, **changes)


async def rename(run: Run, old: str, new: str, resource_id: str, **changes: Any) -> None:
    """Ask for the new name, and `changes` with it, unless the database `resource_id` has that name; it answers under
    it some time later.

    Raises StepBroken where neither name is that database's.
    """
    found = await describe(run, new)
    if found is not None and found["DbiResourceId"] == resource_id:
        return
    found = await existing(run, old)
    if found["DbiResourceId"] != resource_id:
        raise StepBroken(f"{old} is not the database it was when the plan was made: discover and plan anew.")
    await run.wait(watch_database(old), when(old))
    await modify(run, old, NewDBInstanceIdentifier=new, **changes)


def snapshot_name(run: Run, name: str, why: str = "") -> str:
    """The same within an attempt, another in the next: an old snapshot lacks the writes since."""
    words = [each for each in ("landbridge", name[:40].rstrip("-"), why, short_hash(run.token, 12)) if each]
    return "-".join(words)


async def take_snapshot(run: Run, database: str) -> str:
    """The name of the snapshot that this attempt takes, or has taken."""
    name = snapshot_name(run, database)
    try:
        await run.cloud.call(
            "rds.create_db_snapshot", DBInstanceIdentifier=database, DBSnapshotIdentifier=name, Tags=run.tag_list
        )
    except AlreadyExists:
        await run.consistency()
        if not any(each["DBSnapshotIdentifier"] == name for each in await _our_snapshots(run, database)):
            raise
    return name


async def drop_snapshots(run: Run, database: str) -> None:
    """Delete every snapshot that this step has taken, in whichever attempt."""

    async def ours() -> list[dict[str, Any]] | None:
        return await _our_snapshots(run, database) or None

    for snapshot in await look_twice(run, ours) or ():
        name = snapshot["DBSnapshotIdentifier"]
        await run.wait(watch_snapshot(name), partial(snapshot_ready, name))
        with suppress(NotFound):
            await run.cloud.call("rds.delete_db_snapshot", DBSnapshotIdentifier=name)


def snapshot_ready(name: str, seen: Seen) -> Verdict:
    item = seen.get(name)
    if item is None:
        return pending(f"{name} is not to be seen yet.")
    if item["Status"] == "failed":
        return broken(f"Snapshot {name} failed: see the database's events in RDS, then retry this step.")
    return (
        settled() if item["Status"] == "available" else pending(f"{name} is {item.get('PercentProgress', 0)} % done.")
    )


async def _our_snapshots(run: Run, database: str) -> list[dict[str, Any]]:
    found = []
    async for page in run.cloud.pages("rds.describe_db_snapshots", DBInstanceIdentifier=database):
        for snapshot in page["DBSnapshots"]:
            tags = await run.cloud.call("rds.list_tags_for_resource", ResourceName=snapshot["DBSnapshotArn"])
            if run.owns(tags["TagList"]):
                found.append(snapshot)
    return found


async def delete(run: Run, name: str, final: str | None) -> None:
    """Delete and wait until it is gone, keeping a snapshot called `final`; quiet where it is not there."""
    found = await describe(run, name)
    if found is None:
        return
    if found["DBInstanceStatus"] != "deleting":
        if found.get("DeletionProtection"):
            await modify(run, name, DeletionProtection=False)
            await run.wait(watch_database(name), when(name, lambda item: not item.get("DeletionProtection")))
        how = {"FinalDBSnapshotIdentifier": final} if final else {"SkipFinalSnapshot": True}
        await run.cloud.call("rds.delete_db_instance", DBInstanceIdentifier=name, **how)
    await run.wait(watch_database(name), gone(name))
