"""What is stored in recordings is in words that this release still knows: actions, keys, states and phases."""

import ast
import re
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Any

import app
from app.execution.states import JOB_MOVES, STEP_MOVES
from app.planning.plan import PHASES
from app.resources import all_kinds
from tests.journals.tape import load, recordings

# Keys that are names (of devices, hosts …) rather than words of ours are told by not looking like ours.
_WORD = re.compile(r"[a-z]+(_[a-z0-9]+)*")


@cache
def stored() -> list[dict[str, list[dict[str, Any]]]]:
    """The rows of every recording."""
    return [{table: [dict(row) for row in rows] for table, rows in load(path).rows.items()} for path in recordings()]


def steps() -> list[dict[str, Any]]:
    return [step for rows in stored() for document in rows["plan_documents"] for step in document["steps"]]


def lines() -> list[dict[str, Any]]:
    return [line for rows in stored() for line in rows["job_steps"]]


@cache
def words_of_the_steps() -> frozenset[str]:
    """Every text that stands in the code of what runs steps, and every name: a key is read as either."""
    found: set[str] = set()
    root = Path(str(app.__file__)).parent
    for path in (each for folder in ("resources", "execution", "planning") for each in (root / folder).glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
            elif isinstance(node, ast.keyword) and node.arg:
                found.add(node.arg)
    return frozenset(found)


def test_every_action_of_a_recording_is_still_carried_out() -> None:
    known = {step.action for kind in all_kinds().values() for step in kind.steps}
    gone = {step["action"] for step in steps()} - known
    assert not gone, (
        f"{sorted(gone)}: people have jobs that hold these actions, and no worker of this release can go on with them, "
        "or undo them. An action is never renamed; one that is planned no more keeps its step, whose plan() gives None."
    )


def test_every_key_of_a_recorded_param_or_result_is_still_a_word_of_the_steps() -> None:
    gone = defaultdict(set)
    for body, column in [(step, "params") for step in steps()] + [(line, "result") for line in lines()]:
        for key in body[column] or ():
            if _WORD.fullmatch(key) and key not in words_of_the_steps():
                gone[body["action"]].add(f"{column}: {key}")
    assert not gone, (
        f"{dict(gone)}: stored in jobs that people have, and read by nobody any more. Where a key has another name "
        "now, have the step read the old one as well."
    )


def test_every_state_status_and_phase_of_a_recording_is_still_known() -> None:
    assert {line["state"] for line in lines()} <= STEP_MOVES.keys()
    assert {job["status"] for rows in stored() for job in rows["jobs"]} <= JOB_MOVES.keys()
    assert {step["phase"] for step in steps()} <= {*PHASES}
