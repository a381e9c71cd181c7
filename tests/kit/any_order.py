"""A plan's steps run in any order that their needs allow, by hand: nothing decides but chance.

A step may be left waiting though it is ready, or left alone though it has settled, as long as chance likes, and its
calls come between those of others. That is every order in which the executor might run the plan, and the
unlikely ones far more often.
"""

import random
from collections.abc import Coroutine, Generator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from app.cloud import Capacity, CloudError, Conflict, NotFound
from app.execution.frontier import Frontier
from app.execution.runs import RunFactory
from app.execution.step import Judge, Result, Run, Step, StepBroken, Watch
from app.execution.watcher import Watcher
from app.planning.inventory import Json
from app.planning.plan import PlannedStep, StepId
from sandbox.virtual_time import WorldClock
from sandbox.world import World
from tests.kit.direct_cloud import DirectCloud

A_CALL = 0.05  # seconds that a call takes: what is down between two calls of a step is down
A_LOOK = 1.0  # seconds between two looks at what a step waits for
A_RETRY = 5.0
MOST_MOVES = 20_000


class HaltedError(Exception):
    """A step failed for good, in an order that the plan allows."""


class Parked:
    """Awaited by a step: leave me be until `wake`. `idle`: something else has to happen first."""

    def __init__(self, wake: float, *, idle: bool = False) -> None:
        self.wake = wake
        self.idle = idle

    def __await__(self) -> Generator["Parked", None, None]:
        yield self


@dataclass(eq=False)
class Flight:
    """A step under way; or, in the `background`, one that keeps what it made true, `at_work` during a round."""

    step: PlannedStep
    going: Coroutine[Parked, None, Result]
    parked: Parked
    background: bool = False
    at_work: bool = False


@dataclass(frozen=True)
class Temper:
    """What this order is like."""

    start: float  # how eager to start what is ready rather than to go on with what is under way
    between: float  # how often others come between two calls of a step
    dawdle: float  # how often time passes though there is something to do
    lag: float  # how often time runs past the next thing that happens
    ranked: bool  # steps have a rank each, and the lowest waits while anybody else has something to do

    @classmethod
    def drawn(cls, chance: random.Random) -> "Temper":
        return cls(
            chance.choice((0.1, 0.5, 0.9)),
            chance.choice((0.0, 0.1, 0.5)),
            chance.choice((0.0, 0.05, 0.3)),
            chance.choice((0.0, 0.3)),
            chance.random() < 0.5,
        )


