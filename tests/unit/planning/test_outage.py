"""The judge of plans: kept, interrupted or broken already, whatever the order concurrent steps run in."""

from collections.abc import Iterable
from typing import Any

import pytest

from app.planning.effects import Effect, Joins, Leads, Links, Opens, Registers, Serves, Stops
from app.planning.flows import make_flow
from app.planning.inventory import Ref
from app.planning.lives import Surroundings
from app.planning.outage import Judge
from app.planning.plan import Flow, PlannedStep

A, B, C, LB = "instance:a", "instance:b", "instance:c", "load_balancer:lb"
DB = "rds_instance:db"
IP = "elastic_ip:1.2.3.4"
GROUP = "sg-1"
OPEN = (Opens(GROUP, GROUP, "-1", None, None), Opens(GROUP, "0.0.0.0/0", "-1", None, None))
LINKS = tuple(Links(ref, (GROUP,)) for ref in (A, B, C))


def around(*effects: Effect, linked: bool = True, **more: Any) -> Surroundings:
    """Everybody is linked, and the one group lets in whoever calls."""
    return Surroundings(effects=(*OPEN, *(LINKS if linked else ()), *effects), **more)


def step(
    id_: str,
    *needs: str,
    up: str = "",
    down: str = "",
    seconds: float = 10.0,
    phase: str = "instances",
    hold: float = 0.0,
    effects: Iterable[Effect] = (),
) -> PlannedStep:
    return PlannedStep(
        id=id_,
        action=id_,
        subject="x:y",
        phase=phase,
        needs=needs,
        params={},
        reversible=True,
        estimate={"seconds": seconds, "calls": 1},
        explanation="",
        hold_seconds=hold,
        effects=(*(serving(up) if up else ()), *((Stops(down),) if down else ()), *effects),
    )


def serving(ref: str) -> tuple[Effect, ...]:
    return (Joins(ref, (GROUP,)), Serves(ref)) if ref.startswith(("instance:", "rds_instance:")) else ()


def flow(source: str, *targets: str) -> Flow:
    return make_flow("rule", [Ref.parse(source)], [Ref.parse(target) for target in targets])


def judged(*steps: PlannedStep, of: Flow, present: Iterable[Effect] = (), **more: Any) -> Flow:
    return Judge(steps, around(*present, **more)).judge([of])[0]


def test_a_source_that_stops_after_its_twin_serves_interrupts_nothing() -> None:
    found = judged(step("launch", up=A), step("drain", "launch", down=A), of=flow(B, A))

    assert (found.verdict, found.interruptions) == ("kept", ())


def test_a_source_that_stops_before_its_twin_serves_is_an_outage_until_then() -> None:
    steps = (step("stop", down=A, seconds=60), step("image", "stop", seconds=300), step("launch", "image", up=A))

    found = judged(*steps, of=flow(B, A))

    (gap,) = found.interruptions
    assert found.verdict == "interrupted"
    assert (gap.from_step, gap.to_step, gap.estimated_seconds) == ("stop", "launch", 370.0)
    assert "instance:a" in found.reason
    assert "'launch'" in found.reason


def test_two_steps_without_an_order_between_them_are_judged_by_the_worse_one() -> None:
    found = judged(step("drain", down=A, seconds=500), step("launch", up=A, seconds=1), of=flow(B, A))

    assert found.verdict == "interrupted"


def test_an_order_by_way_of_other_steps_counts() -> None:
    steps = (step("launch", up=A), *(step(f"s{n}", f"s{n - 1}" if n else "launch", seconds=0) for n in range(20)))

    assert judged(*steps, step("drain", "s19", down=A), of=flow(B, A)).verdict == "kept"


def test_all_of_what_makes_a_twin_serve_must_have_ended() -> None:
    found = judged(step("dns", up=A), step("launch", up=A), step("drain", "launch", down=A), of=flow(B, A))

    assert found.interruptions[0].to_step == "dns"


