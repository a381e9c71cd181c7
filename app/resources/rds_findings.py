"""What a person must know before databases move: every refusal of aws-facts A5, and what is lost by an undo."""

from collections.abc import Iterable, Iterator

from app.planning.context import Context
from app.planning.inventory import Ref, Resource
from app.planning.plan import Finding, Level
from app.resources.classic_link import GROUPS_PER_LINK
from app.resources.db_subnet_group import subnet_group_zones
from app.resources.rds_method import OLD_CLASSES, compared, method, target_class, target_option_group, zone_covered


def findings(ctx: Context) -> Iterator[Finding]:
    for database in ctx.moving("rds_instance"):
        for level, code, message in (
            *_topology(database, ctx),
            *_place(database, ctx),
            *_state(database, ctx),
            *_consequences(database, ctx),
        ):
            yield Finding(level, code, str(database.ref), message)


Told = Iterable[tuple[Level, str, str]]


def _told(level: Level, code: str, message: str) -> tuple[Level, str, str]:
    return level, code, message


def _topology(database: Resource, ctx: Context) -> Told:
    facts, way, name = database.facts, method(database, ctx), database.name
    if way is None:
        yield _told(
            "blocker",
            "read_replica",
            f"{name} is a read replica of {facts['replica_of']}, and a read replica cannot be moved. Promote it, or "
            "delete it and make another later; or move its source with it by the method restore.",
        )
    if way == "modify" and facts["replicas"]:
        yield _told(
            "blocker",
            "has_read_replicas",
            f"{name} has read replicas ({', '.join(facts['replicas'])}) and cannot be moved by modify. Choose the "
            "method restore, or delete them first.",
        )
    if way in ("restore", "replicate"):
        for replica in facts["replicas"]:
            if not ctx.moves(Ref("rds_instance", replica)):
                yield _told(
                    "warning",
                    "read_replica_left",
                    f"{replica} follows the renamed source of {name}, which nobody writes to any more: it falls "
                    "behind from the cutover on. Add it to the scope to have a new one made.",
                )
    if way == "modify" and facts["multi_az"]:
        yield _told(
            "note",
            "multi_az",
            f"{name} is Multi-AZ, which cannot be moved: it is without a standby from before the move until after.",
        )


def _place(database: Resource, ctx: Context) -> Told:
    name, zones = database.name, subnet_group_zones(ctx)
    if zones and not zone_covered(database, ctx):
        yield _told(
            "blocker",
            "subnet_group_lacks_zone",
            f"{name} is in {database.facts['zone']}, and the DB subnet group covers {', '.join(zones)}: add a subnet "
            "in that zone to it.",
        )
    if target_class(database, ctx).startswith(OLD_CLASSES):
        yield _told(
            "blocker",
            "old_instance_class",
            f"{target_class(database, ctx)} of {name} is not to be had in a VPC: choose another, db.m3 or db.r3 for "
            "example, with the override db_instance_class.",
        )
    group = database.facts["option_group"]
    if not database.facts["option_group_moves"] and not ctx.override(database.ref, "option_group"):
        instead = target_option_group(database, ctx)
        yield _told(
            "warning" if instead else "blocker",
            "option_group_replaced",
            f"Option group {group} of {name} belongs to EC2-Classic. The override option_group names one made for the "
            f"VPC" + (f"; without it, {instead} takes its place and the options are lost." if instead else "."),
        )
    if len(database.facts["db_security_groups"]) > ctx.override(database.ref, "max_groups", GROUPS_PER_LINK):
        yield _told(
            "blocker",
            "too_many_groups",
            f"{name} is in {len(database.facts['db_security_groups'])} DB security groups, and a network interface "
            f"takes {GROUPS_PER_LINK} groups. Merge some; or have AWS raise the quota and set the override max_groups.",
        )


def _state(database: Resource, ctx: Context) -> Told:
    if database.facts["state"] != "available":
        yield _told(
            "blocker",
            "database_not_available",
            f"{database.name} is {database.facts['state']}, and only an available database can be moved: start it, or "
            "wait, then discover again.",
        )
    if database.facts["pending"]:
        yield _told(
            "warning",
            "pending_changes_applied",
            f"{', '.join(database.facts['pending'])} of {database.name} waits for the maintenance window, and moving "
            "applies everything that waits: take it back first if it is not wanted now.",
        )


def _consequences(database: Resource, ctx: Context) -> Told:
    name, way = database.name, method(database, ctx)
    if way == "modify":
        yield _told(
            "warning",
            "undo_loses_writes",
            f"Nothing leads back in place: an undo restores {name} as it was in the snapshot taken before the move. "
            "What is written after that is kept only in a final snapshot of the moved database.",
        )
    if way == "restore":
        yield _told(
            "warning",
            "writes_stop",
            f"Nobody can call {name} while it is restored under its own name: open connections do not move, so restart "
            "callers that keep them, or the address of it. Its data is read in from the snapshot while it serves, so "
            "that it is slow at first. After an undo, what was written to the twin is only in a final snapshot of it.",
        )
    if way in ("modify", "restore"):
        chosen = "By the override, " if ctx.override(database.ref, "method") else "By "
        yield _told(
            "note",
            "database_outage",
            f"{chosen}{way}: {name} moves so that {compared(database, ctx)}. The override method chooses between "
            "modify and restore.",
        )
