"""Steps that keep: what a step made true is looked after until the step that ends this starts.

A keeper is a succeeded step's `keep`, called again and again on the executor's clock. It ends when the
first of the step's `kept_until` starts; where that one failed and is retried, it goes on until the retry
starts. It lives no longer than the drive: the next one takes it up again from the journal, with a round
at once, since nobody knows how long nobody looked.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial

import structlog

from app.cloud import CloudError
from app.execution.attempts import Attempts, Control, Interrupted
from app.execution.checked import CheckedCloud
from app.execution.journal import Entry
from app.execution.runs import RunFactory
from app.execution.step import Run, Step, StepBroken
from app.planning.plan import PlannedStep, StepId

log = structlog.get_logger("landbridge.keeping")


@dataclass(eq=False)
class _Keeper:
    """`at_work` is held during a round: two never overlap, and whoever ends the keeper waits for its last.

    `unheard`: what a round in the background left to a person, and no step has halted for yet.
    """

    step: PlannedStep
    action: Step
    entry: Entry
    at_work: asyncio.Lock = field(default_factory=asyncio.Lock)
    ended: bool = False
    loop: "asyncio.Task[None] | None" = None
    trouble: str = ""
    unheard: StepBroken | None = None


class Keeping:
    """One drive's keepers. `loops`: wait for them too, and call `raise_failure` when one has ended."""

    def __init__(
        self,
        steps: Mapping[StepId, PlannedStep],
        actions: Mapping[str, Step],
        runs: RunFactory,
        attempts: Attempts,
        control: Control,
    ) -> None:
        self._actions = actions
        self._runs = runs
        self._attempts = attempts
        self._stopping = control.stopping
        self._keepers: dict[StepId, _Keeper] = {}
        self._keeping = [step for step in steps.values() if actions[step.action].keeps_every > 0]
        self._ended_by: dict[StepId, list[StepId]] = {}
        for step in self._keeping:
            for end in step.kept_until:
                self._ended_by.setdefault(end, []).append(step.id)
        self.loops: set[asyncio.Task[None]] = set()

    def kept(self, entries: Mapping[StepId, Entry]) -> list[PlannedStep]:
        """The steps whose work is to be kept as the journal stands."""
        return [step for step in self._keeping if _is_kept(step, entries)]

    def resume(self, entries: Mapping[StepId, Entry]) -> None:
        """Go on where an earlier drive ended, with a round at once."""
        for step in self.kept(entries):
            self._keep(step, entries[step.id], 0.0)

    def begin(self, step: PlannedStep, entries: Mapping[StepId, Entry]) -> None:
        """The step has just succeeded: keep what it made true, if it is one that does."""
        every = self._actions[step.action].keeps_every
        if every > 0 and _is_kept(step, entries):
            self._keep(step, entries[step.id], every)

    async def ready_for(self, step: PlannedStep) -> None:
        """Before the step makes its first call: a last look by those it needs directly, and an end to those
        that are kept until it starts. Raises StepBroken, also one that a round since has met, or CloudError, and
        Interrupted on a stop."""
        for need in step.needs:
            if need in self._keepers:
                await self._check(self._keepers[need])
        for kept in self._ended_by.get(step.id, ()):
            if kept in self._keepers:
                await self._end(self._keepers[kept])

    async def close(self) -> None:
        """Let rounds under way come to their end; none begins any more. Raises what a loop has met."""
        for keeper in self._keepers.values():
            await self._end(keeper)
        self.raise_failure()

    async def cancel(self) -> None:
        """End everything at once."""
        for loop in self.loops:
            loop.cancel()
        await asyncio.gather(*self.loops, return_exceptions=True)

    def raise_failure(self) -> None:
        """A round that met a lost lease or a bug ends the drive, as a step's own call would."""
        for loop in self.loops:
            if loop.done() and not loop.cancelled():
                loop.result()

    def _keep(self, step: PlannedStep, entry: Entry, pause: float) -> None:
        keeper = self._keepers[step.id] = _Keeper(step, self._actions[step.action], entry)
        keeper.loop = asyncio.create_task(self._forever(keeper, pause))
        self.loops.add(keeper.loop)
        keeper.loop.add_done_callback(self._over)

    def _over(self, loop: "asyncio.Task[None]") -> None:
        if loop.cancelled() or loop.exception() is None:
            self.loops.discard(loop)

    async def _forever(self, keeper: _Keeper, pause: float) -> None:
        with suppress(Interrupted):  # the drive stops
            while True:
                await self._attempts.sleep(pause)
                async with keeper.at_work:
                    if keeper.ended:
                        return
                    await self._round(keeper)
                pause = keeper.action.keeps_every

    async def _round(self, keeper: _Keeper) -> None:
        """In the background nothing fails: the next round may find it mended, and who relies on it looks again.

        What is for a person to decide is not forgotten by that: who relies on it hears of it first.
        """
        try:
            await self._kept_once(keeper, self._run(keeper))
            _tell(keeper, "")
        except CloudError as error:
            _tell(keeper, f"{error.operation} was refused ({error.code})")
        except StepBroken as error:
            keeper.unheard = error
            _tell(keeper, error.reason)

    async def _check(self, keeper: _Keeper) -> None:
        async with keeper.at_work:
            if keeper.ended:
                return
            unheard, keeper.unheard = keeper.unheard, None
            await self._attempts.persist(self._run(keeper), partial(self._kept_once, keeper))
            _tell(keeper, "")
            if unheard is not None:
                raise unheard

    async def _kept_once(self, keeper: _Keeper, run: Run) -> None:
        self._go_on()
        await keeper.action.keep(run, keeper.entry.result or {})

    def _run(self, keeper: _Keeper) -> Run:
        run = self._runs.make(keeper.step, keeper.entry.attempt, recovering=False)
        return replace(run, cloud=CheckedCloud(run.cloud, self._go_on))

    def _go_on(self) -> None:
        """Lets no call begin once the drive is to stop: a round may be left anywhere, it is repeated."""
        if self._stopping.is_set():
            raise Interrupted

    async def _end(self, keeper: _Keeper) -> None:
        async with keeper.at_work:
            keeper.ended = True
            if keeper.loop is not None:
                keeper.loop.cancel()


def _is_kept(step: PlannedStep, entries: Mapping[StepId, Entry]) -> bool:
    def begun(id_: StepId) -> bool:  # a step of a later job (finalize) has no entry in this one's journal
        return id_ in entries and entries[id_].state != "pending"

    return entries[step.id].state == "succeeded" and not any(map(begun, step.kept_until))


def _tell(keeper: _Keeper, trouble: str) -> None:
    """Once for each change, not once a round."""
    if trouble and trouble != keeper.trouble:
        log.warning("keeping.broken", step=keeper.step.id, reason=trouble)
    elif keeper.trouble and not trouble:
        log.info("keeping.mended", step=keeper.step.id)
    keeper.trouble = trouble
