"""A worker is killed at every seam of a whole migration, and the next one finishes what it began.

Seams: before and after every changing call, and after every commit of the journal; on the way
forward and on the way back. After each death nothing may have been made twice, the job must end as
it ends without any death, and undo must restore the account.
"""

from collections import Counter
from typing import Any

import pytest

from app.execution.executor import Outcome
from app.execution.journal import MemoryJournal
from app.planning.plan import Plan, Strategy
from tests.kit import corner_shop
from tests.kit.account import account
from tests.kit.bench import Bench
from tests.kit.killing import DyingCloud, DyingJournal, Killed, Seams, outlive
from tests.kit.undone import unrestored
from tests.kit.virtual_time import run

STRATEGIES = pytest.mark.parametrize("strategy", ["incremental", "all_at_once"])
SHARES = 4  # the seams are dealt out to this many tests, which run side by side
PARTS = pytest.mark.parametrize("part", range(SHARES))
# Of what carries no tags of ours, and has the same name in each run.
NAMES = ("Name", "PolicyName", "ScheduledActionName", "AlarmName", "NotificationType", "LaunchConfigurationName")


def drive(bench: Bench, plan: Plan, journal: MemoryJournal, seams: Seams, *, back: bool = False) -> Outcome:
    """One worker's drive, with a death at each seam."""
    steps = [step for step in plan.steps if step.phase != "finalize"]
    executor = bench.executor(steps, journal=DyingJournal(journal, seams), cloud=DyingCloud(bench.cloud, seams))
    return run(bench.world, executor.retreat() if back else executor.advance())


def shape(bench: Bench) -> dict[str, Counter[str]]:
    """How many of what there is, by what it was made for: ids differ from run to run, this may not."""
    return {name: Counter(made_for(thing) for thing in things) for name, things in account(bench.look).items()}


def made_for(thing: dict[str, Any]) -> str:
    tags = {tag["Key"]: tag["Value"] for tag in thing.get("Tags", thing.get("TagList", []))}
    state = thing.get("State", thing.get("DBInstanceStatus", ""))
    if "MinSize" in thing and "Instances" in thing:
        sizes = [thing[key] for key in ("MinSize", "DesiredCapacity", "MaxSize")]
        suspended = sorted(process["ProcessName"] for process in thing["SuspendedProcesses"])
        state = f"{sizes} {thing['Instances']} {suspended}"
    names = (thing[key] for key in NAMES if key in thing)
    name = tags.get("landbridge:step") or tags.get("Name") or next(names, "")
    return f"{name} {state if isinstance(state, str) else state['Name']}"


def unlike(bench: Bench, expected: dict[str, Counter[str]]) -> list[str]:
    """What there is too much or too little of."""
    found = shape(bench)
    return [
        f"{name}: too many {found[name] - expected[name]}, too few {expected[name] - found[name]}"
        for name in expected
        if found[name] != expected[name]
    ]


def ended(outcome: Outcome, wanted: Outcome, journal: MemoryJournal) -> list[str]:
    if outcome == wanted:
        return []
    return [outcome, *(f"{id_}: {entry.error}" for id_, entry in journal.lines.items() if entry.error)]


@STRATEGIES
@PARTS
def test_a_worker_killed_at_any_seam_is_survived_forward_and_by_undo(strategy: Strategy, part: int) -> None:
    rehearsal, target = corner_shop.bench()
    rehearsal.past_the_wire().unguarded()
    assert drive(rehearsal, rehearsal.plan(target, strategy), MemoryJournal(), Seams()) == "succeeded"
    expected = shape(rehearsal)

    bench, target = corner_shop.bench()
    bench.past_the_wire().unguarded()
    before = account(bench.look)
    plan, journal = bench.plan(target, strategy), MemoryJournal()

    def another_worker_finishes() -> list[str]:
        outcome = drive(bench, plan, journal, Seams())
        return ended(outcome, "succeeded", journal) + unlike(bench, expected)

    def a_person_asks_for_undo() -> list[str]:
        outcome = drive(bench, plan, journal, Seams(), back=True)
        return ended(outcome, "undone", journal) + unrestored(before, account(bench.look))

    aftermaths = {"another worker": another_worker_finishes, "undo": a_person_asks_for_undo}
    seams = Seams(aftermaths, part=(part, SHARES))
    assert outlive(lambda: drive(bench, plan, journal, seams)) == "succeeded"
    assert seams.wrong == []
    assert len(seams.crossed) > 80
    assert {seam.rpartition(" ")[2] for seam in seams.crossed} == {
        step.action for step in plan.steps if step.phase != "finalize"
    }


@STRATEGIES
@PARTS
def test_a_worker_killed_at_any_seam_of_undo_is_survived(strategy: Strategy, part: int) -> None:
    bench, target = corner_shop.bench()
    bench.past_the_wire().unguarded()
    before = account(bench.look)
    plan, journal = bench.plan(target, strategy), MemoryJournal()
    assert drive(bench, plan, journal, Seams()) == "succeeded"

    def another_worker_goes_on() -> list[str]:
        outcome = drive(bench, plan, journal, Seams(), back=True)
        return ended(outcome, "undone", journal) + unrestored(before, account(bench.look))

    seams = Seams({"another worker": another_worker_goes_on}, part=(part, SHARES))
    assert outlive(lambda: drive(bench, plan, journal, seams, back=True)) == "undone"
    assert seams.wrong == []
    assert len(seams.crossed) > 60


def test_killed_is_not_an_error_that_anybody_catches() -> None:
    assert not issubclass(Killed, Exception)
