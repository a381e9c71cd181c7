"""Applying what is pending on a DB instance: how long it takes, with or without an outage."""

from typing import Any

from sandbox.errors import AwsError
from sandbox.rds.db_instances import DbInstance, replicas_of
from sandbox.rds.db_move import check_move
from sandbox.rds.db_phases import Phase, become_available, note, pass_through
from sandbox.rds.db_subnet_groups import DbSubnetGroup
from sandbox.rds.option_groups import bind
from sandbox.rds.windows import seconds_until
from sandbox.world import Place

# Changes that restart the engine; the others leave it answering.
OUTAGE = frozenset({"instance_class", "engine_version", "port"})


def wait_for_window(place: Place, db: DbInstance) -> None:
    """Have what is pending applied when the maintenance window next opens."""
    if db.window:
        db.window.cancel()
    if "option_group" in db.pending:
        db.option_status = "pending-maintenance-apply"

    def opens() -> None:
        db.window = None
        if db.pending and db.status == "available":
            apply_pending(place, db)
        elif db.pending:
            wait_for_window(place, db)

    now = place.clock.now()
    db.window = place.clock.after(seconds_until(db.maintenance_window, now), opens)


def apply_pending(place: Place, db: DbInstance) -> None:
    """Begin to apply all that is pending; a new name is taken at once, the rest at the end."""
    if db.window:
        db.window.cancel()
        db.window = None
    _drop_impossible(place, db)
    phases = _phases(place, db)
    if "option_group" in db.pending:
        db.option_status = "applying"
    if "identifier" in db.pending:
        _rename(place, db, db.pending.pop("identifier"))
    pass_through(place, db, phases, lambda: _finish(place, db))


def _phases(place: Place, db: DbInstance) -> list[Phase]:
    names, durations = set(db.pending), place.durations
    phases = []
    if "identifier" in names:
        phases.append(Phase("renaming", durations.db_rename, serving=False))
    if names - {"identifier"}:
        restarts = bool(names & OUTAGE)
        phases.append(Phase("modifying", durations.db_modify, serving=not restarts))
    if "subnet_group" in names:
        phases.append(Phase("moving-to-vpc", durations.db_move_to_vpc, serving=False))
    return phases


def _drop_impossible(place: Place, db: DbInstance) -> None:
    """What was allowed when asked for may not be when the window opens: it is given up, with an event."""
    name = db.pending.get("identifier")
    if name and name in place.table(DbInstance):
        del db.pending["identifier"]
        note(place, db, f"Unable to rename to {name}: the name is taken.", "notification")
    if "subnet_group" not in db.pending:
        return
    try:
        check_move(place, db, db.pending)
    except AwsError as refusal:
        for each in ("subnet_group", "vpc_security_group_ids", "publicly_accessible"):
            db.pending.pop(each, None)
        note(place, db, f"Unable to move: {refusal.message}", "notification")


def _rename(place: Place, db: DbInstance, name: str) -> None:
    """The old name, and its DNS name, are gone at once; the new one answers when renaming is done.

    Its replicas follow the renamed DB instance (aws-facts A5).
    """
    for replica in replicas_of(place, db):
        replica.replica_of = name
    table = place.table(DbInstance)
    del table[db.identifier]
    db.identifier, db.endpoint = name, None
    table[name] = db


def _finish(place: Place, db: DbInstance) -> None:
    done: dict[str, Any] = dict(db.pending)
    db.pending.clear()
    if "subnet_group" in done:
        group = place.table(DbSubnetGroup)[done["subnet_group"]]
        done |= {"vpc_id": group.vpc_id, "db_security_groups": []}
    for name, value in done.items():
        setattr(db, name, value)
    bind(place, db.option_group, db.vpc_id)
    db.option_status = "in-sync"
    if set(done) & OUTAGE:
        db.parameter_status = "in-sync"
    become_available(place, db)
    note(place, db, "Finished applying modification to the DB instance", "configuration change")