def test_the_time_a_step_is_held_is_no_outage() -> None:
    found = judged(step("stop", down=A), step("launch", "stop", up=A, hold=300), of=flow(B, A))

    assert found.interruptions[0].estimated_seconds == 20.0


def test_what_finalize_does_is_another_jobs_outage() -> None:
    found = judged(step("launch", up=A), step("terminate", down=A, phase="finalize"), of=flow(B, A))

    assert found.verdict == "kept"


@pytest.mark.parametrize("out", [{A}, {B}, {A, B}])
def test_what_was_not_in_service_to_begin_with_cannot_be_interrupted(out: set[str]) -> None:
    found = judged(step("stop", down=A), step("launch", "stop", up=A), of=flow(B, A), out=frozenset(out))

    assert found.verdict == "already_broken"


def test_a_dead_target_among_live_ones_is_not_counted() -> None:
    steps = (step("stop", down=A), step("launch", "stop", up=A))

    assert judged(*steps, of=flow(B, A, C), out=frozenset({A})).verdict == "kept"
    assert judged(*steps, of=flow(B, A, C)).interruptions[0].targets == (A,)


def test_outsiders_are_cut_off_by_the_address_as_well_and_insiders_are_not() -> None:
    twin = step("launch", up=A)
    steps = (twin, step("release", "launch", down=IP), step("associate", "release", effects=[Leads(IP, A)]))
    leads = [Leads(IP, A)]

    assert judged(*steps, of=flow("cidr:0.0.0.0/0", A), present=leads).verdict == "interrupted"
    assert judged(*steps, of=flow(B, A), present=leads).verdict == "kept"


def test_a_load_balancer_serves_as_long_as_one_of_its_members_does() -> None:
    one_down = (step("stop", down=A, seconds=60), step("launch", "stop", up=A))
    both_down = (*one_down, step("stop_b", down=B, seconds=60), step("launch_b", "stop_b", up=B))
    flows = [make_flow("public", [Ref("cidr", "0.0.0.0/0")], [Ref.parse(LB)]), flow(LB, A, B)]

    assert Judge(one_down, around()).judge(flows)[0].verdict == "kept"
    public = Judge(both_down, around()).judge(flows)[0]
    assert (public.verdict, public.interruptions[0].targets) == ("interrupted", (LB,))


def test_a_member_that_was_out_of_service_carries_no_load() -> None:
    one_down = (step("stop", down=A, seconds=60), step("launch", "stop", up=A))
    flows = [make_flow("public", [Ref("cidr", "0.0.0.0/0")], [Ref.parse(LB)]), flow(LB, A, B)]

    assert Judge(one_down, around(out=frozenset({B}))).judge(flows)[0].verdict == "interrupted"


def a_move(ref: str, *needs: str, seconds: float = 10.0) -> tuple[PlannedStep, PlannedStep]:
    """A member stopped and then replaced behind the load balancer."""
    there = (*serving(ref), Registers(LB, (ref,), twins=True))
    return (
        step(f"stop {ref}", *needs, down=ref, seconds=seconds),
        step(f"launch {ref}", f"stop {ref}", seconds=seconds, effects=there),
    )


def least(*moves: Iterable[PlannedStep], members: tuple[str, ...] = (A, B, C), **more: Any) -> int | None:
    """How many of the members a load balancer in the VPC can call at every moment."""
    steps = (step for steps in moves for step in steps)
    found = judged(*steps, of=flow(LB, *members), present=[Joins(LB, (GROUP,))], in_vpc=frozenset({LB}), **more)
    return found.least_in_service


def test_members_that_may_be_out_at_once_are_counted_and_those_in_turn_are_not() -> None:
    assert least(a_move(A)) == 2
    assert least(a_move(A), a_move(B)) == 1
    assert least(a_move(A), a_move(B), a_move(C)) == 0
    assert least(a_move(A), a_move(B, f"launch {A}"), a_move(C, f"launch {B}")) == 2
    assert least(a_move(A), a_move(B), a_move(C, f"launch {A}")) == 1


