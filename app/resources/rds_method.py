"""How one database moves, and under which names.

    modify     snapshot → (single-AZ) → ModifyDBInstance into the subnet group → (Multi-AZ): no write is lost,
               the name stays, and the database is out for as long as RDS takes
    restore    snapshot → fence and rename → last snapshot → restore under the name that is free now: where it has
               read replicas, where it is the shorter outage, or chosen
    replicate  a read replica whose source is restored: a new replica of the twin → swap the names

The refusals are those of aws-facts A5 (RDSV, RDSN).
"""

from collections.abc import Mapping
from typing import Literal

from app.planning.context import Context
from app.planning.inventory import Json, Ref, Resource
from app.resources.db_subnet_group import subnet_group_zones
from app.resources.vpc_group import short_hash

Method = Literal["modify", "restore", "replicate"]

# Not to be had in a VPC: db.m3 or db.r3 first (aws-facts A5, RDSN).
OLD_CLASSES = ("db.t1.", "db.m1.", "db.m2.")
LONGEST_NAME = 63  # of a DB instance (BC:CreateDBInstance)

# Seconds on AWS's clock, of which AWS publishes none: typical ones.
SNAPSHOT_SECONDS = 120.0
LAST_SNAPSHOT_SECONDS = 30.0  # of what was written since an earlier one
MOVE_SECONDS = 480.0
MODIFY_SECONDS = 60.0
RESTORE_SECONDS = 420.0
REPLICA_SECONDS = 420.0
RENAME_SECONDS = 60.0
FENCE_SECONDS = 65.0  # RENAME_SECONDS, and until the group is there
DELETE_SECONDS = 180.0
DROP_SECONDS = 1.0  # of a snapshot
# A new name works "in about 10 minutes", and caches linger (aws-facts A5, RDSR).
NAME_SECONDS = 600.0


def endpoint(name: str) -> str:
    """What callers know a database by, as effects call it."""
    return f"endpoint:{name}"


def method(database: Resource, ctx: Context) -> Method | None:
    """None where it does not move, or cannot: then a finding says why."""
    if not ctx.moves(database.ref):
        return None
    if source := database.facts["replica_of"]:
        source_ref = Ref("rds_instance", source)
        found = ctx.inventory.get(source_ref)
        follows = found is not None and method(found, ctx) in ("restore", "replicate")
        return "replicate" if follows else None
    chosen = ctx.override(database.ref, "method")
    if chosen == "restore" or (chosen is None and database.facts["replicas"]):
        return "restore"
    if chosen is None and ctx.incremental:
        return "restore" if restore_outage() < modify_outage(database, ctx) else "modify"
    return "modify"


def modify_outage(database: Resource, ctx: Context) -> float:
    """Seconds for which nobody can call it. A standby goes and comes while it serves (aws-facts A5)."""
    return MOVE_SECONDS + (MODIFY_SECONDS if target_class(database, ctx) != database.facts["class"] else 0.0)


def restore_outage() -> float:
    """The same whatever its size: all but the last writes are in the snapshot taken ahead, and a restored volume is
    filled while it serves. A new class, a standby and read replicas make it no longer."""
    return FENCE_SECONDS + LAST_SNAPSHOT_SECONDS + RESTORE_SECONDS


def compared(database: Resource, ctx: Context) -> str:
    """How long it is out, and how long it would be the other way."""
    modify, restore = modify_outage(database, ctx), restore_outage()
    if method(database, ctx) == "restore":
        out, other, way = restore, modify, "moved in place"
    else:
        out, other, way = modify, restore, "restored beside itself"
    told = f"it is out for about {round(out)} seconds, "
    if database.facts["replicas"]:
        return told + "and cannot be moved in place, as it has read replicas"
    if out == other:
        return told + f"as it would be {way}"
    return told + f"{round(abs(out - other))} {'less' if out < other else 'more'} than {way}"


def stands_aside(database: Resource, ctx: Context) -> bool:
    """Whether a twin is made and takes its name, so that it is called otherwise and is deleted in the end."""
    return method(database, ctx) in ("restore", "replicate")


def target_class(database: Resource, ctx: Context) -> str:
    return str(ctx.override(database.ref, "db_instance_class", database.facts["class"]))


def target_option_group(database: Resource, ctx: Context) -> str:
    facts = database.facts
    own = facts["option_group"] if facts["option_group_moves"] else facts["default_option_group"]
    return str(ctx.override(database.ref, "option_group", own))


def target_groups(database: Resource, ctx: Context) -> list[Json]:
    """The twins of its DB security groups."""
    refs = [Ref("db_security_group", name) for name in database.facts["db_security_groups"]]
    return [ctx.counterpart(ref) for ref in refs if ctx.moves(ref)]


def target_public(database: Resource, ctx: Context) -> bool:
    """Public in the VPC too where a rule lets addresses in; else callers are groups, which call privately."""
    groups = (ctx.inventory.get(Ref("db_security_group", name)) for name in database.facts["db_security_groups"])
    by_address = any(group.facts["cidrs"] for group in groups if group)
    return bool(ctx.override(database.ref, "publicly_accessible", database.facts["public"] and by_address))


def zone_covered(database: Resource, ctx: Context) -> bool:
    return database.facts["zone"] in subnet_group_zones(ctx)


def _other_name(database: Resource, ctx: Context, ending: str) -> str:
    name = f"{database.ref.id[: LONGEST_NAME - len(ending) - 1].rstrip('-')}-{ending}"
    if Ref("rds_instance", name) not in ctx.inventory:
        return name
    room = LONGEST_NAME - len(ending) - 10
    return f"{database.ref.id[:room].rstrip('-')}-{short_hash(database.ref.id)}-{ending}"


def twin_name(database: Resource, ctx: Context) -> str:
    """What a new read replica is called until it takes the source's name."""
    return _other_name(database, ctx, "vpc")


def aside_name(database: Resource, ctx: Context) -> str:
    """What the source is called from then on."""
    return _other_name(database, ctx, "classic")


def carried(facts: Mapping[str, Json]) -> dict[str, Json]:
    """What a restore or a new replica is told, since it takes none of it from its source (aws-facts A5)."""
    request = {
        "Port": facts["port"],
        "AutoMinorVersionUpgrade": facts["auto_minor_upgrade"],
        "CopyTagsToSnapshot": facts["copy_tags"],
        "StorageType": facts["storage_type"],
        "DBParameterGroupName": facts["parameter_group"],
    }
    if facts["storage_type"].startswith("io"):
        request["Iops"] = facts["iops"]
    return {key: value for key, value in request.items() if value not in ("", 0)}


def kept_up(facts: Mapping[str, Json]) -> dict[str, Json]:
    """What can only be set once it is there."""
    request = {
        "BackupRetentionPeriod": facts["backup_retention"],
        "PreferredBackupWindow": facts["backup_window"],
        "PreferredMaintenanceWindow": facts["maintenance_window"],
        "DeletionProtection": facts["deletion_protection"],
    }
    if facts["monitoring_interval"] and facts["monitoring_role"]:
        request |= {"MonitoringInterval": facts["monitoring_interval"], "MonitoringRoleArn": facts["monitoring_role"]}
    return {key: value for key, value in request.items() if value != ""}


def placed(facts: Mapping[str, Json]) -> dict[str, Json]:
    """Its zone, or the choice of two: a Multi-AZ one cannot ask for a zone."""
    return {"MultiAZ": True} if facts["multi_az"] else {"AvailabilityZone": facts["zone"]}
