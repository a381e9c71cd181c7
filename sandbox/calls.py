"""What callers asked of the sandbox: counts by API, and the latest calls with their request ids."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime

KEPT = 20_000
DRY_RUN = "DryRunOperation"  # an error on the wire, a success in meaning


@dataclass
class Count:
    made: int = 0
    throttled: int = 0
    failed: int = 0  # refused for another reason than throttling, or answered with a server error


@dataclass(frozen=True, slots=True)
class Call:
    """`outcome` is "ok" or the error code answered; "answer lost" where the caller got none."""

    request_id: str
    at: datetime
    account_id: str
    region: str
    operation: str
    outcome: str


@dataclass
class Calls:
    counts: dict[str, Count] = field(default_factory=dict)
    latest: deque[Call] = field(default_factory=lambda: deque(maxlen=KEPT))

    def add(self, call: Call, *, throttled: bool = False) -> None:
        count = self.counts.setdefault(call.operation, Count())
        count.made += 1
        count.throttled += throttled
        count.failed += call.outcome not in {"ok", DRY_RUN} and not throttled
        self.latest.append(call)

    def made(self, operation: str) -> int:
        """How often "service.Operation" was asked, with whatever outcome."""
        return self.counts.get(operation, Count()).made
