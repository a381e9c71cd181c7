"""What the simulated account holds: a place per account and region, with a table per type of thing."""

import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from sandbox.calls import Calls
from sandbox.clock import Clock
from sandbox.durations import Durations
from sandbox.faults import Faults
from sandbox.limits import Limits
from sandbox.throttle import Throttle

ACCOUNT_ID = "123456789012"


@dataclass(frozen=True)
class Caller:
    """Who an access key stands for, as GetCallerIdentity tells."""

    account_id: str
    user_id: str
    arn: str


# Every access key that no AssumeRole made belongs to one user of one account.
ROOT = Caller(ACCOUNT_ID, "AIDASANDBOXUSER", f"arn:aws:iam::{ACCOUNT_ID}:user/sandbox")


class Kept(Protocol):
    """What every stored thing knows of itself: when it becomes visible to describe calls."""

    visible_at: datetime


T = TypeVar("T", bound=Kept)


class World:
    """One simulation: the clock, the seeded chance, and the places. All access holds `lock`."""

    def __init__(self, clock: Clock | None = None, seed: int = 0) -> None:
        self.clock = clock or Clock()
        self.random = random.Random(seed)
        self.lock = threading.RLock()
        self.durations = Durations()
        self.hide_created_for = 0.0  # seconds until a created thing is visible (a fault, see faults.py)
        self.throttle = Throttle(self.clock)
        self.faults = Faults(self.random)
        self.calls = Calls()
        self.callers: dict[str, Caller] = {}  # by access key id made by AssumeRole
        self.caller = ROOT  # whose request is being answered
        self.roles: dict[str, str] = {}  # role ARN -> ExternalId it demands ("" demands none)
        self.on_change: list[Callable[[Place], None]] = []
        self._places: dict[tuple[str, str], Place] = {}

    def place(self, account_id: str = ACCOUNT_ID, region: str = "us-east-1") -> "Place":
        key = (account_id, region)
        if key not in self._places:
            self._places[key] = Place(self, account_id, region)
        return self._places[key]

    def places(self) -> list["Place"]:
        return list(self._places.values())


class Place:
    """One account in one region. Types keep their things in `table(Type)`, keyed by id or name."""

    def __init__(self, world: World, account_id: str, region: str) -> None:
        self.world = world
        self.account_id = account_id
        self.region = region
        self.has_classic = True
        self.limits = Limits()
        self.prepared = False  # whether it has what AWS puts everywhere, see service.in_every_place
        self._tables: dict[type[Any], dict[str, Any]] = {}

    @property
    def clock(self) -> Clock:
        return self.world.clock

    @property
    def durations(self) -> Durations:
        return self.world.durations

    @property
    def zones(self) -> list[str]:
        return [self.region + letter for letter in "abcd"]

    def table(self, type_: type[T]) -> dict[str, T]:
        """Everything of a type, visible or not: for the simulation's own rules."""
        return self._tables.setdefault(type_, {})

    def seen(self, type_: type[T]) -> dict[str, T]:
        """What callers can see at this moment: for describe calls and for ids that callers name."""
        now = self.clock.now()
        return {key: thing for key, thing in self.table(type_).items() if thing.visible_at <= now}

    def things(self) -> Iterator[Any]:
        """Everything of all types, for rules about whatever uses a thing."""
        for table in self._tables.values():
            yield from table.values()

    def holds(self, resource_id: str) -> bool:
        """Whether something of any type that callers can see has this id (or key, or allocation id)."""
        now = self.clock.now()
        return any(
            thing.visible_at <= now
            for table in self._tables.values()
            for key, thing in table.items()
            if resource_id in (key, getattr(thing, "id", None), getattr(thing, "allocation_id", None))
        )

    def visible_from_now(self) -> datetime:
        """The `visible_at` of a thing being created now."""
        return self.clock.now() + timedelta(seconds=self.world.hide_created_for)

    def new_id(self, prefix: str) -> str:
        """An id as AWS writes them: `i-` and 17 hexadecimal digits."""
        return f"{prefix}-0{self.world.random.getrandbits(64):016x}"

    def changed(self) -> None:
        """Called by every change that may alter who can reach whom."""
        for listener in self.world.on_change:
            listener(self)
