"""The tables of moves, held against the reasons for them: every legal move is one of these, and no other."""

from itertools import product
from typing import get_args

import pytest

from app.execution.journal import Entry
from app.execution.states import (
    JOB_MOVES,
    SETTLED,
    STEP_MOVES,
    UNTOUCHED,
    WORKING,
    IllegalMove,
    JobStatus,
    StepState,
    check_move,
)

STEP = """
pending: running skipped failed undoing
running: running verifying succeeded failed undoing
verifying: succeeded failed undoing
succeeded: undoing
failed: pending skipped undoing
skipped: undoing
undoing: undoing undone undo_failed
undone:
undo_failed: undoing
"""
JOB = """
queued: running paused halted cancelled
running: running paused waiting_for_approval halted succeeded cancelled undoing
paused: running cancelled undoing
waiting_for_approval: running paused halted cancelled undoing
halted: running cancelled undoing
succeeded: undoing
cancelled: undoing
undoing: undoing undone undo_failed
undone:
undo_failed: undoing
"""


def pairs(table: str) -> set[tuple[str, str]]:
    lines = (line.partition(":") for line in table.strip().splitlines())
    return {(old, new) for old, _, news in lines for new in news.split()}


@pytest.mark.parametrize(
    ("moves", "states", "legal"),
    [(STEP_MOVES, get_args(StepState), pairs(STEP)), (JOB_MOVES, get_args(JobStatus), pairs(JOB))],
    ids=["steps", "jobs"],
)
def test_every_move_is_legal_or_refused_as_the_table_says(
    moves: dict[str, frozenset[str]], states: tuple[str, ...], legal: set[tuple[str, str]]
) -> None:
    assert set(moves) == set(states)
    for old, new in product(states, repeat=2):
        if (old, new) in legal:
            check_move(moves, old, new)
        else:
            with pytest.raises(IllegalMove, match=f"{old} -> {new}"):
                check_move(moves, old, new)


@pytest.mark.parametrize("moves", [STEP_MOVES, JOB_MOVES], ids=["steps", "jobs"])
def test_from_every_state_an_end_can_be_reached(moves: dict[str, frozenset[str]]) -> None:
    for state in moves:
        reached, stack = {state}, [state]
        while stack:
            more = moves[stack.pop()] - reached
            reached |= more
            stack.extend(more)
        assert reached & {"undone", "skipped", "succeeded"}


def test_the_groups_of_states_are_states() -> None:
    assert set(get_args(StepState)) >= (SETTLED | UNTOUCHED)
    assert set(get_args(JobStatus)) >= WORKING


def test_an_entry_keeps_its_result_and_forgets_its_error() -> None:
    entry = Entry("running").moved("verifying", {"counterpart": "x"}, None)
    entry = entry.moved("failed", None, {"code": "no"})
    assert (entry.result, entry.error) == ({"counterpart": "x"}, {"code": "no"})

    entry = entry.moved("pending", None, None)
    assert (entry.result, entry.error) == ({"counterpart": "x"}, None)


def test_an_entry_refuses_what_the_table_does_not_know() -> None:
    with pytest.raises(IllegalMove):
        Entry("undone").moved("running", None, None)
