"""The order of a plan follows from who calls whom; equal accounts give equal plans."""

import json
import random
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.planning.inventory import Gap, Resource
from app.planning.plan import Draft, Finding, PlannedStep, Strategy
from app.planning.planner import make_plan
from tests.unit.planning.toys import Order, ToyKind, ToyStep, inventory, planned, request, thing, toy_kinds

WEB, APP, DB, LB = "instance:i-web", "instance:i-app", "rds_instance:main", "load_balancer:front"
SHOP = (thing(LB, WEB), thing(WEB, APP), thing(APP, DB, WEB), thing(DB))


def test_incremental_a_managed_service_moves_before_those_who_call_it() -> None:
    order = Order(planned(*SHOP))

    for later in (f"instance.launch/{APP}", f"instance.drain/{APP}"):
        assert order.before(f"rds_instance.restore/{DB}", later)
    assert not order.before(f"rds_instance.restore/{DB}", f"instance.launch/{WEB}")


def test_incremental_callers_and_called_are_linked_before_anything_of_theirs_moves() -> None:
    order = Order(planned(*SHOP))

    for moving in (f"rds_instance.snapshot/{DB}", f"rds_instance.restore/{DB}"):
        assert order.before(f"instance.attach/{APP}", moving)
    for link in (WEB, APP):
        assert order.before(f"instance.attach/{link}", f"instance.launch/{WEB}")
        assert order.before(f"instance.attach/{link}", f"instance.launch/{APP}")
    assert order.before(f"instance.attach/{WEB}", f"load_balancer.create/{LB}")


def test_incremental_a_load_balancer_moves_before_its_members() -> None:
    order = Order(planned(*SHOP))

    assert order.before(f"load_balancer.create/{LB}", f"instance.launch/{WEB}")
    assert not order.before(f"load_balancer.create/{LB}", f"instance.launch/{APP}")


def test_incremental_instances_that_call_each_other_wait_for_nobody_and_their_flows_are_kept() -> None:
    plan = planned(*SHOP)
    order = Order(plan)

    assert not order.before(f"instance.launch/{WEB}", f"instance.launch/{APP}")
    assert not order.before(f"instance.launch/{APP}", f"instance.launch/{WEB}")
    verdicts = {flow.rule: flow.verdict for flow in plan.flows}
    assert verdicts[f"{WEB} {APP}"] == verdicts[f"{APP} {WEB}"] == "kept"
    assert verdicts[f"{APP} {DB}"] == "interrupted"  # this database copies, it does not replicate


def test_all_at_once_callers_stop_before_the_backup_and_start_on_the_restored() -> None:
    plan = planned(*SHOP, strategy="all_at_once")
    order = Order(plan)

    assert order.before(f"instance.stop/{APP}", f"rds_instance.snapshot/{DB}")
    assert order.before(f"rds_instance.restore/{DB}", f"instance.launch/{APP}")
    assert not order.before(f"rds_instance.restore/{DB}", f"instance.stop/{APP}")
    assert f"instance.attach/{APP}" not in order
    assert {flow.verdict for flow in plan.flows} == {"interrupted", "kept"}  # kept: its callers are away meanwhile


def test_a_step_comes_after_those_that_promise_its_params() -> None:
    order = Order(planned(thing(DB)))

    assert order.before(f"rds_instance.snapshot/{DB}", f"rds_instance.restore/{DB}")


@pytest.mark.parametrize("strategy", ["incremental", "all_at_once"])
def test_steps_are_listed_after_what_they_need(strategy: Strategy) -> None:
    plan = planned(*SHOP, strategy=strategy)

    place = {step.id: index for index, step in enumerate(plan.steps)}
    assert all(place[need] < place[step.id] for step in plan.steps for need in step.needs)


def test_a_need_that_nobody_planned_is_a_mistake_of_ours() -> None:
    broken = ToyStep("toy.make", "prepare", lambda resource, ctx: Draft({}, "", needs=frozenset({"toy.never/toy:1"})))
    kinds = toy_kinds(ToyKind("toy", [broken]))

    with pytest.raises(LookupError, match=r"toy\.make/toy:1 needs toy\.never/toy:1"):
        make_plan(inventory(thing("toy:1")), request(), kinds)


