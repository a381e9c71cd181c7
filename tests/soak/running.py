"""One long run: everything started, lanes and chaos set going, and ended in time."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.soak.chaos import Chaos
from tests.soak.client import Client, Door
from tests.soak.driving import Hands
from tests.soak.house import House
from tests.soak.lanes import Lane
from tests.soak.ledger import TARGET_SECONDS, Ledger, percentile, told
from tests.soak.scripts import KILLS, ON_SERVERS, ON_WORKERS, Blow, blows, scripts
from tests.soak.watching import Watch

TELL_EVERY = 15.0
LAST_SECONDS = 600.0  # what jobs under way at the end may take


@dataclass(frozen=True, slots=True)
class Options:
    """`every`, `servers_every`: seconds between two blows on workers, and on servers and links; `lease`, `heartbeat`:
    seconds of ours; `patience`: seconds that a job may take before its faults stop."""

    seed: str
    minutes: float
    kills_only: bool = False
    lanes: int = 6
    crew: int = 6
    every: float = 2.1
    servers_every: float = 2.0
    time_scale: float = 150.0
    lease: float = 2.0
    heartbeat: float = 0.5
    patience: float = 600.0
    logs: Path | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done and found."""

    ledger: Ledger
    takeovers: Sequence[float]
    failure: str | None = None  # of the run itself

    @property
    def good(self) -> bool:
        """No violation, and dead workers' jobs taken over in time."""
        late = bool(self.takeovers) and percentile(self.takeovers, 99) > TARGET_SECONDS
        return not self.ledger.violations and not late and self.failure is None


def replay(options: Options) -> str:
    """The command that repeats this run's schedule."""
    kills = " --kills-only" if options.kills_only else ""
    servers = "" if options.kills_only else f" --servers-every {options.servers_every:g}"
    more = f" --lanes {options.lanes} --every {options.every:g}{servers} --time-scale {options.time_scale:g}"
    return f"SOAK_SEED={options.seed} SOAK_MINUTES={options.minutes:g} python -m tests.soak{kills}{more}"


def schedules(options: Options) -> list[Iterator[Blow]]:
    """One for each hand: they strike side by side, so that a worker also dies while Postgres is away."""
    if options.kills_only:
        return [blows(options.seed, "workers", KILLS, options.every)]
    return [
        blows(options.seed, "workers", ON_WORKERS, options.every),
        blows(options.seed, "servers", ON_SERVERS, options.servers_every),
    ]


def run(options: Options, say: Callable[[str], None]) -> Outcome:
    """Whatever becomes of it, what was found until then is told."""
    ledger = Ledger(options.seed, replay(options), kills_only=options.kills_only)
    terms = (options.lanes, options.time_scale, options.lease, options.heartbeat, options.logs)
    with House(*terms) as house, ExitStack() as parts:
        watch = Watch(lambda: house.direct)
        watch.start()
        parts.callback(watch.stop)
        chaos = Chaos(house, watch, ledger, schedules(options), options.crew, options.lease)
        until = time.monotonic() + options.minutes * 60
        lanes = [_lane(house, watch, chaos, ledger, number, options, until, parts) for number in range(options.lanes)]
        chaos.start()
        parts.callback(chaos.stop)
        for lane in lanes:
            lane.start()
        failure = _look_on(lanes, chaos, watch, ledger, until, say)
    return Outcome(ledger, list(watch.takeovers), failure)


def _lane(
    house: House,
    watch: Watch,
    chaos: Chaos,
    ledger: Ledger,
    number: int,
    options: Options,
    until: float,
    parts: ExitStack,
) -> Lane:
    api = Client(house.api, house.token(f"mover {number}", "admin"))
    approver = Client(house.api, house.token(f"approver {number}", "approver"))
    door = Door(house.aws, number)
    for each in (api, approver, door):
        parts.callback(each.close)
    hands = Hands(api, door, watch, chaos, ledger, options.patience)
    return Lane(hands, approver, scripts(options.seed, number, gentle=options.kills_only), until)


def _look_on(
    lanes: Sequence[Lane], chaos: Chaos, watch: Watch, ledger: Ledger, until: float, say: Callable[[str], None]
) -> str | None:
    """Until every lane has come to its end; says what a lane or the chaos failed with. In the end faults stop, so
    that the last jobs end, too."""
    tell_at, told_of, over = 0.0, 0, False
    while any(lane.alive for lane in lanes):
        if failure := _failure(lanes, chaos):
            return failure
        if not over and time.monotonic() > until:
            over = True
            chaos.ask_for_calm(True)
        if time.monotonic() > until + LAST_SECONDS:
            return "the last jobs did not come to an end"
        for violation in ledger.violations[told_of:]:
            told_of += 1
            say(f"VIOLATION of {violation.invariant}, {violation.job}: {violation.script}: {violation.what}")
        if time.monotonic() > tell_at:
            tell_at = time.monotonic() + TELL_EVERY
            say(
                f"minute {ledger.minutes:.1f}: {sum(ledger.jobs.values())} jobs, {sum(ledger.faults.values())} faults, "
                f"{len(ledger.violations)} violations; takeovers: {told(watch.takeovers)}"
            )
        time.sleep(0.2)
    return _failure(lanes, chaos)


def _failure(lanes: Sequence[Lane], chaos: Chaos) -> str | None:
    for failure in (*(lane.failure for lane in lanes), chaos.failure):
        if failure is not None:
            return repr(failure)
    return None
