"""What lies inside an outage, told from the steps alone."""

from app.planning.plan import PlannedStep
from app.planning.urgency import urgent


def step(id_: str, *needs: str, seconds: float = 10.0, stops: str = "", serves: str = "") -> PlannedStep:
    return PlannedStep(
        id=id_,
        action=id_.partition("/")[0],
        subject="instance:i-1",
        phase="instances",
        needs=needs,
        params={},
        reversible=True,
        estimate={"seconds": seconds, "calls": 1},
        explanation="",
        reaches=(f"in_service {serves}",) if serves else (),
        interrupts=(stops,) if stops else (),
    )


def test_what_a_counterpart_waits_for_once_its_source_is_down_is_urgent_and_nothing_else() -> None:
    steps = [
        step("snapshot"),
        step("group"),
        step("stop", "snapshot", stops="instance:i-1"),
        step("image", "stop", seconds=100),
        step("launch", "image", "group", serves="instance:i-1"),
        step("check", "launch"),
    ]
    assert urgent(steps) == {"stop", "image", "launch"}


def test_what_runs_beside_an_outage_is_urgent_only_where_the_counterpart_waits_for_it() -> None:
    steps = [
        step("stop", stops="instance:i-1"),
        step("move", "stop", seconds=60),
        step("launch", "stop", seconds=40),
        step("associate", "move", "launch", serves="instance:i-1"),
        step("other", "stop", seconds=300),
    ]
    assert urgent(steps) == {"stop", "move", "launch", "associate"}


def test_nothing_is_urgent_where_the_counterpart_serves_before_its_source_stops() -> None:
    steps = [step("launch", serves="instance:i-1"), step("retire", "launch", stops="instance:i-1")]
    assert urgent(steps) == frozenset()


def test_an_outage_that_began_earlier_takes_in_what_later_ones_wait_for() -> None:
    steps = [
        step("stop-1", stops="instance:i-1"),
        step("stop-2", "stop-1", stops="instance:i-2"),
        step("database", "stop-2", seconds=400),
        step("launch-1", "database", serves="instance:i-1"),
        step("launch-2", "database", serves="instance:i-2"),
    ]
    assert urgent(steps) == {each.id for each in steps}
