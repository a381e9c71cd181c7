"""What steps say they do: as stored, and that none forgets what its kind's order rests on."""

import json

import pytest

from app.planning.effects import Leads, Registers, Serves, Stops
from app.planning.plan import Plan, PlannedStep, Strategy
from tests.kit import corner_shop


@pytest.fixture(scope="module", params=["incremental", "all_at_once"])
def plan(request: pytest.FixtureRequest) -> Plan:
    strategy: Strategy = request.param
    bench, target = corner_shop.bench()
    return bench.plan(target, strategy)


def test_a_step_comes_back_from_json_with_its_effects(plan: Plan) -> None:
    for step in plan.steps:
        assert PlannedStep.from_json(json.loads(json.dumps(step.as_json()))).effects == step.effects


def test_a_step_stored_before_there_were_effects_has_none(plan: Plan) -> None:
    body = plan.steps[0].as_json()
    del body["effects"]
    assert PlannedStep.from_json(body).effects == ()


def test_whatever_interrupts_says_so_as_an_effect(plan: Plan) -> None:
    for step in plan.steps:
        stops = {effect.ref for effect in step.effects if isinstance(effect, Stops)}
        assert set(step.interrupts) <= stops, step.id


def test_whatever_comes_into_service_is_put_there_by_some_effect(plan: Plan) -> None:
    served: set[str] = set()
    for effect in (effect for step in plan.steps for effect in step.effects):
        match effect:
            case Serves(ref):
                served.add(ref)
            case Registers(balancer, members, twins):
                served |= {balancer, *(members if twins else ())}
            case Leads(name, to):
                served |= {name, to}
            case _:
                pass
    reached = {
        milestone.removeprefix("in_service ")
        for step in plan.steps
        for milestone in step.reaches
        if milestone.startswith("in_service ")
    }
    assert reached
    assert reached <= served
