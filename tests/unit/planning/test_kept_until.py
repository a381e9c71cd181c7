"""What ends the keeping of what a step made true, as the plan says it."""

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from app.planning.plan import Draft, Milestone, Plan, PlannedStep, StepId
from app.planning.planner import make_plan
from tests.unit.planning.toys import ToyKind, ToyStep, inventory, request, thing, toy_kinds

REF = "toy:1"
SHUT = "toy.shut/toy:1"


def plan_with(*ends: StepId | Milestone, needs: Iterable[str] = ("keep",), phase: str = "instances") -> Plan:
    """A step that keeps until `ends`, one that reaches `told`, and one that shuts after what it `needs`."""
    wanted = frozenset(f"toy.{need}/{REF}" for need in needs)

    def keep(resource: Any, ctx: Any) -> Draft:
        return Draft({}, "", reaches=frozenset({Milestone("told", resource.ref)}), kept_until=frozenset(ends))

    def tell(resource: Any, ctx: Any) -> Draft:
        return Draft({}, "", needs=frozenset({f"toy.keep/{REF}"}))

    def shut(resource: Any, ctx: Any) -> Draft:
        return Draft({}, "", needs=wanted, reaches=frozenset({Milestone("told", resource.ref)}))

    steps = [ToyStep("toy.keep", "link", keep), ToyStep("toy.tell", "link", tell), ToyStep("toy.shut", phase, shut)]
    return make_plan(inventory(thing(REF)), request(), toy_kinds(ToyKind("toy", steps)))


def ends_in(plan: Plan) -> dict[str, tuple[str, ...]]:
    return {step.id: step.kept_until for step in plan.steps if step.kept_until}


def told() -> Milestone:
    return Milestone("told", thing(REF).ref)


@pytest.mark.parametrize("needs", [("keep",), ("tell",)], ids=["directly", "through another"])
def test_a_step_is_kept_until_another_that_comes_after_it(needs: tuple[str, ...]) -> None:
    assert ends_in(plan_with(SHUT, needs=needs)) == {"toy.keep/toy:1": (SHUT,)}


def test_a_milestone_stands_for_the_other_steps_that_reach_it() -> None:
    assert ends_in(plan_with(told())) == {"toy.keep/toy:1": (SHUT,)}


def test_a_milestone_that_nobody_reaches_ends_nothing() -> None:
    assert ends_in(plan_with(Milestone("gone", thing(REF).ref))) == {}


def test_being_kept_orders_nothing() -> None:
    for plan in (plan_with(SHUT), plan_with()):
        assert {step.id: step.needs for step in plan.steps} == {step.id: step.needs for step in plan_with(SHUT).steps}


def test_an_end_that_nobody_planned_is_a_mistake_of_ours() -> None:
    with pytest.raises(LookupError, match=r"toy\.keep/toy:1 is kept until toy\.never/toy:1, which nobody planned"):
        plan_with("toy.never/toy:1")


@pytest.mark.parametrize("end", [SHUT, told()], ids=["by name", "by milestone"])
def test_an_end_that_might_come_first_is_a_mistake_of_ours(end: StepId | Milestone) -> None:
    with pytest.raises(LookupError, match=r"is kept until toy\.shut/toy:1, which does not come after it"):
        plan_with(end, needs=())


def test_what_finalizing_ends_is_kept_through_the_whole_job() -> None:
    assert ends_in(plan_with(SHUT, needs=(), phase="finalize")) == {"toy.keep/toy:1": (SHUT,)}


def test_an_approval_covers_what_ends_the_keeping() -> None:
    plan = plan_with(SHUT)
    other = replace(plan, steps=tuple(replace(step, kept_until=()) for step in plan.steps))

    assert plan.hash != other.hash


def test_a_step_survives_being_stored_and_one_of_an_earlier_release_is_read() -> None:
    (step,) = [step for step in plan_with(SHUT).steps if step.kept_until]
    body = json.loads(json.dumps(step.as_json()))
    assert PlannedStep.from_json(body) == step

    del body["kept_until"]
    assert PlannedStep.from_json(body) == replace(step, kept_until=())
