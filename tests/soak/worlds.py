"""One lane's simulated account: built anew for each job, looked at and meddled with past the faults set on it."""

import importlib
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore import xform_name

from sandbox.builder import Builder
from sandbox.calls import DRY_RUN, Calls
from sandbox.clock import Clock
from sandbox.hook import connect
from sandbox.outages import Outages
from sandbox.running import Running
from sandbox.world import World
from tests.kit import corner_shop, random_apps
from tests.kit.account import account
from tests.kit.shop_over_http import READS, tagged
from tests.soak import meddling

# A role's keys are good for an hour of the sandbox's time; the clients' clock must not be past it.
START = datetime(2090, 6, 1, 9, 0, tzinfo=UTC)
# Rejected before anything was looked at, or only asked whether it would be allowed.
HARMLESS = {"RequestLimitExceeded", "Throttling", DRY_RUN}
LATE = "(landed late)"
DAY = 86_400.0
MEMBER = "aws:autoscaling:groupName"

Answer = dict[str, Any]


class Lane(Running):
    """`scenario` is one of sandbox.scenarios, `corner_shop`, or `small`: an application by chance."""

    def reset(self) -> None:
        """A new world with the application in it."""
        world = World(Clock(0, START), self.seed)
        _build(self.scenario, world, self.seed)
        world.clock.advance(_until_evening(world.clock.now()))
        world.calls = Calls()
        world.clock.set_scale(self.time_scale)
        world.throttle.enabled = self.throttled
        self.world, self.outages = world, Outages(world)

    def look(self, what: str, asked: Mapping[str, Any]) -> Any:
        """What the account is like, whatever faults are in force."""
        return LOOKS[what](self, asked)

    @contextmanager
    def quietly(self) -> Iterator[boto3.Session]:
        """A hand in the account that meets no fault and is not counted."""
        world = self.world
        with world.lock:
            world.clock.run_due()
            kept = (world.faults.rules, world.throttle.enabled, world.calls)
            world.faults.rules, world.throttle.enabled, world.calls = [], False, Calls()
            try:
                yield connect(world)
            finally:
                world.faults.rules, world.throttle.enabled, world.calls = kept


def _until_evening(now: datetime) -> float:
    """Seconds until the day's scheduled scaling is over: what comes the next evening is no part of a job."""
    evening = now.replace(hour=18, minute=30, second=0, microsecond=0)
    return ((evening - now).total_seconds() + DAY) % DAY


def _build(application: str, world: World, seed: int) -> None:
    if application == "corner_shop":
        corner_shop.build(connect(world), world)
    elif application == "small":
        random_apps.fill(_small(random.Random(seed)), Builder(connect(world), world))
    else:
        importlib.import_module(f"sandbox.scenarios.{application}").build(connect(world), world)


def _small(chance: random.Random) -> random_apps.App:
    sizes = [chance.randint(1, 2) for _ in range(chance.randint(1, 4))]
    groups = range(len(sizes))
    return random_apps.App(
        sizes=sizes,
        admits=frozenset((chance.choice(groups), chance.choice(groups)) for _ in range(chance.randint(0, 6))),
        fronted=chance.choice([None, *groups]),
        record=chance.random() < 0.5,
        stored=frozenset(chance.choice(groups) for _ in range(chance.randint(0, 2))),
        addressed=chance.choice([None, *groups]),
    )


def begin(lane: Lane, asked: Mapping[str, Any]) -> Answer:
    """A new world for the next job."""
    lane.scenario, lane.seed = str(asked["application"]), int(asked["seed"])
    lane.reset()
    return {}


def picture(lane: Lane, _: Mapping[str, Any]) -> Answer:
    """Every field of everything there."""
    with lane.quietly() as session:
        seen: Answer = json.loads(json.dumps(account(session), default=str))
        return seen


def made_by(lane: Lane, asked: Mapping[str, Any]) -> Answer:
    """What carries a job's tags; not the members that a group of it launched, which come and go."""
    with lane.quietly() as session:
        make: Any = session.client
        found = [each for each in tagged(make, str(asked["job"])) if each[1] not in _members(make)]
        return {"made": found}


def _members(client: Callable[[str], Any]) -> set[str]:
    wanted = [{"Name": "key", "Values": [MEMBER]}]
    return {tag["ResourceId"] for tag in client("ec2").describe_tags(Filters=wanted)["Tags"]}


def changes(lane: Lane, _: Mapping[str, Any]) -> Answer:
    """How many changing calls arrived, by operation as boto3 names it; harmless ones do not count. `done`:
    those that were answered well."""
    with lane.world.lock:
        calls = list(lane.world.calls.latest)
    counts: Counter[str] = Counter()
    done: Counter[str] = Counter()
    for call in calls:
        service, name = call.operation.split(".", 1)
        if (
            not name.startswith(READS)
            and service != "sts"
            and call.outcome not in HARMLESS
            and LATE not in call.outcome
        ):
            counts[f"{service}.{xform_name(name)}"] += 1
            done[f"{service}.{xform_name(name)}"] += call.outcome == "ok"
    return {"changes": dict(counts), "done": dict(+done)}


def meddle(lane: Lane, asked: Mapping[str, Any]) -> Answer:
    """A third party edits something."""
    with lane.quietly() as session:
        what, touched = meddling.meddle(session, str(asked["how"]), int(asked["seed"]))
        return {"what": what, "touched": touched}


LOOKS: Mapping[str, Callable[[Lane, Mapping[str, Any]], Any]] = {
    "begin": begin,
    "picture": picture,
    "made": made_by,
    "changes": changes,
    "meddle": meddle,
}
