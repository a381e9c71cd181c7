"""What is foretold of an undo's order and length, held against what the executor then does."""

from dataclasses import replace
from itertools import pairwise

from app.execution.journal import Entry, MemoryJournal
from app.execution.way_back import undo_seconds, way_back
from app.planning.plan import PlannedStep
from tests.unit.execution.toys import Playroom, toy


def taking(seconds: float, step: PlannedStep) -> PlannedStep:
    return replace(step, estimate={**step.estimate, "undo_seconds": seconds})


DIAMOND = (toy("a"), toy("b", "a"), toy("c", "a"), toy("d", "b", "c"))
A, B, C, D = (step.id for step in DIAMOND)


def test_the_last_come_first_and_what_is_side_by_side_has_one_level() -> None:
    turns = way_back(DIAMOND, ())
    assert {id_: turn.level for id_, turn in turns.items()} == {D: 1, B: 2, C: 2, A: 3}
    assert [turns[id_].level for id_ in turns] == [1, 2, 2, 3]


def test_an_untouched_step_takes_no_turn_but_keeps_its_place() -> None:
    turns = way_back(DIAMOND, {B, C})
    assert {id_: turn.level for id_, turn in turns.items()} == {D: 1, A: 2}


def test_it_lasts_as_long_as_its_longest_chain() -> None:
    a, b, c, d = DIAMOND
    turns = way_back([taking(1.0, a), taking(20.0, b), taking(5.0, c), taking(3.0, d)], ())
    assert {id_: turn.ends for id_, turn in turns.items()} == {D: 3.0, B: 23.0, C: 8.0, A: 24.0}


def test_a_plan_of_an_earlier_release_is_foretold_by_what_doing_it_took() -> None:
    old = replace(toy("a"), estimate={"seconds": 7.0, "calls": 1}, hold_seconds=60.0)
    assert undo_seconds(old) == 67.0


def test_the_executor_takes_back_in_just_that_order() -> None:
    entries = {step.id: Entry("succeeded", result={}) for step in DIAMOND} | {C: Entry("skipped")}
    room = Playroom(*DIAMOND, journal=MemoryJournal(entries))

    assert room.retreat() == "undone"

    turns = way_back(DIAMOND, {C})
    began = [id_ for id_, state in room.journal.trace if state == "undoing"]
    assert began == list(turns) == [D, B, A]
    assert all(turns[one].level < turns[next_].level for one, next_ in pairwise(began))
