"""Whatever crashes or stops where: no round overlaps the step that ends it, none begins after a stop or too early."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from app.execution.step import Result, Run
from app.planning.plan import PlannedStep
from tests.unit.execution.test_executor_histories import Crash, CrashingJournal, Seams, outlive
from tests.unit.execution.toys import Playroom, Tend, toy


class Watched(Playroom):
    """A playroom whose hook holds every call against what may be kept at that moment."""

    def __init__(self, steps: Sequence[PlannedStep], seams: Seams) -> None:
        super().__init__(*steps, journal=CrashingJournal(seams))
        self.cloud.hook = self._passed
        self.tend = Alone(self)
        self.calls = 0
        self._by_name = {str(step.params["Name"]): step for step in steps}
        self._seams = seams

    def _passed(self, moment: str) -> None:
        when, what, name = f"{moment} ".split(" ", 2)
        if what == "tend":
            self.calls += 1
            self._tended(when, self._by_name[name.strip()])
        self._seams(moment)

    def _tended(self, when: str, step: PlannedStep) -> None:
        name = str(step.params["Name"])
        assert self.state(name) == "succeeded"
        assert when == "after" or not self.control.stopping.is_set()
        begun = [end for end in step.kept_until if self.state(end.partition(":")[2]) != "pending"]
        assert not begun, f"{name} is tended though {begun} has begun"


class Alone(Tend):
    """Two rounds of one toy never overlap."""

    def __init__(self, room: Playroom) -> None:
        super().__init__()
        self._under_way: set[tuple[int, str]] = set()
        self._room = room

    async def keep(self, run: Run, result: Result) -> None:
        mine = (id(self._room.control), run.subject.id)
        assert mine not in self._under_way
        self._under_way.add(mine)
        try:
            await super().keep(run, result)
        finally:
            self._under_way.discard(mine)


@st.composite
def graphs(draw: st.DrawFn) -> list[PlannedStep]:
    """Up to seven toys, some tended until some of those that come after them begin."""
    names = "abcdefg"[: draw(st.integers(2, 7))]
    steps: list[PlannedStep] = []
    after: dict[str, set[str]] = {name: set() for name in names}
    for place, name in enumerate(names):
        needs = draw(st.sets(st.sampled_from(names[:place]), max_size=3)) if place else set()
        for other in names[:place]:
            if other in needs or needs & after[other]:
                after[other].add(name)
        shape: dict[str, Any] = draw(st.sampled_from([{}, {"Settles": 0.0}, {"Settles": 90.0}]))
        hold = draw(st.sampled_from([0.0, 59.5, 61.0, 130.0]))
        steps.append(toy(name, *sorted(needs), hold=hold, **shape))
    for place, name in enumerate(names):
        if draw(st.booleans()):
            ends = draw(st.sets(st.sampled_from(sorted(after[name])), max_size=2)) if after[name] else set()
            kept = tuple(sorted(f"toy.make/toy:{end}" for end in ends))
            steps[place] = replace(steps[place], action="toy.tend", kept_until=kept)
    return draw(st.permutations(steps))


crashes = st.lists(st.integers(1, 90), max_size=12)


@settings(max_examples=150, deadline=None)
@given(steps=graphs(), at=crashes)
def test_keeping_never_meets_the_step_that_ends_it(steps: list[PlannedStep], at: list[int]) -> None:
    room = Watched(steps, Seams(at))

    outlive(room, "advance")

    assert sorted(room.cloud.effects) == sorted(f"make {step.params['Name']}" for step in steps)
    looked = {name for name, _ in room.tend.kept_with}
    needed = {need.partition(":")[2] for step in steps for need in step.needs}
    assert looked >= {str(step.params["Name"]) for step in steps if step.action == "toy.tend"} & needed


@settings(max_examples=150, deadline=None)
@given(steps=graphs(), at=crashes, stop=st.floats(0.0, 400.0))
def test_nothing_is_kept_after_a_stop_nor_while_it_is_undone(
    steps: list[PlannedStep], at: list[int], stop: float
) -> None:
    room = Watched(steps, Seams(at))
    with suppress(Crash):
        room.advance((stop, room.control.stop))
    assert room.left_over == []
    calls = room.calls

    outlive(room, "retreat")

    assert (room.calls, room.cloud.toys) == (calls, {})