def test_who_is_back_earlier_by_the_schedule_alone_may_still_be_out() -> None:
    late = step("late", seconds=1000)
    assert least(a_move(A), (late,), a_move(B, "late")) == 1


def test_rows_are_of_members_each_of_whom_is_back_before_the_next_leaves() -> None:
    d = "instance:d"
    in_two_rows = a_move(A), a_move(B), a_move(C, f"launch {A}"), a_move(d, f"launch {B}", f"launch {A}")
    assert least(*in_two_rows, members=(A, B, C, d)) == 2


def test_who_leaves_when_another_one_begins_to_come_back_is_out_with_him() -> None:
    assert least(a_move(A), a_move(B, f"stop {A}")) == 1


def test_a_member_that_never_comes_back_is_out_with_whoever_leaves_later() -> None:
    gone = step("stop for good", down=A)
    assert least((gone,), a_move(B, "stop for good")) == 1


def test_only_members_in_service_beforehand_are_counted_and_only_of_load_balancers() -> None:
    assert least(a_move(A), out=frozenset({C})) == 1
    assert judged(*a_move(A), of=flow(B, A)).least_in_service is None
    assert least(a_move(A), out=frozenset({A, B, C})) is None


def test_targets_with_the_same_window_are_told_together() -> None:
    stop = step("stop", down=A, effects=[Stops(B)])
    launch = step("launch", "stop", up=A, effects=serving(B))

    (gap,) = judged(stop, launch, of=flow(C, A, B)).interruptions
    assert gap.targets == (A, B)


def test_a_caller_that_stays_in_classic_needs_a_link_before_the_target_is_gone() -> None:
    steps = (step("launch", up=A), step("drain", "launch", down=A))
    link = step("link", effects=[Links(B, (GROUP,))])
    after = (*steps[:1], link, step("drain", "launch", "link", down=A))

    assert judged(*steps, of=flow(B, A), linked=False).reason.startswith("instance:a is in the VPC")
    assert judged(*steps, link, of=flow(B, A), linked=False).verdict == "interrupted"
    assert judged(*after, of=flow(B, A), linked=False).verdict == "kept"


def test_a_caller_ahead_of_a_target_needs_the_targets_link() -> None:
    steps = (step("launch", up=A), step("stop", "launch", down=A))

    assert "still in EC2-Classic" in judged(*steps, of=flow(A, B), linked=False).reason
    assert judged(*steps, of=flow(A, B)).verdict == "kept"


def test_a_managed_service_in_classic_is_out_of_reach_for_whoever_moved_before_it() -> None:
    caller = (step("launch", up=A), step("drain", "launch", down=A))
    moved_first = (step("move", down=DB, up=DB), step("launch", "move", up=A), step("drain", "launch", down=A))

    assert judged(*caller, step("move", down=DB, up=DB), of=flow(A, DB)).verdict == "interrupted"
    (gap,) = judged(*moved_first, of=flow(A, DB)).interruptions
    assert (gap.from_step, gap.to_step) == ("move", "move")


def test_what_stopped_before_and_starts_after_the_target_misses_nothing() -> None:
    steps = (step("stop", down=A), step("move", "stop", down=DB, up=DB), step("launch", "move", up=A))

    assert judged(*steps, of=flow(A, DB)).verdict == "kept"
    assert judged(*steps, of=flow("cidr:0.0.0.0/0", DB)).verdict == "interrupted"


def test_the_time_a_caller_is_away_is_not_counted() -> None:
    steps = (
        step("stop", down=A, seconds=10),
        step("launch", "stop", up=A, seconds=90),
        step("stop_b", down=B, seconds=40),
        step("launch_b", "stop_b", up=B, seconds=10),
    )

    found = judged(*steps, of=flow(B, A))
    assert found.interruptions[0].estimated_seconds == 100.0
    assert found.outage_seconds == 50.0