def test_steps_that_wait_for_each_other_block_the_plan_and_are_named() -> None:
    first = ToyStep("toy.first", "prepare", lambda r, ctx: Draft({}, "", needs=frozenset({f"toy.second/{r.ref}"})))
    second = ToyStep("toy.second", "prepare", lambda r, ctx: Draft({}, "", needs=frozenset({f"toy.first/{r.ref}"})))
    kinds = toy_kinds(ToyKind("toy", [first, second]))

    plan = make_plan(inventory(thing("toy:1"), *SHOP), request(), kinds)

    assert plan.blocked
    assert plan.steps == ()
    (finding,) = [finding for finding in plan.findings if finding.code == "order_loop"]
    assert "toy.first/toy:1" in finding.message
    assert "toy.second/toy:1" in finding.message


def test_at_most_so_many_instances_are_between_their_first_and_last_step() -> None:
    machines = [thing(f"instance:i-{number}") for number in range(7)]
    plan = planned(*machines, max_parallel_instances=3)
    order = Order(plan)

    def apart(one: Resource, other: Resource) -> bool:
        return order.before(f"instance.drain/{one.ref}", f"instance.launch/{other.ref}")

    together = [
        chosen
        for chosen in combinations(machines, 4)
        if not any(apart(one, other) for one, other in combinations(chosen, 2))
    ]
    assert together == []
    assert not apart(machines[0], machines[2])


def test_all_at_once_knows_no_waves() -> None:
    machines = [thing(f"instance:i-{number}") for number in range(4)]
    plan = planned(*machines, strategy="all_at_once", max_parallel_instances=1)

    assert not Order(plan).before("instance.launch/instance:i-0", "instance.stop/instance:i-1")


def test_what_could_not_be_read_blocks_the_plan() -> None:
    gap = Gap("instance", "UnauthorizedOperation", "ec2.describe_instances failed with UnauthorizedOperation.")
    plan = make_plan(inventory(gaps=(gap,)), request(), toy_kinds())

    (finding,) = plan.findings
    assert plan.blocked
    assert (finding.level, finding.code, finding.subject) == ("blocker", "not_discovered", "instance")
    assert gap.detail in finding.message


def test_findings_come_once_and_in_order() -> None:
    note = Finding("note", "b", "toy:1", "Look.")
    kind = ToyKind("toy", [])
    kind.found = (note, Finding("blocker", "a", "toy:1", "Stop."), note)

    plan = make_plan(inventory(), request(), toy_kinds(kind))

    assert [finding.code for finding in plan.findings] == ["a", "b"]


def test_the_estimate_leaves_finalize_out_and_goes_along_the_longest_way() -> None:
    plan = planned(thing(WEB))

    assert any(step.phase == "finalize" for step in plan.steps)
    assert plan.estimate == {"seconds": 150.0, "outage_seconds": 0.0, "aws_calls": 2}


def test_a_soak_holds_every_cutover_and_nothing_else() -> None:
    plan = planned(*SHOP, soak_seconds=300.0)

    held = {step.action for step in plan.steps if step.hold_seconds}
    assert held == {"instance.launch", "rds_instance.restore", "load_balancer.create"}


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(), strategy=st.sampled_from(["incremental", "all_at_once"]), width=st.integers(1, 5))
def test_equal_accounts_give_equal_plans_in_whatever_order_they_are_read(
    seed: int, strategy: Strategy, width: int
) -> None:
    resources = [*SHOP, *(thing(f"instance:i-{number}", DB, APP) for number in range(4))]
    kinds = toy_kinds()
    first = make_plan(inventory(*resources), request(strategy, max_parallel_instances=width), kinds)
    chance = random.Random(seed)
    chance.shuffle(resources)
    turned = dict(chance.sample(sorted(kinds.items()), len(kinds)))

    again = make_plan(inventory(*resources), request(strategy, max_parallel_instances=width), turned)

    assert again == first
    assert again.hash == first.hash


def test_another_account_gives_another_hash() -> None:
    assert planned(*SHOP).hash != planned(*SHOP[1:]).hash
    assert planned(*SHOP).hash != planned(*SHOP, strategy="all_at_once").hash


def test_steps_survive_json() -> None:
    for step in planned(*SHOP, soak_seconds=30.0).steps:
        assert PlannedStep.from_json(json.loads(json.dumps(step.as_json()))) == step


def test_flows_in_json_leave_out_what_is_absent() -> None:
    plan = planned(*SHOP)
    bodies = json.loads(json.dumps([flow.as_json() for flow in plan.flows]))

    assert all(None not in body.values() for body in bodies)
    (broken,) = [body for body in bodies if body["verdict"] == "interrupted"]
    assert broken["interruptions"][0]["targets"] == [DB]
