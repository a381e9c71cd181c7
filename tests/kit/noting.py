"""What each step really calls, taken down while it moves, dries, keeps and undoes."""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import replace
from typing import Any

from app.cloud import Cloud
from app.execution.calls import Calls
from app.execution.executor import Executor
from app.execution.journal import MemoryJournal
from app.execution.rehearsal import rehearsed, unheld
from app.execution.step import Alters, Judge, Result, Run, Seen, Step, Verdict, Watch
from app.planning.context import Context
from app.planning.effects import Effect
from app.planning.inventory import Json, Ref, Resource
from app.planning.plan import Draft, Plan
from sandbox.virtual_time import run as run_in
from sandbox.world import World
from tests.kit.bench import Bench
from tests.kit.direct_cloud import DirectCloud


class Notes:
    """`before` is handed every call of a step before it is made. `twice`: steps are done again when they are done,
    told that they may have been."""

    def __init__(self) -> None:
        self.calls: dict[str, set[str]] = defaultdict(set)
        self.twice = False

    def before(self, action: str, operation: str, params: Mapping[str, Any]) -> None:
        self.calls[action].add(operation)


class NotingCloud:
    """One step's Cloud, with every call in the notes."""

    def __init__(self, cloud: Cloud, action: str, notes: Notes) -> None:
        self._cloud = cloud
        self._action = action
        self._notes = notes

    @property
    def region(self) -> str:
        return self._cloud.region

    async def call(self, operation: str, /, **params: Any) -> dict[str, Any]:
        if not params.get("DryRun"):
            self._notes.before(self._action, operation, params)
        return await self._cloud.call(operation, **params)

    def pages(self, operation: str, /, **params: Any) -> AsyncIterator[dict[str, Any]]:
        self._notes.before(self._action, operation, params)
        return self._cloud.pages(operation, **params)


class NotedStep(Step):
    """The step itself, handed a cloud that takes notes."""

    subject = "any"
    phase = "prepare"

    def __init__(self, step: Step, notes: Notes) -> None:
        self._step = step
        self._notes = notes
        self.keeps_every = step.keeps_every  # type: ignore[misc]

    @property
    def action(self) -> str:  # type: ignore[override]
        return self._step.action

    @property
    def alters(self) -> Alters:  # type: ignore[override]
        return self._step.alters

    @property
    def calls(self) -> Calls:  # type: ignore[override]
        return self._step.calls

    def _noting(self, run: Run) -> Run:
        async def wait(watch: Watch, judge: Judge) -> Mapping[str, Json]:
            self._notes.before(self.action, watch.operation, {})
            return await run.wait(watch, judge)

        return replace(run, cloud=NotingCloud(run.cloud, self.action, self._notes), wait=wait)

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        return self._step.plan(resource, ctx)

    def effects(self, subject: Ref, params: Mapping[str, Json]) -> Iterable[Effect]:
        return self._step.effects(subject, params)

    async def check(self, run: Run) -> None:
        await self._step.check(self._noting(run))

    async def do(self, run: Run) -> Result:
        result = await self._step.do(self._noting(run))
        return await self._step.do(replace(self._noting(run), recovering=True)) if self._notes.twice else result

    def watch(self, result: Result) -> Watch | None:
        found = self._step.watch(result)
        if found:
            self._notes.before(self.action, found.operation, {})
        return found

    def verdict(self, result: Result, seen: Seen) -> Verdict:
        return self._step.verdict(result, seen)

    async def keep(self, run: Run, result: Result) -> None:
        await self._step.keep(self._noting(run), result)

    async def undo(self, run: Run, result: Result | None) -> None:
        await self._step.undo(self._noting(run), result)


class NotingBench(Bench):
    """A bench whose steps take notes; past the wire, for speed."""

    def __init__(self, notes: Notes, world: World | None = None) -> None:
        super().__init__(world)
        self.notes = notes
        self.wire = self.cloud  # which knows DryRun
        self.cloud = DirectCloud(self.world)  # type: ignore[assignment]

    def actions(self) -> Mapping[str, Step]:
        return {action: NotedStep(step, self.notes) for action, step in super().actions().items()}

    def rehearse(self, plan: Plan) -> None:
        """A dry run of everything but the finalize phase."""
        steps = unheld([step for step in plan.steps if step.phase != "finalize"])
        executor = Executor(
            job_id="job_dry",
            steps=steps,
            actions=rehearsed(self.actions()),
            journal=MemoryJournal(),
            cloud=self.wire,
            clock=self.clock,
            undeclared=self.undeclared,
        )
        run_in(self.world, executor.advance())
