"""Members are killed and fail, alarms fire, the schedule comes, the group scales out and in: while it moves."""

import asyncio
import random
from collections.abc import Callable
from functools import cache

import pytest

from app.execution.states import StepState
from app.planning.plan import PlannedStep, Strategy
from tests.kit.forked import apart
from tests.scenarios.elastic import GROUP, REF, ElasticMove
from tests.scenarios.unrest import SCALING, Noticing, Unrest
from tests.scenarios.whole_move import errors

STRATEGIES = pytest.mark.parametrize("strategy", ["incremental", "all_at_once"])
PHASES = {
    "incremental": {"link", "managed_services", "load_balancers", "instances"},
    "all_at_once": {"managed_services", "load_balancers", "instances"},
}


@pytest.mark.parametrize(("strategy", "seed"), [("incremental", 0), ("incremental", 1), ("all_at_once", 2)])
def test_whatever_happens_to_the_group_while_it_moves_nobody_notices(strategy: Strategy, seed: int) -> None:
    move_through_unrest(strategy, seed)


@pytest.mark.soak
@STRATEGIES
@pytest.mark.parametrize("seed", range(100, 160))
def test_at_length_whatever_happens_to_the_group_while_it_moves_nobody_notices(strategy: Strategy, seed: int) -> None:
    move_through_unrest(strategy, seed)


def move_through_unrest(strategy: Strategy, seed: int) -> None:
    """The group's evening comes at any moment of the move."""
    chance = random.Random(seed)
    move = ElasticMove(strategy, before_evening=chance.uniform(60, 1_800))
    unrest = Unrest(move, chance)
    outcome = unrest.execute()
    assert outcome == "succeeded", (errors(move.journal), unrest.acted)
    rested = unrest.come_to_rest()
    assert unrest.wrong == [], unrest.acted
    assert rested, unrest.acted
    assert move.broken_promises() == [], unrest.acted
    group, balancer = move.twins()
    assert len(move.served(group, balancer)) == group.desired >= 2
    assert move.group().members == {}
    assert {phase for phase, _ in unrest.acted} >= PHASES[strategy]
    assert {what for _, what in unrest.acted} & {"killed", "stopped", "failing health"}


@cache
def ready(strategy: Strategy) -> ElasticMove:
    """About to move, for tests that do so apart."""
    return ElasticMove(strategy)


def at(move: ElasticMove, action: str, state: StepState, seconds: float, act: Callable[[], object]) -> None:
    """Have something done so many seconds after a step of the group has come so far, once."""
    move.journal = journal = Noticing()
    done: list[str] = []

    def notice(step: PlannedStep, to: StepState) -> None:
        if (step.action, to) == (f"auto_scaling_group.{action}", state) and not done:
            done.append(step.id)
            asyncio.get_running_loop().call_later(seconds, act)

    journal.notice = notice


@pytest.mark.parametrize(
    ("strategy", "action", "state", "seconds"),
    [
        ("incremental", "freeze", "running", 2),
        ("incremental", "scale_up", "running", 20),
        ("incremental", "drain", "running", 1),
        ("incremental", "drain", "running", 40),
        ("all_at_once", "freeze", "running", 2),
        ("all_at_once", "scale_up", "running", 20),
    ],
)
def test_what_somebody_switches_back_on_is_suspended_again_and_the_next_step_that_relies_on_it_halts(
    strategy: Strategy, action: str, state: StepState, seconds: float
) -> None:
    assert apart(lambda: resumed(ready(strategy), action, state, seconds)) == []


def resumed(move: ElasticMove, action: str, state: StepState, seconds: float) -> list[str]:
    at(move, action, state, seconds, lambda: move.ask("autoscaling.resume_processes", AutoScalingGroupName=GROUP))

    assert move.advance() == "halted"

    [(id_, error)] = errors(move.journal).items()
    relying = [step.id for step in move.steps if f"auto_scaling_group.freeze/{REF}" in step.needs]
    assert id_ in relying
    assert error["code"] == "process_resumed"
    assert set(SCALING) <= set(move.group().suspended)
    move.retry()
    assert move.advance() == "succeeded", errors(move.journal)
    assert move.broken_promises() == []
    group, balancer = move.twins()
    assert len(move.served(group, balancer)) == 3
    assert move.group().members == {}
    return []


def test_what_has_scaled_while_it_was_switched_on_is_caught_up_with_before_anything_is_drained() -> None:
    assert apart(lambda: resumed_and_scaled(ready("incremental"))) == []


def resumed_and_scaled(move: ElasticMove) -> list[str]:
    def somebody_resumes_it_and_the_alarm_fires() -> None:
        move.ask("autoscaling.resume_processes", AutoScalingGroupName=GROUP)
        move.ask("cloudwatch.set_alarm_state", AlarmName="web-busy", StateValue="ALARM", StateReason="busy")

    at(move, "scale_up", "running", 20, somebody_resumes_it_and_the_alarm_fires)
    assert move.advance() == "halted"
    assert move.group().desired == 4
    move.retry()
    assert move.advance() == "halted"
    [(id_, error)] = errors(move.journal).items()
    assert id_ == f"auto_scaling_group.drain/{REF}"
    assert "set the first to 4" in error["detail"]
    twin, balancer = move.twins()
    move.ask("autoscaling.set_desired_capacity", AutoScalingGroupName=twin.name, DesiredCapacity=4)
    move.retry()
    assert move.advance() == "succeeded", errors(move.journal)
    assert len(move.served(twin, balancer)) == 4
    assert move.broken_promises() == []
    return []
