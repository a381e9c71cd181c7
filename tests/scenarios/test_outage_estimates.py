"""What a plan says of outages is what the simulated account measures, for applications of every sort."""

from functools import cache

import pytest

from benchmarks.outage.applications import applications
from benchmarks.outage.measuring import Method, Moved, moved

EACH = pytest.mark.parametrize("name", [application.name for application in applications()])
PLANNED = pytest.mark.parametrize("method", ["incremental", "all_at_once"])


@cache
def move(name: str, method: Method) -> Moved:
    found = moved(next(one for one in applications() if one.name == name), method)
    assert not found.trouble
    return found


@EACH
@PLANNED
def test_every_outage_is_foretold_to_a_fifth_or_to_six_seconds_where_it_is_short(name: str, method: Method) -> None:
    off = [
        f"{one.flow.rule} {one.flow.from_port}: foretold {one.foretold:.1f}, measured {one.measured:.1f}"
        for one in move(name, method).flows
        if not one.close
    ]
    assert off == []


@EACH
@pytest.mark.parametrize("method", ["incremental", "all_at_once", "hurried"])
def test_no_flow_called_kept_is_ever_down_in_whatever_order_the_steps_were_put(name: str, method: Method) -> None:
    assert [one.flow.rule for one in move(name, method).broken_promises] == []


@EACH
def test_the_incremental_order_interrupts_nobody_for_longer_than_a_hurried_one(name: str) -> None:
    careful = {one.flow.id: one.measured for one in move(name, "incremental").flows}
    hasty = {one.flow.id: one.measured for one in move(name, "hurried").flows}
    assert sum(careful.values()) <= sum(hasty.values())
    assert max(careful.values()) <= max(hasty.values())


@pytest.mark.parametrize("name", ["shop", "elastic", "loop", "store"])
def test_moved_incrementally_who_calls_a_load_balancer_never_notices(name: str) -> None:
    fronts = [one for one in move(name, "incremental").flows if one.flow.targets[0].startswith("load_balancer:")]
    assert fronts
    assert [one.measured for one in fronts] == [0.0] * len(fronts)


def test_a_move_takes_the_same_course_whenever_it_is_repeated() -> None:
    first, again = move("door", "incremental"), moved(applications()[-1], "incremental")
    assert again.application.name == "door"
    assert (again.ran, again.flows) == (first.ran, first.flows)
