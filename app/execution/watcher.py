"""Waiting, shared: what all steps of a job wait for is asked of AWS once, for hundreds of ids a call."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import jmespath

from app.cloud import Cloud, CloudError, NotFound
from app.execution.clock import Clock
from app.execution.step import Judge, Seen, StepBroken, Verdict, Watch
from app.planning.inventory import Json

FIRST_LOOK = 1.0  # seconds: long enough for the watches of many steps to gather
PATIENCE = 0.1  # look again after this part of the time waited so far …
SLOWEST = 30.0  # … but never less often than this many seconds
# What somebody is out of service for is looked at more often: two looks and a half instead of one, and no
# more than a fiftieth of an outage is lost to not looking.
URGENT = 0.4
URGENT_PATIENCE = 0.02


@dataclass(eq=False)
class _Waiter:
    watch: Watch
    judge: Judge
    since: float
    answer: asyncio.Future[Mapping[str, Json]]

    def told(self, seen: Mapping[str, Any], now: float) -> bool:
        """Judge what was seen; whether that was the last look."""
        if self.answer.done():  # given up from outside
            return True
        mine: Seen = {id_: seen[id_] for id_ in self.watch.ids if id_ in seen} if self.watch.ids else seen
        verdict: Verdict = self.judge(mine)
        if verdict.state == "settled":
            self.answer.set_result(verdict.learned)
        elif verdict.state == "broken":
            self.answer.set_exception(StepBroken(verdict.reason))
        elif now - self.since > self.watch.within:
            waited = f"{round(now - self.since)} seconds"
            why = verdict.reason or f"{', '.join(self.watch.ids)} did not settle"
            self.answer.set_exception(
                StepBroken(f"Not settled after {waited}: {why}. Look at it in AWS, then retry the step.", "too_slow")
            )
        return self.answer.done()

    def due(self, now: float) -> float:
        """Seconds until this waiter would like the next look."""
        waited, every = now - self.since, self.watch.every
        if self.watch.urgent:
            return min(max(waited * URGENT_PATIENCE, every * URGENT), SLOWEST)
        return min(max(waited * PATIENCE, every), SLOWEST)


class Watcher:
    """One per job. Steps `wait`; each different question is asked in one loop for everybody."""

    def __init__(self, cloud: Cloud, clock: Clock) -> None:
        self._cloud = cloud
        self._clock = clock
        self._waiters: dict[tuple[Any, ...], list[_Waiter]] = {}
        self._loops: set[asyncio.Task[None]] = set()

    async def wait(self, watch: Watch, judge: Judge) -> Mapping[str, Json]:
        """Look until `judge` calls it settled; what it learned. Raises StepBroken or CloudError."""
        answer: asyncio.Future[Mapping[str, Json]] = asyncio.get_running_loop().create_future()
        waiter = _Waiter(watch, judge, self._clock.now(), answer)
        question = watch.question
        if question in self._waiters:
            self._waiters[question].append(waiter)
        else:
            self._waiters[question] = [waiter]
            loop = asyncio.create_task(self._ask(question))
            self._loops.add(loop)
            loop.add_done_callback(partial(self._ended, question))
        return await answer

    def _ended(self, question: tuple[Any, ...], loop: asyncio.Task[None]) -> None:
        """A loop that ends in anything but a CloudError (a lost lease, a bug of a step) ends it for its waiters."""
        self._loops.discard(loop)
        error = None if loop.cancelled() else loop.exception()
        if error is not None:
            for waiter in self._waiters.pop(question, ()):
                if not waiter.answer.done():
                    waiter.answer.set_exception(error)

    async def _ask(self, question: tuple[Any, ...]) -> None:
        waiters = self._waiters[question]
        pause = FIRST_LOOK
        while waiters:
            await self._clock.sleep(pause)
            asked = [waiter for waiter in waiters if not waiter.answer.done()]
            try:
                seen = await self.look(asked[0].watch, {id_ for w in asked for id_ in w.watch.ids}) if asked else {}
            except CloudError as error:
                for waiter in asked:
                    if not waiter.answer.done():
                        waiter.answer.set_exception(error)
            now = self._clock.now()
            # Whoever joined during the look waits for the next one; nobody else may be dropped here.
            done = {id(waiter) for waiter in asked if waiter.answer.done() or waiter.told(seen, now)}
            waiters[:] = [waiter for waiter in waiters if id(waiter) not in done and not waiter.answer.done()]
            pause = min((waiter.due(now) for waiter in waiters), default=0.0)
        del self._waiters[question]

    async def look(self, watch: Watch, ids: Iterable[str]) -> dict[str, Any]:
        """What is there now, by id. Raises CloudError."""
        wanted = sorted(ids)
        seen: dict[str, Any] = {}
        size = {"one": 1, "all": max(len(wanted), 1)}.get(watch.by.partition(":")[0], watch.most)
        for start in range(0, max(len(wanted), 1), size):
            for item in await self._items(watch, wanted[start : start + size]):
                seen[str(item[watch.key])] = item
        return seen

    async def _items(self, watch: Watch, ids: list[str]) -> list[Any]:
        style, _, name = watch.by.partition(":")
        params = dict(watch.also)
        if style == "list":
            params[name] = ids
        elif style == "filter":
            params["Filters"] = [*params.get("Filters", []), {"Name": name, "Values": ids}]
        elif style == "one":
            params[name] = ids[0]
        found: list[Any] = []
        try:
            async for page in self._cloud.pages(watch.operation, **params):
                found.extend(jmespath.search(watch.items, page) or ())
        except NotFound:
            # One id that is not visible yet fails the whole call: ask for each on its own.
            if len(ids) > 1:
                return [item for id_ in ids for item in await self._items(watch, [id_])]
        return found

    async def close(self) -> None:
        """Stop looking; whoever still waits is cancelled."""
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        for waiters in self._waiters.values():
            for waiter in waiters:
                waiter.answer.cancel()
        self._waiters.clear()
