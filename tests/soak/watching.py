"""Who holds which job, read from the database itself past all links; and how long a dead worker's jobs lie."""

import asyncio
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import asyncpg
from sqlalchemy import URL

from app.execution.states import WORKING

LOOK_EVERY = 0.2
AGAIN_AFTER = 0.3
HELD = "select id, fence, lease_holder, status from jobs where finished_at is null or lease_holder is not null"


@dataclass(frozen=True, slots=True)
class Hold:
    """Who held a job with which fence, from when it was first seen so."""

    seen: datetime
    fence: int
    holder: str


@dataclass(frozen=True, slots=True)
class Orphan:
    """A job whose worker was killed at `killed` (monotonic)."""

    job: str
    fence: int
    killed: float


class Watch:
    """A thread that looks a few times a second. `where`: the database's own address, which may change."""

    def __init__(self, where: Callable[[], URL]) -> None:
        self._where = where
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._watch()), daemon=True)
        self._now: dict[str, tuple[int, str | None, str]] = {}
        self._orphans: list[Orphan] = []
        self._lock = threading.Lock()
        self.holds: defaultdict[str, list[Hold]] = defaultdict(list)
        self.takeovers: list[float] = []
        self.fell: list[str] = []

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(10)

    def held_by(self, pid: int) -> list[str]:
        """The jobs at work in the hands of this process, as of the last look."""
        with self._lock:
            return [job for job, now in self._now.items() if _is_of(now[1], pid) and now[2] in WORKING]

    def killed(self, pid: int) -> int:
        """Count from now how long its jobs lie; says how many there are."""
        now = time.monotonic()
        with self._lock:
            left = [Orphan(job, self._now[job][0], now) for job in self._now if _is_of(self._now[job][1], pid)]
            left = [each for each in left if self._now[each.job][2] in WORKING]
            self._orphans += left
        return len(left)

    @property
    def lying(self) -> list[Orphan]:
        """Jobs that nobody has taken over yet."""
        with self._lock:
            return list(self._orphans)

    async def _watch(self) -> None:
        while not self._stopping.is_set():
            try:
                await self._look_on()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
                await asyncio.sleep(AGAIN_AFTER)

    async def _look_on(self) -> None:
        url = self._where()
        connection = await asyncpg.connect(
            host=url.host, port=url.port, user=url.username, password=url.password, database=url.database, timeout=5
        )
        try:
            while not self._stopping.is_set():
                rows = await connection.fetch(HELD, timeout=5)
                self._see(rows)
                await asyncio.sleep(LOOK_EVERY)
        finally:
            connection.terminate()

    def _see(self, rows: list[Any]) -> None:
        now, moment = datetime.now(UTC), time.monotonic()
        with self._lock:
            before, self._now = (
                self._now,
                {row["id"]: (row["fence"], row["lease_holder"], row["status"]) for row in rows},
            )
            for job, (fence, holder, _) in self._now.items():
                old = before.get(job)
                if old and (fence < old[0] or (holder and old[1] and holder != old[1] and fence == old[0])):
                    self.fell.append(f"{job}: fence {old[0]} of {old[1]}, then {fence} of {holder}")
                if holder and (not self.holds[job] or self.holds[job][-1].fence != fence):
                    self.holds[job].append(Hold(now, fence, holder))
            self._orphans = [each for each in self._orphans if self._lies(each, moment)]

    def _lies(self, orphan: Orphan, moment: float) -> bool:
        fence, _, status = self._now.get(orphan.job, (orphan.fence, None, "gone"))
        if fence > orphan.fence:
            self.takeovers.append(moment - orphan.killed)
            return False
        return status in WORKING  # else it had ended just as its worker was killed


def _is_of(holder: str | None, pid: int) -> bool:
    return holder is not None and holder.split("/")[1] == str(pid)
