"""Stopped anywhere, a drive leaves a journal from which another executor finishes the job."""

import pytest

from app.cloud import Conflict
from app.execution.step import Result, Run
from app.planning.plan import PlannedStep
from tests.unit.execution.toys import Make, Playroom, lost, toy


def finishes(room: Playroom) -> None:
    """Another worker takes it up and everything is made exactly once."""
    assert room.advance() == "succeeded"
    assert sorted(room.cloud.effects) == sorted(f"make {step.params['Name']}" for step in room.steps)


@pytest.mark.parametrize(
    ("steps", "at", "state"),
    [
        ((toy("a"), toy("b", "a")), 0.2, "succeeded"),
        ((toy("a", Settles=9000.0), toy("b", "a")), 0.2, "verifying"),
        ((toy("a", Settles=9000.0), toy("b", "a")), 60.0, "verifying"),
        ((toy("a", hold=9000.0), toy("b", "a")), 0.2, "verifying"),
        ((toy("a", hold=9000.0), toy("b", "a")), 60.0, "verifying"),
    ],
    ids=["in do", "in do before a watch", "in a watch", "in do before a hold", "in a hold"],
)
def test_a_stop_ends_the_drive_soon_and_the_job_can_be_finished(
    steps: tuple[PlannedStep, ...], at: float, state: str
) -> None:
    room = Playroom(*steps)

    assert room.advance((at, room.control.stop)) == "stopped"

    assert room.seconds <= at + 1.0
    assert (room.state("a"), room.state("b")) == (state, "pending")
    assert room.left_over == []
    finishes(room)


def test_a_stop_between_two_tries_does_not_wait_for_the_next() -> None:
    room = Playroom(toy("a"))
    room.cloud.say("make a", *[Conflict("toy.make", "InUse", "no")] * 10)

    assert room.advance((30.0, room.control.stop)) == "stopped"

    assert (room.seconds, room.state("a")) == (30.0, "running")
    room.cloud.script.clear()
    finishes(room)


class Cautious(Make):
    """Waits out AWS's consistency when it may have been here before."""

    async def do(self, run: Run) -> Result:
        await run.consistency()
        return await super().do(run)


def test_a_stop_does_not_wait_for_aws_to_become_consistent() -> None:
    room = Playroom(toy("a"), step=Cautious())
    room.cloud.say("make a", lost())

    assert room.advance((30.0, room.control.stop)) == "stopped"

    assert room.seconds == 30.0
    finishes(room)


class Patient(Make):
    """Waits inside do, between its two calls."""

    async def do(self, run: Run) -> Result:
        result = await super().do(run)
        watch = self.watch(result)
        assert watch is not None
        return {**result, **await run.wait(watch, lambda seen: self.verdict(result, seen))}


@pytest.mark.parametrize("at", [0.2, 60.0], ids=["before it waits", "while it waits"])
def test_a_stop_ends_a_wait_in_the_middle_of_do(at: float) -> None:
    room = Playroom(toy("a", Settles=9000.0), step=Patient())

    assert room.advance((at, room.control.stop)) == "stopped"

    assert (room.state("a"), room.left_over) == ("running", [])
    finishes(room)


def test_a_stop_before_the_start_starts_nothing() -> None:
    room = Playroom(toy("a"))
    room.control.stop()

    assert room.advance() == "stopped"
    assert room.cloud.asked == []


def test_a_stop_while_a_step_fails_is_a_halt() -> None:
    room = Playroom(toy("a", Settles=1.0, Broken=True), toy("b", Settles=9000.0))

    assert room.advance((60.0, room.control.stop)) == "halted"


def test_undo_can_be_stopped_and_taken_up_again() -> None:
    room = Playroom(toy("a"), toy("b", "a"), toy("c", "b"))
    room.advance()
    room.cloud.say("remove b", *[Conflict("toy.remove", "InUse", "no")] * 10)

    assert room.retreat((30.0, room.control.stop)) == "stopped"
    assert [room.state(name) for name in "abc"] == ["succeeded", "undoing", "undone"]

    room.cloud.script.clear()
    assert room.retreat() == "undone"
    assert room.cloud.toys == {}


def test_a_stop_during_undo_lets_the_step_under_way_end_and_starts_no_other() -> None:
    room = Playroom(toy("a"), toy("b", "a"), toy("c", "b"))
    room.advance()

    assert room.retreat((0.25, room.control.stop)) == "stopped"

    assert [room.state(name) for name in "abc"] == ["succeeded", "succeeded", "undone"]
    assert set(room.cloud.toys) == {"a", "b"}


def test_a_job_stopped_half_way_can_be_undone_instead() -> None:
    room = Playroom(toy("a"), toy("b", "a", Settles=9000.0), toy("c", "b"))
    room.advance((60.0, room.control.stop))

    assert room.retreat() == "undone"

    assert room.cloud.toys == {}
    assert [name for name, _ in room.make.undone_with] == ["b", "a"]