@dataclass
class AnyOrder:
    """One way through a plan. `told` is what happened, for whoever has to understand it."""

    world: World
    steps: Sequence[PlannedStep]
    actions: Mapping[str, Step]
    chance: random.Random
    results: dict[StepId, Result] = field(default_factory=dict)
    told: list[tuple[float, str, StepId]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._temper = Temper.drawn(self.chance)
        cloud = _Interleaved(self.world, self.chance, self._temper.between)
        self._clock = WorldClock(self.world)
        self._looks = Watcher(cloud, self._clock)
        self._runs = RunFactory("job_test", cloud, self._settled, _never, self.results.get)
        self._planned = {step.id: step for step in self.steps}
        self._frontier = Frontier({step.id: step.needs for step in self.steps}, set())
        self._rank = {step.id: self.chance.random() for step in self.steps}
        self._ready: list[StepId] = []
        self._flights: list[Flight] = []
        self._keepers: dict[StepId, Flight] = {}

    def run(self) -> None:
        """To the end of all steps. Raises HaltedError."""
        try:
            self._run()
        finally:
            for flight in self._flights:
                flight.going.close()

    def _run(self) -> None:
        for _ in range(MOST_MOVES):
            while id_ := self._frontier.take():
                self._ready.append(id_)
            if not self._ready and all(flight.background for flight in self._flights):
                return
            self._move()
        raise HaltedError(f"no end in sight: {[flight.step.id for flight in self._flights]}")

    def _move(self) -> None:
        now = self._clock.now()
        awake = [flight for flight in self._flights if flight.parked.wake <= now]
        if not (awake or self._ready) or self.chance.random() < self._temper.dawdle:
            self._let_time_pass(now)
        elif self._ready and (not awake or self.chance.random() < self._temper.start):
            self._start(self._picked(self._ready))
        else:
            ids = [flight.step.id for flight in awake]
            self._go_on(awake[ids.index(self._picked(ids))])

    def _picked(self, ids: list[StepId]) -> StepId:
        return max(ids, key=lambda id_: self._rank[id_]) if self._temper.ranked else self.chance.choice(ids)

    def _let_time_pass(self, now: float) -> None:
        """To the next thing that happens by itself, or past it."""
        due = self.world.clock.next_due()
        moments = [flight.parked.wake for flight in self._flights if not flight.parked.idle]
        moments += [due.timestamp()] if due else []
        later = [moment for moment in moments if moment > now]
        seconds = min(later, default=now + 30.0) - now
        if self.chance.random() < self._temper.lag:
            seconds += self.chance.expovariate(1 / 100)
        self.world.clock.advance(seconds)

    def _start(self, id_: StepId) -> None:
        self._ready.remove(id_)
        step = self._planned[id_]
        self._tell("starts", id_)
        flight = Flight(step, self._carried(step), Parked(0.0))
        self._flights.append(flight)
        self._go_on(flight)

    def _go_on(self, flight: Flight) -> None:
        try:
            flight.parked = flight.going.send(None)
        except StopIteration as ended:
            self._flights.remove(flight)
            self.results[flight.step.id] = ended.value
            self._tell("ends", flight.step.id)
            self._frontier.finish(flight.step.id)
            self._keep(flight.step)
        except (CloudError, StepBroken) as error:
            raise HaltedError(f"{flight.step.id}: {error}") from error

    def _tell(self, what: str, id_: StepId) -> None:
        self.told.append((round(self._clock.now(), 2), what, id_))

    # -- what a step does ------------------------------------------------------------------------

    async def _carried(self, step: PlannedStep) -> Result:
        action = self.actions[step.action]
        await self._relied_on(step)
        result = await self._done(action, self._runs.make(step, 0, recovering=False))
        self.results[step.id] = result
        if watch := action.watch(result):
            result = {**result, **await self._settled(watch, lambda seen: action.verdict(result, seen))}
        if step.hold_seconds:
            await Parked(self._clock.now() + step.hold_seconds)
        return result

    async def _done(self, action: Step, run: Run) -> Result:
        """As Attempts: what may come right by waiting is tried again."""
        while True:
            try:
                return await action.do(run)
            except (Conflict, Capacity, NotFound) as error:
                if isinstance(error, NotFound) and not run.fresh:
                    raise
            await Parked(self._clock.now() + A_RETRY)
            run = replace(run, recovering=True, fresh=True, consistency=_never)

    async def _settled(self, watch: Watch, judge: Judge) -> Mapping[str, Json]:
        while True:
            seen = await self._looks.look(watch, watch.ids)
            verdict = judge({id_: seen[id_] for id_ in watch.ids if id_ in seen} if watch.ids else seen)
            if verdict.state == "settled":
                return verdict.learned
            if verdict.state == "broken":
                raise StepBroken(verdict.reason)
            await Parked(self._clock.now() + A_LOOK, idle=True)

    # -- keeping, as app.execution.keeping does it -----------------------------------------------

    def _keep(self, step: PlannedStep) -> None:
        if self.actions[step.action].keeps_every > 0 and self.results.keys().isdisjoint(step.kept_until):
            keeper = self._keepers[step.id] = Flight(step, self._kept(step.id), Parked(0.0), background=True)
            self._flights.append(keeper)

    async def _kept(self, id_: StepId) -> Result:
        keeper = self._keepers[id_]
        while True:
            await Parked(self._clock.now() + self.actions[keeper.step.action].keeps_every)
            with suppress(CloudError, StepBroken):  # whoever relies on it looks again
                await self._round(keeper)

    async def _relied_on(self, step: PlannedStep) -> None:
        """A last look at what the step relies on, and an end to what is kept until it starts."""
        for id_ in sorted(set(step.needs) & self._keepers.keys()):
            if keeper := self._keepers.get(id_):  # another step may have ended it meanwhile
                await self._round(keeper)
        for id_, keeper in list(self._keepers.items()):
            if step.id in keeper.step.kept_until:
                await self._free(keeper)
                if self._keepers.pop(id_, None):
                    self._flights.remove(keeper)
                    keeper.going.close()

    async def _round(self, keeper: Flight) -> None:
        await self._free(keeper)
        keeper.at_work = True
        try:
            run = self._runs.make(keeper.step, 0, recovering=False)
            await self.actions[keeper.step.action].keep(run, self.results[keeper.step.id])
        finally:
            keeper.at_work = False

    async def _free(self, keeper: Flight) -> None:
        """Two rounds never overlap; and whoever waits for the other lets it go on, whatever its rank."""
        while keeper.at_work:
            await Parked(self._clock.now() + A_CALL)


class _Interleaved(DirectCloud):
    """Others may come between any two calls, and a call takes its time."""

    def __init__(self, world: World, chance: random.Random, between: float) -> None:
        super().__init__(world)
        self._chance = chance
        self._between = between

    async def call(self, operation: str, /, **params: Any) -> dict[str, Any]:
        if self._between and self._chance.random() < self._between:
            await Parked(0.0)
        self._world.clock.advance(A_CALL)
        return self.ask(operation, params)


async def _never() -> None:
    """What was made here is visible at once."""
