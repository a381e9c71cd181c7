"""Steps that the corner shop's move has none of: a worker is killed at each of their seams as well."""

from functools import cache

import pytest

from app.execution.journal import MemoryJournal
from app.planning.context import Target
from app.planning.plan import Plan
from app.resources import all_kinds
from sandbox.builder import Builder
from tests.crash.test_every_seam import drive, ended, shape, unlike
from tests.kit import corner_shop, odds
from tests.kit.account import account
from tests.kit.bench import Bench
from tests.kit.killing import Seams, outlive
from tests.kit.undone import unrestored

NEW_VPC = Target(create_cidr="172.22.0.0/16")
SHARES = 2


def prepared() -> tuple[Bench, Plan]:
    """The odds and ends, and an instance that a shutdown from inside would terminate, to be moved into a new VPC."""
    bench = Bench()
    odds.build(bench.boto, bench.world)
    builder = Builder(bench.boto, bench.world)
    builder.call(
        "ec2",
        "RunInstances",
        ImageId=builder.image("amzn2-ami-hvm-*"),
        InstanceType="m3.medium",
        MinCount=1,
        MaxCount=1,
        InstanceInitiatedShutdownBehavior="terminate",
    )
    builder.wait(300)
    bench.past_the_wire().unguarded()
    return bench, bench.plan(NEW_VPC, "incremental")


@cache
def rarer() -> frozenset[str]:
    """The actions of all kinds that no plan for the corner shop has, but for those of finalize."""
    bench, target = corner_shop.bench()
    bench.past_the_wire()
    plans = (bench.plan(target, "incremental"), bench.plan(target, "all_at_once"))
    common = {step.action for plan in plans for step in plan.steps}
    every = {step.action for kind in all_kinds().values() for step in kind.steps if step.phase != "finalize"}
    return frozenset(every - common)


def killed(seams: Seams) -> set[str]:
    return {seam.rpartition(" ")[2] for seam in seams.crossed}


@pytest.mark.parametrize("part", range(SHARES))
def test_a_worker_killed_in_a_rarer_step_is_survived_forward_and_by_undo(part: int) -> None:
    rehearsal, plan = prepared()
    assert drive(rehearsal, plan, MemoryJournal(), Seams()) == "succeeded"
    expected = shape(rehearsal)
    bench, plan = prepared()
    before, journal = account(bench.look), MemoryJournal()

    def another_worker_finishes() -> list[str]:
        outcome = drive(bench, plan, journal, Seams())
        return ended(outcome, "succeeded", journal) + unlike(bench, expected)

    def a_person_asks_for_undo() -> list[str]:
        outcome = drive(bench, plan, journal, Seams(), back=True)
        return ended(outcome, "undone", journal) + unrestored(before, account(bench.look))

    aftermaths = {"another worker": another_worker_finishes, "undo": a_person_asks_for_undo}
    seams = Seams(aftermaths, part=(part, SHARES), only=tuple(rarer()))
    assert outlive(lambda: drive(bench, plan, journal, seams)) == "succeeded"
    assert seams.wrong == []
    assert killed(seams) == rarer(), "a step that no test kills a worker in"


def test_a_worker_killed_in_the_undo_of_a_rarer_step_is_survived() -> None:
    bench, plan = prepared()
    before, journal = account(bench.look), MemoryJournal()
    assert drive(bench, plan, journal, Seams()) == "succeeded"

    def another_worker_goes_on() -> list[str]:
        outcome = drive(bench, plan, journal, Seams(), back=True)
        return ended(outcome, "undone", journal) + unrestored(before, account(bench.look))

    seams = Seams({"another worker": another_worker_goes_on}, only=tuple(rarer()))
    assert outlive(lambda: drive(bench, plan, journal, seams, back=True)) == "undone"
    assert seams.wrong == []
    assert killed(seams) == rarer()
