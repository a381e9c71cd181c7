"""Deaths: a Cloud and a Journal whose every seam can be the last, as for a worker killed with -9.

At each new seam the process forks: the child dies there, and what comes after is tried in it; the
parent goes on to the next seam. So one run of a migration tries a death at all of its seams. What
comes after may have seams of its own (second_deaths.py).
"""

import asyncio
import os
import traceback
from collections.abc import AsyncIterator, Callable, Mapping
from contextvars import ContextVar
from typing import Any

from app.cloud import Cloud
from app.execution.journal import Entry, Journal
from app.execution.pacing import is_read
from app.execution.states import StepState
from app.planning.inventory import Json
from app.planning.plan import PlannedStep, StepId

_step: ContextVar[str] = ContextVar("step", default="")


class Killed(BaseException):
    """The worker is gone; nothing after this line ran."""


class Seams:
    """Every distinct seam once: seams of steps of the same action at the same call are alike, and so are two between
    which nothing has changed, neither the account nor the journal nor the time (a dead worker leaves nothing else).

    `aftermaths` are tried one after the other in children of their own; each returns what is wrong.
    `part` (which, of how many) deals the seams out to several tests; `only` leaves out those of steps whose action
    does not begin like that, or like one of those. `died_at`: the seam at which a child died.
    """

    def __init__(
        self,
        aftermaths: Mapping[str, Callable[[], list[str]]] | None = None,
        part: tuple[int, int] = (0, 1),
        only: str | tuple[str, ...] = "",
    ) -> None:
        self.aftermaths = aftermaths or {}
        self._only = only
        self._part, self._parts = part
        self.crossed: set[str] = set()
        self.wrong: list[str] = []
        self.dead = False
        self.died_at = ""
        self._changes = 0
        self._tried: tuple[int, float] | None = None  # how much had changed by the last death, and when it was

    def cross(self, where: str, *, changed: bool) -> None:
        """`changed`: since the seam before, the account or the journal has become another."""
        if self.dead:  # the other steps of a killed worker do not outlive it
            raise Killed
        self._changes += changed
        seam = f"{where} in {_step.get()}"
        if seam in self.crossed or not self.aftermaths or not _step.get().startswith(self._only):
            return
        now = (self._changes, asyncio.get_running_loop().time())
        if now == self._tried or not self.wanted(seam):
            return
        self._tried = now
        self.crossed.add(seam)
        if len(self.crossed) % self._parts != self._part:
            return
        for name, aftermath in self.aftermaths.items():
            self.wrong += self._die_here(seam, name, aftermath)

    def wanted(self, seam: str) -> bool:
        """Whether a death at it is to be tried."""
        return True

    def _die_here(self, seam: str, name: str, aftermath: Callable[[], list[str]]) -> list[str]:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            self.dead, self.died_at = True, seam
            _Afterlife.begin(writing, aftermath)
            raise Killed(seam)
        os.close(writing)
        with os.fdopen(reading) as answer:
            found = answer.read()
        os.waitpid(child, 0)
        return [] if found == "fine" else [f"killed {seam}, then {name}: {found or 'the child vanished'}"]


class _Afterlife:
    """What a forked child does when its death has unwound: set once, in the child alone."""

    aftermath: Callable[[], list[str]] | None = None
    answer: int = -1

    @classmethod
    def begin(cls, answer: int, aftermath: Callable[[], list[str]]) -> None:
        cls.answer, cls.aftermath = answer, aftermath


def outlive(drive: Callable[[], Any]) -> Any:
    """Run a drive; in a child that died in it, try the aftermath, tell the parent, and end.

    However the drive ends there: a child that got past here would go on as a second test runner.
    """
    try:
        return drive()
    finally:
        if _Afterlife.aftermath is not None:
            _tell_parent()


def _tell_parent() -> None:
    aftermath, writing = _Afterlife.aftermath, _Afterlife.answer
    _Afterlife.aftermath = None  # a drive in it that is not killed is outlived as any other
    try:
        assert aftermath is not None
        said = "; ".join(aftermath()) or "fine"
    except BaseException:  # noqa: BLE001 - the parent must hear of everything that goes wrong here
        said = traceback.format_exc()
    with os.fdopen(writing, "w") as answer:
        answer.write(said)
    os._exit(0)


class DyingCloud:
    """A seam before a changing call goes out, and one after it took effect, before its answer is used."""

    def __init__(self, cloud: Cloud, seams: Seams) -> None:
        self._cloud = cloud
        self._seams = seams

    @property
    def region(self) -> str:
        return self._cloud.region

    async def call(self, operation: str, /, **params: Any) -> dict[str, Any]:
        if is_read(operation):
            return await self._cloud.call(operation, **params)
        self._seams.cross(f"before {operation}", changed=False)
        answer = await self._cloud.call(operation, **params)
        self._seams.cross(f"after {operation}", changed=True)
        return answer

    def pages(self, operation: str, /, **params: Any) -> AsyncIterator[dict[str, Any]]:
        return self._cloud.pages(operation, **params)


class DyingJournal:
    """A seam after each commit (before it is where the last call's answer was: the same death)."""

    def __init__(self, journal: Journal, seams: Seams) -> None:
        self._journal = journal
        self._seams = seams

    async def entries(self) -> dict[StepId, Entry]:
        return await self._journal.entries()

    async def move(
        self,
        step: PlannedStep,
        to: StepState,
        *,
        result: Mapping[str, Json] | None = None,
        error: Mapping[str, Json] | None = None,
    ) -> None:
        _step.set(step.action)
        before = await self._journal.entries()
        await self._journal.move(step, to, result=result, error=error)
        self._seams.cross(f"after {to}", changed=await self._journal.entries() != before)
