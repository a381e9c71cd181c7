"""Drives a plan's graph in one event loop: advances a job, or retreats, as far as its journal allows.

A step's way forward is pending → running → verifying → succeeded. `running` is committed before its
first call goes out (the intent), `verifying` with the result as soon as do() returns, so that a
worker that takes over looks again instead of doing again. What was found `running` is done again,
told that it may have been done before.

Failure halts: no new step starts, those under way come to their end, and a person decides.

What some steps made true is kept meanwhile (keeping.py), also at a gate, where nothing else goes on.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from app.cloud import Cloud, CloudError
from app.execution.attempts import Attempts, Control, Interrupted, failure
from app.execution.clock import Clock
from app.execution.declared import Declarations, Undeclared, tell
from app.execution.frontier import Frontier
from app.execution.guard import Guard
from app.execution.journal import Entry, Journal
from app.execution.keeping import Keeping
from app.execution.runs import RunFactory
from app.execution.states import SETTLED, UNTOUCHED, StepState
from app.execution.step import Judge, Result, Step, StepBroken, Watch
from app.execution.watcher import Watcher
from app.execution.witness import Witness
from app.planning.graph import dependents_of
from app.planning.plan import PHASES, PlannedStep, StepId
from app.planning.urgency import urgent

Outcome = Literal["succeeded", "halted", "stopped", "waiting_for_approval", "undone", "undo_failed"]

AT_ONCE = 1_000  # steps under way; AWS's own limits bind long before this one


class Executor:
    """One job's steps. `actions` maps an action to the step that knows how; `earlier` holds results of
    a job that went before (a finalize job uses those of the job that moved things)."""

    def __init__(  # noqa: PLR0913 - keyword-only: what one job needs, each thing once
        self,
        *,
        job_id: str,
        steps: Sequence[PlannedStep],
        actions: Mapping[str, Step],
        journal: Journal,
        cloud: Cloud,
        clock: Clock,
        gates: Sequence[str] = (),
        control: Control | None = None,
        earlier: Mapping[StepId, Result] | None = None,
        witness: Witness | None = None,
        guard: Guard | None = None,
        undeclared: Undeclared = tell,
    ) -> None:
        self._steps = {step.id: step for step in steps}
        self._actions = actions
        self._journal = journal
        self._gates = gates
        self.control = control or Control()
        self._urgent = urgent(steps)
        self._watcher = Watcher(cloud, clock)
        self._attempts = Attempts(clock, self.control)
        self._declared = Declarations(actions, undeclared)
        self._runs = RunFactory(
            job_id,
            cloud,
            self._settled,
            self._attempts.consistency,
            self._result_of,
            witness,
            declarations=self._declared,
        )
        self._guard = guard
        self._keeping = Keeping(self._steps, actions, self._runs, self._attempts, self.control)
        self._entries: dict[StepId, Entry] = {}
        self._failed = False
        self.heard_gates: frozenset[str] = frozenset()  # those approved when the drive found nothing more to start
        self._earlier = dict(earlier or {})

    async def advance(self) -> Outcome:
        """Start all that is ready until nothing can start any more. Raises LeaseLost."""
        await self._load()
        settled = {id_ for id_ in self._steps if self._entries[id_].state in SETTLED}
        frontier = Frontier({id_: step.needs for id_, step in self._steps.items()}, settled)
        self._keeping.resume(self._entries)
        await self._drive(frontier, self._forward, self._may_start, SETTLED)
        states = {self._entries[id_].state for id_ in self._steps}
        if states <= SETTLED:
            return "succeeded"
        if "failed" in states:
            return "halted"
        return "stopped" if self.control.stopping.is_set() else "waiting_for_approval"

    @property
    def keeps(self) -> bool:
        """Whether, as the journal stands, something is to be kept while nothing else goes on."""
        return bool(self._keeping.kept(self._entries))

    async def keep(self) -> bool:
        """At a gate: keep what is kept while control says `at_gate`; False where the drive was stopped.

        Writes nothing to the journal. Raises LeaseLost.
        """
        await self._load()
        self._keeping.resume(self._entries)
        stopping = self.control.stopping
        alarm = asyncio.ensure_future(self.control.changed.wait())
        try:
            while self.control.at_gate and not stopping.is_set():
                await asyncio.wait({*self._keeping.loops, alarm}, return_when=asyncio.FIRST_COMPLETED)
                self._keeping.raise_failure()
                if alarm.done():
                    self.control.changed.clear()
                    alarm = asyncio.ensure_future(self.control.changed.wait())
            if stopping.is_set():
                await self._watcher.close()
            await self._keeping.close()
        finally:
            alarm.cancel()
            await asyncio.gather(alarm, return_exceptions=True)
            await self._keeping.cancel()
            await self._watcher.close()
        return not stopping.is_set()

    async def retreat(self) -> Outcome:
        """Undo everything that was or may have been done, latest first. Raises LeaseLost."""
        await self._load()
        untouched = {id_ for id_ in self._steps if self._entries[id_].untouched}
        frontier = Frontier(dependents_of(list(self._steps.values())), untouched)
        await self._drive(frontier, self._back, lambda step: True, UNTOUCHED)
        left = [entry.state for id_ in self._steps if not (entry := self._entries[id_]).untouched]
        if not left:
            return "undone"
        return "undo_failed" if "undo_failed" in left else "stopped"

    async def _load(self) -> None:
        self._entries = {id_: Entry() for id_ in self._steps} | await self._journal.entries()
        self._failed = any(entry.state == "failed" for entry in self._entries.values())

    async def _drive(
        self,
        frontier: Frontier,
        carry: Callable[[PlannedStep], Awaitable[None]],
        may_start: Callable[[PlannedStep], bool],
        finished: frozenset[str],
    ) -> None:
        under_way: set[asyncio.Task[StepId]] = set()
        held: list[PlannedStep] = []
        alarm = asyncio.ensure_future(self.control.changed.wait())
        try:
            while True:
                held = self._start(frontier, held, under_way, carry, may_start)
                if not under_way:
                    self.heard_gates = frozenset(self.control.approved_gates)
                    await self._keeping.close()
                    return
                await asyncio.wait({*under_way, *self._keeping.loops, alarm}, return_when=asyncio.FIRST_COMPLETED)
                self._keeping.raise_failure()
                # By id, so that a job takes the same course whenever AWS answers the same.
                for ended in sorted((task for task in under_way if task.done()), key=lambda task: task.result()):
                    under_way.discard(ended)
                    if self._entries[ended.result()].state in finished:
                        frontier.finish(ended.result())
                if alarm.done():
                    self.control.changed.clear()
                    alarm = asyncio.ensure_future(self.control.changed.wait())
                    if self.control.stopping.is_set():
                        await self._watcher.close()
        finally:
            for task in (*under_way, alarm):
                task.cancel()
            await asyncio.gather(*under_way, alarm, return_exceptions=True)
            await self._keeping.cancel()
            await self._watcher.close()

    def _start(
        self,
        frontier: Frontier,
        held: list[PlannedStep],
        under_way: set[asyncio.Task[StepId]],
        carry: Callable[[PlannedStep], Awaitable[None]],
        may_start: Callable[[PlannedStep], bool],
    ) -> list[PlannedStep]:
        """Start what may start; what may not yet (a gate, a stop, a failure) is held and given back."""

        async def carried(step: PlannedStep) -> StepId:
            await carry(step)
            return step.id

        still_held: list[PlannedStep] = []
        while True:
            if held:
                step = held.pop()
            elif len(under_way) < AT_ONCE and (id_ := frontier.take()):
                step = self._steps[id_]
            else:
                return still_held
            if self.control.stopping.is_set() or not may_start(step):
                still_held.append(step)
            else:
                under_way.add(asyncio.ensure_future(carried(step)))

    def _may_start(self, step: PlannedStep) -> bool:
        state = self._entries[step.id].state
        if state in ("running", "verifying"):  # under way when an earlier worker died: see it to its end
            return True
        return state == "pending" and not self._failed and not self._gated(step)

    def _gated(self, step: PlannedStep) -> bool:
        closed = (gate for gate in self._gates if gate not in self.control.approved_gates)
        return any(PHASES.index(step.phase) >= PHASES.index(gate.removeprefix("before:")) for gate in closed)

    async def _forward(self, step: PlannedStep) -> None:
        action = self._actions[step.action]
        try:
            if not await self._relied_on(step):
                return
            result = await self._done(step, action)
            if watch := action.watch(result):
                self._declared.watches(step.action, watch)
                watch = replace(watch, urgent=watch.urgent or step.id in self._urgent)
                await self._verifying(step, result)
                result = {**result, **await self._settled(watch, lambda seen: action.verdict(result, seen))}
            if step.hold_seconds:
                await self._verifying(step, result)
                await self._attempts.sleep(step.hold_seconds)
            await self._move(step, "succeeded", result)
            self._keeping.begin(step, self._entries)
        except (Interrupted, asyncio.CancelledError):
            if not self.control.stopping.is_set():
                raise
        except (CloudError, StepBroken) as error:
            await self._move(step, "failed", error=failure(error))

    async def _relied_on(self, step: PlannedStep) -> bool:
        """Look once more at what the step relies on, before its intent; whether it may still start then.

        A crash meanwhile leaves it as it was: `running` says that the look was well.
        """
        entry = self._entries[step.id]
        if entry.state == "verifying":
            return True
        await self._keeping.ready_for(step)
        if entry.state == "pending" and (guard := self._guard):
            run = self._runs.make(step, entry.attempt, recovering=False)
            await self._attempts.persist(run, lambda run: guard.look(step, self._begun))
        return self._may_start(step) and not self.control.stopping.is_set()

    async def _done(self, step: PlannedStep, action: Step) -> Result:
        entry = self._entries[step.id]
        if entry.state == "verifying":
            return entry.result or {}
        await self._move(step, "running")
        run = self._runs.make(step, entry.attempt, recovering=entry.tried)
        return await self._attempts.persist(run, action.do)

    async def _settled(self, watch: Watch, judge: Judge) -> Result:
        """Look until it has settled. Not begun once the drive stops, or the drive would go on as long as AWS does."""
        if self.control.stopping.is_set():
            raise Interrupted
        return await self._watcher.wait(watch, judge)

    async def _verifying(self, step: PlannedStep, result: Result) -> None:
        if self._entries[step.id].state != "verifying":
            await self._move(step, "verifying", result)

    async def _back(self, step: PlannedStep) -> None:
        action, entry = self._actions[step.action], self._entries[step.id]
        try:
            await self._move(step, "undoing")
            run = self._runs.make(step, entry.attempt, recovering=True)
            await self._attempts.persist(run, lambda run: action.undo(run, entry.result))
            await self._move(step, "undone")
        except (Interrupted, asyncio.CancelledError):
            if not self.control.stopping.is_set():
                raise
        except (CloudError, StepBroken) as error:
            await self._move(step, "undo_failed", error=failure(error))

    async def _move(
        self, step: PlannedStep, to: StepState, result: Result | None = None, error: Result | None = None
    ) -> None:
        await self._journal.move(step, to, result=result, error=error)
        self._entries[step.id] = self._entries[step.id].moved(to, result, error)
        self._failed = self._failed or to == "failed"

    def _begun(self, id_: StepId) -> bool:
        entry = self._entries.get(id_)
        return not entry.untouched if entry else id_ in self._earlier

    def _result_of(self, id_: StepId) -> Result | None:
        entry = self._entries.get(id_)
        return entry.result if entry and entry.result is not None else self._earlier.get(id_)
