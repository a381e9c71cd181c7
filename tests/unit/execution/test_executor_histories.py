"""Whatever crashes where: another executor on the same journal finishes, each effect happened once, undo restores."""

import os
import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from app.execution.journal import MemoryJournal
from app.planning.plan import PlannedStep
from tests.unit.execution.toys import Playroom, lost, toy

# A drive that survives this many crashes is done: the schedule of crashes is finite.
MANY = 60
SHARES = 4
HISTORIES = int(os.environ.get("LANDBRIDGE_HISTORIES", "20000"))
SOAK_SEED = int(os.environ.get("LANDBRIDGE_SOAK_SEED", "0")) or random.SystemRandom().randrange(1, 2**32)


class Crash(Exception):
    """The worker died here."""


class Seams:
    """Counts the seams that are passed, and crashes at those it was told."""

    def __init__(self, at: Sequence[int]) -> None:
        self._at = set(at)
        self._passed = 0

    def __call__(self, moment: str) -> None:
        self._passed += 1
        if self._passed in self._at:
            raise Crash(moment)


class CrashingJournal(MemoryJournal):
    """Crashes before or after its commits."""

    def __init__(self, seams: Seams) -> None:
        super().__init__()
        self._seams = seams

    async def move(self, step: PlannedStep, to: object, **more: object) -> None:
        self._seams(f"before {step.subject} is {to}")
        await super().move(step, to, **more)  # type: ignore[arg-type]
        self._seams(f"after {step.subject} is {to}")


@st.composite
def graphs(draw: st.DrawFn) -> list[PlannedStep]:
    """Up to seven toys in all their shapes; each may need any before it."""
    names = "abcdefg"[: draw(st.integers(1, 7))]
    steps = []
    for place, name in enumerate(names):
        needs = draw(st.sets(st.sampled_from(names[:place]), max_size=3)) if place else set()
        shape: dict[str, Any] = draw(st.sampled_from([{}, {"Settles": 0.0}, {"Settles": 40.0}]))
        steps.append(toy(name, *sorted(needs), hold=draw(st.sampled_from([0.0, 30.0])), **shape))
    return draw(st.permutations(steps))


crashes = st.lists(st.integers(1, 60), max_size=12)


def playroom(steps: Sequence[PlannedStep], at: Sequence[int], lost_answers: Sequence[int]) -> Playroom:
    seams = Seams(at)
    room = Playroom(*steps, journal=CrashingJournal(seams))
    room.cloud.hook = seams
    for index in lost_answers:
        room.cloud.say(f"make {steps[index % len(steps)].params['Name']}", lost())
    return room


def outlive(room: Playroom, way: str) -> None:
    for _ in range(MANY):
        try:
            outcome = getattr(room, way)()
        except Crash:
            assert room.left_over == []
        else:
            assert outcome == ("succeeded" if way == "advance" else "undone")
            return
    raise AssertionError("the crashes were finite and the job does not end")


def in_order(steps: Sequence[PlannedStep], done: Sequence[str]) -> None:
    place = {name: index for index, name in enumerate(done)}
    for step in steps:
        for need in step.needs:
            assert place[need.partition(":")[2]] < place[str(step.params["Name"])]


def done_once_and_in_order(steps: list[PlannedStep], at: list[int], lost_answers: list[int]) -> None:
    room = playroom(steps, at, lost_answers)

    outlive(room, "advance")

    made = [effect.removeprefix("make ") for effect in room.cloud.effects]
    assert sorted(made) == sorted(str(step.params["Name"]) for step in steps)
    in_order(steps, made)
    for step in steps:
        assert room.entry(str(step.params["Name"])).state == "succeeded"
    begun = [line.split()[0] for line in room.trace if line.endswith("running")]
    ended = [line.split()[0] for line in room.trace if line.endswith("succeeded")]
    in_order(steps, list(dict.fromkeys(begun)))
    in_order(steps, ended)
    assert len(ended) == len(steps)


def undone_wherever_it_ended(steps: list[PlannedStep], at: list[int], stop: float) -> None:
    room = playroom(steps, at, [])
    try:
        room.advance((stop, room.control.stop))
    except Crash:
        assert room.left_over == []

    outlive(room, "retreat")

    assert room.cloud.toys == {}
    made = [effect.removeprefix("make ") for effect in room.cloud.effects if effect.startswith("make")]
    removed = [effect.removeprefix("remove ") for effect in room.cloud.effects if effect.startswith("remove")]
    assert sorted(made) == sorted(removed)
    here = [step for step in steps if step.params["Name"] in made]
    in_order(here, removed[::-1])
    assert {entry.state for entry in room.journal.lines.values()} <= {"undone"}


def forward() -> Callable[[], None]:
    """Made anew each time: what has been given its settings takes no others."""
    drawn = given(steps=graphs(), at=crashes, lost_answers=st.lists(st.integers(0, 6), max_size=3))
    return drawn(done_once_and_in_order)


def back() -> Callable[[], None]:
    return given(steps=graphs(), at=crashes, stop=st.floats(0.0, 150.0))(undone_wherever_it_ended)


def test_a_job_crashed_anywhere_is_done_once_and_in_order() -> None:
    settings(max_examples=150, deadline=None)(forward())()


def test_undo_after_a_drive_that_ended_anywhere_restores_the_account() -> None:
    settings(max_examples=150, deadline=None)(back())()


@pytest.mark.soak
@pytest.mark.parametrize("share", range(SHARES))
@pytest.mark.parametrize("history", [forward, back], ids=["forward", "back"])
def test_at_length_whatever_crashes_where(history: Callable[[], Callable[[], None]], share: int) -> None:
    """LANDBRIDGE_HISTORIES says how many in all, LANDBRIDGE_SOAK_SEED repeats them."""
    print(f"LANDBRIDGE_SOAK_SEED={SOAK_SEED}")
    examples = HISTORIES // (SHARES * 2)
    at_length = settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    seed(SOAK_SEED + share)(at_length(history()))()
