"""How a DB instance passes through its statuses on the clock."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sandbox.rds.db_instances import DbInstance
from sandbox.rds.events import record
from sandbox.rds.names import arn, endpoint_of
from sandbox.world import Place


@dataclass(frozen=True)
class Phase:
    """A status for so many seconds, with or without taking connections."""

    status: str
    seconds: float
    serving: bool


def enter(place: Place, db: DbInstance, status: str, *, serving: bool) -> None:
    """Be in a status from this moment; who can reach it may have changed."""
    db.status, db.serving = status, serving
    place.changed()


def become_available(place: Place, db: DbInstance) -> None:
    db.endpoint = endpoint_of(place, db.identifier)
    enter(place, db, "available", serving=True)


def pass_through(place: Place, db: DbInstance, phases: Sequence[Phase], then: Callable[[], None]) -> None:
    """Enter the phases one after the other, then do `then`. Replaces whatever was going on."""
    if db.timer:
        db.timer.cancel()
    if not phases:
        db.timer = None
        then()
        return
    first, rest = phases[0], phases[1:]
    enter(place, db, first.status, serving=first.serving)
    db.timer = place.clock.after(first.seconds, lambda: pass_through(place, db, rest, then))


def stop_timers(db: DbInstance) -> None:
    """Nothing that was due for it happens any more, neither a phase nor its maintenance window."""
    for timer in (db.timer, db.window):
        if timer:
            timer.cancel()
    db.timer = db.window = None


def note(place: Place, db: DbInstance, message: str, category: str) -> None:
    record(place, db.identifier, arn(place, "db", db.identifier), message, category)
