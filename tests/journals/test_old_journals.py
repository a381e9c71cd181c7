"""Jobs that earlier releases planned and began, carried on by this one: nothing is made twice, nothing gets stuck.

A recording is what somebody's database and account may look like on the day of the update. It is never edited nor
deleted: what fails here would fail there.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.journals.carrying_on import Way, finish, undo, ways_on
from tests.journals.replaying import replay
from tests.journals.standing import amiss
from tests.journals.tape import Tape, load, name_of, recordings

EVERY = pytest.mark.parametrize("path", recordings(), ids=name_of)
ONE = next(path for path in recordings() if path.name.startswith("corner-incremental-launching"))


@EVERY
def test_a_job_of_an_earlier_release_is_finished_undone_and_finalized_by_this_one(path: Path) -> None:
    tape = load(path)
    for way in ways_on(tape.rows["jobs"]):
        scene = replay(tape)
        assert amiss(scene.bench, scene.stands) == [], (
            "the sandbox does not bring the recorded calls to the recorded account any more: its own doing, not the "
            "steps'. Have it do for these calls what it did, or have tests/journals/replaying.py make up for it."
        )
        wrong = way(scene)
        assert not wrong, "\n".join([f"to {way.__name__} it when it stands like this: {tape.cut}", *wrong])


def test_a_sandbox_that_names_things_otherwise_replays_the_same_jobs() -> None:
    tape = load(ONE)
    for way in (finish, undo):
        scene = replay(tape, seed="another")
        assert not {row["ref"] for row in scene.rows["inventory_resources"]} & {
            row["ref"] for row in tape.rows["inventory_resources"] if row["kind"] == "instance"
        }
        assert amiss(scene.bench, scene.stands) == []
        assert way(scene) == []


def reread(tape: Tape, table: str, action: str, column: str, key: str) -> Tape:
    """As this release would find the recording if its step had another name for something stored."""

    def renamed(value: Any) -> Any:
        if isinstance(value, list):
            return [renamed(each) for each in value]
        if not isinstance(value, dict):
            return value
        if value.get("action") == action and value[column]:
            kept = {f"{each}_" if each == key else each: inner for each, inner in value[column].items()}
            return {**value, column: kept}
        return {each: renamed(inner) for each, inner in value.items()}

    return replace(tape, rows={**tape.rows, table: renamed(list(tape.rows[table]))})


@pytest.mark.parametrize(
    ("table", "action", "column", "key", "way"),
    [
        ("plan_documents", "instance.launch", "params", "subnet_id", finish),
        ("plan_documents", "auto_scaling_group.scale_up", "params", "name", finish),
        ("job_steps", "security_group.create", "result", "counterpart", finish),
        ("job_steps", "dns_record.cutover", "result", "record", undo),
    ],
)
def test_a_step_that_reads_what_is_stored_by_another_name_is_found_out(
    table: str, action: str, column: str, key: str, way: Way
) -> None:
    scene = replay(reread(load(ONE), table, action, column, key))
    try:
        wrong = bool(way(scene))
    except (KeyError, TypeError):
        wrong = True
    assert wrong
