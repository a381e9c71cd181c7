"""How many requests a principal may make: a budget that refills steadily (GCRA), kept by each process."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from app.errors import TooManyRequests

FORGET_ABOVE = 10_000


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left after a request: how many more at once, and seconds until all of them are back."""

    remaining: int
    reset_seconds: int


class Rates:
    """`per_second` sustained, `burst` at once, for each principal on its own.

    Several processes each give the whole budget: it guards a process from a runaway loop, and is no quota.
    """

    def __init__(self, per_second: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._interval = 1.0 / per_second
        self._span = burst * self._interval
        self._clock = clock
        # When each principal's budget will be full again.
        self._full_at: dict[str, float] = {}
        self.policy = f'"default";q={burst};w={math.ceil(self._span)}'

    def take(self, principal: str) -> Allowance:
        """Spend one request of the principal's budget; raises TooManyRequests when there is none left."""
        now = self._clock()
        full_at = max(self._full_at.get(principal, now), now) + self._interval
        if full_at - now > self._span + 1e-9:
            wait = math.ceil(full_at - now - self._span)
            raise TooManyRequests(
                f"Too many requests: repeat after {wait} s, and ask for less at once; ?wait= saves polling.",
                headers={"Retry-After": str(wait), **self.fields(Allowance(0, wait))},
            )
        self._full_at[principal] = full_at
        if len(self._full_at) > FORGET_ABOVE:
            self._full_at = {who: at for who, at in self._full_at.items() if at > now}
        left = round((self._span - (full_at - now)) / self._interval)
        return Allowance(left, math.ceil(full_at - now))

    def fields(self, allowance: Allowance) -> dict[str, str]:
        """The response's RateLimit fields."""
        said = f'"default";r={allowance.remaining};t={allowance.reset_seconds}'
        return {"RateLimit": said, "RateLimit-Policy": self.policy}
