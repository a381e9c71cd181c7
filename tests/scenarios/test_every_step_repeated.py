"""Every step of every kind, over a whole application: done twice it makes one thing, undone before it was
done it is quiet, and undone twice after it was done it leaves the account as it was.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from app.cloud import CloudError
from app.execution.executor import Executor, Outcome
from app.execution.journal import MemoryJournal
from app.execution.runs import RunFactory
from app.execution.step import Result, Run, Seen, Step, StepBroken, Verdict, Watch
from app.execution.watcher import Watcher
from app.planning.context import Context, Target
from app.planning.inventory import Resource
from app.planning.plan import Draft, Plan, Strategy
from app.resources import all_kinds
from tests.kit import corner_shop
from tests.kit.account import account, differences
from tests.kit.bench import Bench
from tests.kit.undone import unrestored
from tests.kit.virtual_time import run as run_on

STRATEGIES = pytest.mark.parametrize("strategy", ["incremental", "all_at_once"])
CONSISTENCY_SECONDS = 300.0


class Repeated(Step):
    """A step whose every do and undo comes twice, the second time as after a crash before the first was noted."""

    def __init__(self, step: Step, bench: Bench) -> None:
        self._step = step
        self._bench = bench

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        return self._step.plan(resource, ctx)

    async def do(self, run: Run) -> Result:
        await self._step.do(run)
        return await self._step.do(self._again(run))

    def watch(self, result: Result) -> Watch | None:
        return self._step.watch(result)

    def verdict(self, result: Result, seen: Seen) -> Verdict:
        return self._step.verdict(result, seen)

    async def undo(self, run: Run, result: Result | None) -> None:
        await self._step.undo(run, result)
        await self._step.undo(self._again(run), result)

    def _again(self, run: Run) -> Run:
        async def consistency() -> None:
            await self._bench.clock.sleep(CONSISTENCY_SECONDS)

        return replace(run, recovering=True, fresh=True, consistency=consistency)


def steps_by_action() -> dict[str, Step]:
    return {step.action: step for kind in all_kinds().values() for step in kind.steps}


def drive(bench: Bench, plan: Plan, journal: MemoryJournal, phase: Callable[[str], bool]) -> Executor:
    """A job of ours in which everything comes twice."""
    return Executor(
        job_id="job_test",
        steps=[step for step in plan.steps if phase(step.phase)],
        actions={action: Repeated(step, bench) for action, step in steps_by_action().items()},
        journal=journal,
        cloud=bench.cloud,
        clock=bench.clock,
    )


def moving(phase: str) -> bool:
    return phase != "finalize"


def made_by_step(found: Mapping[str, Any]) -> Counter[str]:
    """How many things there are of each sort, by the step that made them."""
    counted: Counter[str] = Counter()
    for sort, things in found.items():
        for thing in things:
            tags = {tag["Key"]: tag["Value"] for tag in thing.get("Tags", thing.get("TagList", ()))}
            counted[f"{sort} {tags.get('landbridge:step', '')}"] += 1
    return counted


def errors(journal: MemoryJournal) -> dict[str, Any]:
    return {id_: entry.error for id_, entry in journal.lines.items() if entry.error}


def prepared() -> tuple[Bench, Target]:
    bench, target = corner_shop.bench()
    return bench.past_the_wire().unguarded(), target


@STRATEGIES
def test_a_step_done_twice_makes_one_thing(strategy: Strategy) -> None:
    once, target = prepared()
    assert once.execute(once.plan(target, strategy))[0] == "succeeded"
    twice, target = prepared()
    plan, journal = twice.plan(target, strategy), MemoryJournal()
    outcome: Outcome = run_on(twice.world, drive(twice, plan, journal, moving).advance())
    assert outcome == "succeeded", errors(journal)
    assert made_by_step(account(twice.look)) == made_by_step(account(once.look))


@STRATEGIES
def test_a_step_undone_twice_leaves_the_account_as_it_was(strategy: Strategy) -> None:
    bench, target = prepared()
    before = account(bench.look)
    plan, journal = bench.plan(target, strategy), MemoryJournal()
    assert bench.execute(plan, journal)[0] == "succeeded"
    outcome: Outcome = run_on(bench.world, drive(bench, plan, journal, moving).retreat())
    assert outcome == "undone", errors(journal)
    assert unrestored(before, account(bench.look)) == []


@STRATEGIES
def test_a_step_undone_before_it_was_done_is_quiet(strategy: Strategy) -> None:
    bench, target = prepared()
    before = account(bench.look)
    plan = bench.plan(target, strategy)

    async def undo_all() -> dict[str, str]:
        watcher = Watcher(bench.cloud, bench.clock)

        async def consistency() -> None:
            await bench.clock.sleep(CONSISTENCY_SECONDS)

        runs = RunFactory("job_test", bench.cloud, watcher.wait, consistency, lambda _: None)
        loud = {}
        for step in filter(lambda step: moving(step.phase), reversed(plan.steps)):
            try:
                await steps_by_action()[step.action].undo(runs.make(step, 1, recovering=True), None)
            except (CloudError, StepBroken) as error:
                loud[step.id] = repr(error)
        await watcher.close()
        return loud

    assert run_on(bench.world, undo_all()) == {}
    assert differences(before, account(bench.look)) == []


@STRATEGIES
def test_finalize_done_twice_ends_as_done_once(strategy: Strategy) -> None:
    bench, target = prepared()
    plan = bench.plan(target, strategy)
    outcome, executed = bench.execute(plan)
    assert outcome == "succeeded"
    earlier = {id_: entry.result for id_, entry in executed.lines.items() if entry.result is not None}
    journal = MemoryJournal()
    executor = Executor(
        job_id="job_finalize",
        steps=[step for step in plan.steps if not moving(step.phase)],
        actions={action: Repeated(step, bench) for action, step in steps_by_action().items()},
        journal=journal,
        cloud=bench.cloud,
        clock=bench.clock,
        earlier=earlier,
    )
    assert run_on(bench.world, executor.advance()) == "succeeded", errors(journal)
