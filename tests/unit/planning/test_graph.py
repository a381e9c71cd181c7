"""The graph of steps: loops found, an order that is stable, times along the longest way."""

import random

from hypothesis import given
from hypothesis import strategies as st

from app.planning.graph import dependents_of, find_cycle, in_order, schedule
from app.planning.plan import PHASES, PlannedStep


def step(id_: str, *needs: str, phase: str = "prepare", seconds: float = 1.0, hold: float = 0.0) -> PlannedStep:
    estimate = {"seconds": seconds, "calls": 1}
    return PlannedStep(id_, "a", "x:y", phase, needs, {}, True, estimate, "", hold_seconds=hold)


@st.composite
def graphs(draw: st.DrawFn) -> list[PlannedStep]:
    """Acyclic: each step may need those before it."""
    steps: list[PlannedStep] = []
    for place in range(draw(st.integers(0, 12))):
        needs = draw(st.sets(st.sampled_from([each.id for each in steps]), max_size=4)) if steps else set()
        steps.append(step(f"s{place}", *sorted(needs), phase=draw(st.sampled_from(PHASES))))
    return steps


@given(steps=graphs(), seed=st.integers())
def test_each_step_comes_after_what_it_needs_whatever_the_order_given(steps: list[PlannedStep], seed: int) -> None:
    ordered = in_order(steps)
    place = {each.id: index for index, each in enumerate(ordered)}

    assert sorted(place) == sorted(each.id for each in steps)
    assert all(place[need] < place[each.id] for each in steps for need in each.needs)
    shuffled = list(steps)
    random.Random(seed).shuffle(shuffled)
    assert in_order(shuffled) == ordered


@given(steps=graphs())
def test_no_step_starts_before_what_it_needs_has_ended(steps: list[PlannedStep]) -> None:
    times = schedule(in_order(steps))

    for each in steps:
        assert times[each.id][0] == max((times[need][1] for need in each.needs), default=0.0)


def test_among_free_steps_the_earlier_phase_comes_first_then_the_id() -> None:
    steps = [step("a", phase="instances"), step("c"), step("b"), step("d", "c", phase="link")]

    assert [each.id for each in in_order(steps)] == ["b", "c", "d", "a"]


def test_needs_outside_the_steps_hold_nothing_up() -> None:
    steps = [step("a", "elsewhere", seconds=5.0)]

    assert [each.id for each in in_order(steps)] == ["a"]
    assert schedule(steps) == {"a": (0.0, 5.0)}
    assert dependents_of(steps) == {"a": []}


def test_time_goes_along_the_longest_way_and_a_hold_is_part_of_it() -> None:
    steps = [step("a", seconds=10), step("b", seconds=3, hold=60), step("c", "a", "b", seconds=2)]

    assert schedule(steps)["c"] == (63.0, 65.0)


def test_dependents_are_needs_the_other_way_round() -> None:
    assert dependents_of([step("a"), step("b", "a"), step("c", "a", "b")]) == {"a": ["b", "c"], "b": ["c"], "c": []}


def test_a_loop_is_found_and_named() -> None:
    needs = {"a": frozenset({"b"}), "b": frozenset({"c"}), "c": frozenset({"a"}), "d": frozenset({"a"})}

    assert set(find_cycle(needs)) == {"a", "b", "c"}
    assert find_cycle({"a": frozenset({"b"}), "b": frozenset()}) == []
