"""What will be done, drawn from the seed before anything is started: jobs with their faults, and deaths."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tests.soak.meddling import HOW

APPLICATIONS = ("shop", "elastic_shop", "corner_shop", "corner_shop", "small", "small", "small")
STRATEGIES = ("incremental", "incremental", "all_at_once")
COURSES = ("leave", "undo", "undo", "undo midway", "finalize", "cancel", "cancel, undo", "dry run")
IMAGES = ("", "", "stopped", "reboot")
GATE = "before:load_balancers"
CHANGES = ("Create*", "Run*", "Authorize*", "Attach*", "Modify*", "Register*", "Restore*", "Delete*", "*")
REFUSALS = (  # (service, operation, code): capacity, quota, what stands in the way, credentials that expire
    ("ec2", "RunInstances", "InsufficientInstanceCapacity"),
    ("ec2", "RunInstances", "InstanceLimitExceeded"),
    ("ec2", "CreateSecurityGroup", "SecurityGroupLimitExceeded"),
    ("elb", "CreateLoadBalancer", "TooManyLoadBalancers"),
    ("ec2", "DeleteSecurityGroup", "DependencyViolation"),
    ("*", "*", "ExpiredToken"),
)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Faults set on the account when `share` of the steps are done: the sandbox's own rules."""

    share: float
    rule: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Script:
    """One job of a lane: what is moved and how, where people step in, and what goes wrong.

    `course`: what becomes of it in the end. `turn`: at which share of its steps it is cancelled or undone.
    `pauses`: at which shares somebody pauses it. `meddle`: (share, how) of a third party; a share below 0 is
    between the plan and the job. `image`: how every instance's image is to be taken, where that is said.
    """

    lane: int
    number: int
    seed: int
    application: str
    strategy: str
    course: str
    turn: float
    gate: bool
    pauses: tuple[float, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    meddle: tuple[float, str] | None = None
    image: str = ""

    @property
    def name(self) -> str:
        return f"lane {self.lane}, job {self.number}"

    @property
    def kind(self) -> str:
        return f"{self.application}, {self.strategy}: {self.course}"


@dataclass(frozen=True, slots=True)
class Blow:
    """A fault of a process, a server or a link, so many seconds after the one before of the same hand."""

    wait: float
    kind: str
    pick: float  # which worker, between 0 and 1
    count: int  # how many commits are cut


def scripts(seed: str, lane: int, *, gentle: bool) -> Iterator[Script]:
    """A lane's jobs, without end. `gentle`: whole moves alone, with no faults of the account."""
    number = 0
    while True:
        number += 1
        yield _script(random.Random(f"{seed}/{lane}/{number}"), lane, number, gentle)


def _script(chance: random.Random, lane: int, number: int, gentle: bool) -> Script:
    plain = Script(
        lane,
        number,
        seed=chance.getrandbits(30),
        application=chance.choice(APPLICATIONS),
        strategy=chance.choice(STRATEGIES),
        course=chance.choice(("leave", "undo") if gentle else COURSES),
        turn=chance.uniform(0.02, 0.98),
        gate=not gentle and chance.random() < 0.15,
    )
    if gentle:
        return plain
    pauses = tuple(sorted(chance.uniform(0.02, 0.95) for _ in range(chance.choice((0, 0, 0, 1, 2)))))
    troubles = tuple(sorted((_trouble(chance) for _ in range(chance.randint(0, 4))), key=lambda each: each.share))
    meddle = None
    if plain.course != "dry run" and chance.random() < 0.2:
        meddle = (chance.uniform(-0.3, 0.95), chance.choice(sorted(HOW)))
    image = chance.choice(IMAGES) if plain.application in ("shop", "small") else ""
    return replace(plain, pauses=pauses, troubles=troubles, meddle=meddle, image=image)


def _trouble(chance: random.Random) -> Trouble:
    share, some = chance.uniform(0, 0.95), chance.choice(CHANGES)
    kind = chance.choice(("answer_lost", "delayed", "hide_created", "throttled", "server_error", "error"))
    rule: dict[str, Any] = {"kind": kind, "operation": some, "times": chance.randint(1, 4)}
    if kind == "delayed":
        rule["seconds"] = chance.uniform(1, 240)
    elif kind == "hide_created":
        rule |= {"operation": chance.choice(("Create*", "Run*")), "seconds": chance.uniform(1, 300)}
    elif kind == "throttled":
        rule |= {"operation": "*", "times": chance.randint(10, 60), "probability": 0.7}
    elif kind == "server_error":
        rule |= {"operation": chance.choice((some, "*")), "times": chance.randint(1, 15), "probability": 0.6}
    elif kind == "error":
        service, operation, code = chance.choice(REFUSALS)
        rule |= {"service": service, "operation": operation, "code": code}
    return Trouble(share, rule)


ON_WORKERS = {"worker killed": 20, "worker frozen past its lease": 1, "worker sent away": 2}
ON_SERVERS = {
    "Postgres restarted": 10,
    "Postgres connections cut": 2,
    "Postgres connections cut in mid-commit": 4,
    "Redis flushed": 5,
    "Redis killed and restarted": 5,
    "API killed and restarted": 2,
    "AWS connections cut": 3,
}
KILLS = {"worker killed": 1}


def blows(seed: str, hand: str, kinds: Mapping[str, int], every: float) -> Iterator[Blow]:
    """What one hand does to processes, servers or links, without end; a rest of `every` seconds on average between
    two blows. A hand's schedule is its own: it is the same, whatever the other is told to do."""
    chance = random.Random(f"{seed}/blows/{hand}")
    while True:
        kind = chance.choices(list(kinds), list(kinds.values()))[0]
        yield Blow(chance.uniform(0.3, 1.7) * every, kind, chance.random(), chance.randint(1, 5))
