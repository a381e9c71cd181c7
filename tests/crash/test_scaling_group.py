"""A worker is killed at every seam of an Auto Scaling group's move: one of three members, held by a lifecycle hook as
they come, behind a load balancer that everybody uses; on the way forward and on the way back."""

from collections import Counter
from functools import cache

import pytest

from app.execution.journal import MemoryJournal
from app.planning.plan import Strategy
from tests.crash.test_every_seam import drive, ended, shape, unlike
from tests.kit.forked import apart
from tests.kit.killing import Seams, outlive
from tests.scenarios.elastic import BALANCER, ElasticMove

STRATEGIES = pytest.mark.parametrize("strategy", ["incremental", "all_at_once"])
OURS = "auto_scaling_group."


@cache
def ready(strategy: Strategy) -> ElasticMove:
    """About to move, for whatever is tried apart."""
    return ElasticMove(strategy)


def moved_without_a_death(move: ElasticMove) -> None:
    move.journal = MemoryJournal()
    assert drive(move.bench, move.plan, move.journal, Seams()) == "succeeded"


@pytest.mark.soak
@STRATEGIES
def test_a_worker_killed_at_any_seam_of_the_groups_move_is_survived_forward_and_by_undo(strategy: Strategy) -> None:
    rehearsal = ElasticMove(strategy)
    moved_without_a_death(rehearsal)
    expected = shape(rehearsal.bench)
    assert apart(lambda: killed_forward(ready(strategy), expected)) == []


def killed_forward(move: ElasticMove, expected: dict[str, Counter[str]]) -> list[str]:
    journal = move.journal = MemoryJournal()

    def another_worker_finishes() -> list[str]:
        outcome = drive(move.bench, move.plan, journal, Seams())
        twin, balancer = move.twins()
        unserved = [] if len(move.served(twin, balancer)) == 3 else [f"{twin.name} is not in service"]
        return ended(outcome, "succeeded", journal) + unlike(move.bench, expected) + unserved + move.broken_promises()

    def a_person_asks_for_undo() -> list[str]:
        outcome = drive(move.bench, move.plan, journal, Seams(), back=True)
        return ended(outcome, "undone", journal) + not_as_before(move)

    seams = Seams({"another worker": another_worker_finishes, "undo": a_person_asks_for_undo}, only=OURS)
    assert outlive(lambda: drive(move.bench, move.plan, journal, seams)) == "succeeded"
    assert {seam.rpartition(" ")[2] for seam in seams.crossed} == {
        step.action for step in move.steps if step.action.startswith(OURS)
    }
    return seams.wrong


@pytest.mark.soak
@STRATEGIES
def test_a_worker_killed_at_any_seam_of_undoing_the_groups_move_is_survived(strategy: Strategy) -> None:
    assert apart(lambda: killed_back(ready(strategy))) == []


def killed_back(move: ElasticMove) -> list[str]:
    moved_without_a_death(move)
    journal = move.journal

    def another_worker_goes_on() -> list[str]:
        outcome = drive(move.bench, move.plan, journal, Seams(), back=True)
        return ended(outcome, "undone", journal) + not_as_before(move)

    seams = Seams({"another worker": another_worker_goes_on}, only=OURS)
    assert outlive(lambda: drive(move.bench, move.plan, journal, seams, back=True)) == "undone"
    return seams.wrong


def not_as_before(move: ElasticMove) -> list[str]:
    """What undo has not put back, and whether the old group serves again."""
    old = move.group()
    balancer = next(one for one in move.balancers_called() if one.name == BALANCER)
    unserved = [] if len(move.served(old, balancer)) == 3 else [f"{old.name} does not serve"]
    linked = [f"{each} is linked" for each in old.members if move.link_of(each)]
    return move.unrestored() + unserved + linked
