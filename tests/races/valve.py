"""Where a worker's changing calls stand still, so that whoever races with it does so at a known point."""

import asyncio
from collections.abc import Callable

from app.execution.pacing import Bucket

AT_ONCE = -1_000.0  # a lead no burst has: the call may go out now
READS = ("reads", "elb", "moving_addresses")  # buckets of calls that change nothing here
STILL = 25  # turns of the loop in a row without anything going on: longer than any chain of callbacks here
PATIENCE_SECONDS = 10.0


class Valve:
    """A changing call waits here twice: before its lease is looked at for the last time, and when it has taken
    effect, before the worker hears of it."""

    def __init__(self) -> None:
        self._waiting: list[asyncio.Future[None]] = []
        self._open = False

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    async def passed(self) -> None:
        """Return when the machine lets this call on. Raises CancelledError when the worker dies here."""
        if self._open:
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        finally:
            if turn in self._waiting:
                self._waiting.remove(turn)

    def let(self, which: int) -> None:
        """Let one of those that wait go on."""
        self._waiting.pop(which % len(self._waiting)).set_result(None)

    def open(self) -> None:
        """Let everything on, from now on."""
        self._open = True
        while self._waiting:
            self.let(0)

    def kill(self) -> None:
        """Whatever waits here is never heard of again."""
        for turn in tuple(self._waiting):
            turn.cancel()


class ValvedBudget:
    """A pacing budget under which reads go out at once, and changes when the valve lets them."""

    def __init__(self, valve: Valve) -> None:
        self._valve = valve

    async def reserve(self, key: str, calls: int, bucket: Bucket, now: float) -> float:
        """See Budget.reserve."""
        if not any(name in bucket.name for name in READS):
            await self._valve.passed()
        return AT_ONCE


async def stillness(busy: Callable[[], bool]) -> None:
    """Return when nobody has been busy for a while. Raises TimeoutError where somebody always is."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        quiet = 0
        while quiet < STILL:
            quiet = 0 if busy() else quiet + 1
            # In a transaction it is Postgres that is waited for, which no event of ours tells of.
            await asyncio.sleep(0 if quiet else 0.001)
