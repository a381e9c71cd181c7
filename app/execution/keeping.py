"""Steps that keep: what a step made true is looked after until the step that ends this starts.

A keeper is a succeeded step's `keep`, called again and again on the executor's clock. It ends when the
first of the step's `kept_until` starts; where that one failed and is retried, it goes on until the retry
starts. It lives no longer than the drive: the next one takes it up again from the journal, with a round
at once, since nobody knows how long nobody looked.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import structlog

from app.cloud import Cloud, CloudError
from app.execution.attempts import Attempts, Control, Interrupted
from app.execution.journal import Entry
from app.execution.step import Run, Step, StepBroken
from app.planning.plan import PlannedStep, StepId

log = structlog.get_logger("landbridge.keeping")


class _UntilStopped:
    """Lets no call begin once the drive is to stop: a round may be left anywhere, it is repeated."""

    def __init__(self, cloud: Cloud, stopping: asyncio.Event) -> None:
        self._cloud = cloud
        self._stopping = stopping

    @property
    def region(self) -> str:
        return self._cloud.region

    async def call(self, operation: str, /, **params: Any) -> dict[str, Any]:
        """Raises Interrupted besides CloudError."""
        self._check()
        return await self._cloud.call(operation, **params)

    async def pages(self, operation: str, /, **params: Any) -> AsyncIterator[dict[str, Any]]:
        self._check()
        async for page in self._cloud.pages(operation, **params):
            yield page
            self._check()

    def _check(self) -> None:
        if self._stopping.is_set():
            raise Interrupted


@dataclass(eq=False)
class _Keeper:
    """`at_work` is held during a round: two never overlap, and whoever ends the keeper waits for its last."""

    step: PlannedStep
    at_work: asyncio.Lock = field(default_factory=asyncio.Lock)
    ended: bool = False
    loop: "asyncio.Task[None] | None" = None
    trouble: str = ""


class Keeping:
    """One drive's keepers. `failed` is done, with the error, once a round met what no round may meet: a lost
    lease or a bug."""

    def __init__(
        self,
        steps: Mapping[StepId, PlannedStep],
        actions: Mapping[str, Step],
        attempts: Attempts,
        control: Control,
        run_of: Callable[[PlannedStep], Run],
    ) -> None:
        self._actions = actions
        self._attempts = attempts
        self._control = control
        self._run_of = run_of
        self._keepers: dict[StepId, _Keeper] = {}
        self._keeping = [step for step in steps.values() if actions[step.action].keeps_every > 0]
        self._ended_by: dict[StepId, list[StepId]] = {}
        for step in self._keeping:
            for end in step.kept_until:
                self._ended_by.setdefault(end, []).append(step.id)
        self.failed: asyncio.Future[None] = asyncio.Future()

    def kept(self, entries: Mapping[StepId, Entry]) -> Sequence[PlannedStep]:
        """The steps whose work is to be kept as the journal stands."""

        def begun(id_: StepId) -> bool:
            return id_ in entries and entries[id_].state != "pending"

        succeeded = (step for step in self._keeping if entries[step.id].state == "succeeded")
        return [step for step in succeeded if not any(map(begun, step.kept_until))]

    def resume(self, entries: Mapping[StepId, Entry]) -> None:
        """Go on where an earlier drive ended, with a round at once."""
        for step in self.kept(entries):
            self._keep(step, 0.0)

    def begin(self, step: PlannedStep, entries: Mapping[StepId, Entry]) -> None:
        """The step has just succeeded."""
        if step in self.kept_of(step.id, entries):
            self._keep(step, self._actions[step.action].keeps_every)

    def _keep(self, step: PlannedStep, pause: float) -> None:
        keeper = self._keepers[step.id] = _Keeper(step)
        keeper.loop = asyncio.create_task(self._forever(keeper, pause))
        keeper.loop.add_done_callback(self._over)
