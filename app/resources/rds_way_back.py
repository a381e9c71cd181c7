"""The way back from a VPC into EC2-Classic, which no call offers: the moved database steps aside and the
snapshot from before the move is restored under the old name, with all that a restore does not bring.

What was written in the VPC is not in that snapshot. It is kept in a final snapshot of the moved database.
"""

from contextlib import suppress
from typing import Any

from app.cloud import AlreadyExists
from app.execution.step import Run, StepBroken
from app.resources import rds_looking as look
from app.resources.rds_method import LONGEST_NAME, carried, kept_up
from app.resources.vpc_group import short_hash


async def back_to_classic(run: Run) -> None:
    """Repeatable: every part looks at what an earlier try has done. Params: name, snapshot, source (its facts)."""
    name, source = run.params["name"], run.params["source"]
    found = await look.describe(run, name)
    if found is not None and found["DBInstanceStatus"] != "available":
        await run.wait(look.watch_database(name), look.when(name))
        found = await look.describe(run, name)
    if found is not None and found.get("DBSubnetGroup"):
        await _step_aside(run, found)
        found = None
    if found is None:
        found = await _restore(run)
    if found["DbiResourceId"] == source["resource_id"]:
        await _same_class(run, found)
        return
    await _as_it_was(run)
    await look.delete(run, _aside(run), look.snapshot_name(run, name, "undone"))


def _aside(run: Run) -> str:
    ending = short_hash(run.job_id)
    return f"{run.params['name'][: LONGEST_NAME - len(ending) - 5].rstrip('-')}-vpc-{ending}"


async def _step_aside(run: Run, found: dict[str, Any]) -> None:
    """Our tags say that it may be deleted; then the name is free."""
    if not run.params.get("snapshot"):
        raise StepBroken(f"{run.params['name']} is in a VPC and has no snapshot of ours: it stays where it is.")
    await run.cloud.call("rds.add_tags_to_resource", ResourceName=found["DBInstanceArn"], Tags=run.tag_list)
    aside = _aside(run)
    await look.rename(run, run.params["name"], aside, found["DbiResourceId"])
    await run.wait(look.watch_database(aside), look.when(aside))


async def _restore(run: Run) -> dict[str, Any]:
    """In EC2-Classic, since no subnet group is asked for; nobody is let in yet."""
    name, source = run.params["name"], run.params["source"]
    aside = await look.describe(run, _aside(run))
    if aside is None or not await look.owned(run, aside):
        raise StepBroken(f"There is no database called {name}: it was deleted or renamed by somebody else.")
    request = carried(source) | {
        "DBInstanceClass": source["class"],
        "OptionGroupName": source["option_group"],
        "AvailabilityZone": source["zone"],
        "MultiAZ": False,
        "Tags": [{"Key": key, "Value": value} for key, value in source["tags"].items()],
    }
    with suppress(AlreadyExists):  # by our own earlier try, whose answer was lost
        await run.cloud.call(
            "rds.restore_db_instance_from_db_snapshot",
            DBInstanceIdentifier=name,
            DBSnapshotIdentifier=run.params["snapshot"],
            **request,
        )
    await run.wait(look.watch_database(name), look.when(name))
    return await look.existing(run, name)


async def _as_it_was(run: Run) -> None:
    """Its DB security groups last: from then on callers are let in again."""
    name, source = run.params["name"], run.params["source"]
    await look.modify(run, name, **kept_up(source))
    keys = ("BackupRetentionPeriod",)
    await run.wait(look.watch_database(name), look.when(name, look.nothing_pending(*keys)))
    groups = source["db_security_groups"]
    await look.modify(run, name, DBSecurityGroups=groups)
    await run.wait(look.watch_database(name), look.when(name, lambda item: let_in_by(item, groups)))


def let_in_by(item: look.Item, groups: list[str]) -> bool:
    """Whether these DB security groups, and no others, are in force."""
    memberships = {each["DBSecurityGroupName"]: each["Status"] for each in item.get("DBSecurityGroups", ())}
    return sorted(memberships) == sorted(groups) and set(memberships.values()) <= {"active"}


async def _same_class(run: Run, found: dict[str, Any]) -> None:
    """It never left EC2-Classic; a class chosen for the VPC may have been set."""
    wanted, name = run.params["source"]["class"], run.params["name"]
    if found["DBInstanceClass"] != wanted:
        await look.modify(run, name, DBInstanceClass=wanted)
        await run.wait(look.watch_database(name), look.when(name, lambda item: item["DBInstanceClass"] == wanted))
