"""Calls that a step does not declare are told where a move goes on, and refused where it is tried out."""

from typing import ClassVar

import pytest
from structlog.testing import capture_logs

from app.execution.calls import Calls, reading
from app.execution.declared import UndeclaredCall, refuse
from app.execution.executor import Executor, Outcome
from app.execution.journal import MemoryJournal
from app.execution.step import Step
from sandbox.virtual_time import WorldClock, run
from sandbox.world import World
from tests.unit.execution.toys import Make, ToyCloud, toy


class ForgetsToDeclareItsCall(Make):
    calls: ClassVar[Calls] = reading("toy.describe", "toy.remove")


class ForgetsToDeclareItsWatch(Make):
    calls: ClassVar[Calls] = reading("toy.make", "toy.remove")


FORGETFUL = pytest.mark.parametrize(
    ("step", "operation"), [(ForgetsToDeclareItsCall(), "toy.make"), (ForgetsToDeclareItsWatch(), "toy.describe")]
)


def advance(step: Step, **how: object) -> Outcome:
    world = World()
    clock = WorldClock(world)
    executor = Executor(
        job_id="job_1",
        steps=[toy("a", Settles=1)],
        actions={"toy.make": step},
        journal=MemoryJournal(),
        cloud=ToyCloud(clock),
        clock=clock,
        **how,  # type: ignore[arg-type]
    )
    return run(world, executor.advance())


@FORGETFUL
def test_an_undeclared_call_is_told_and_fails_nothing(step: Step, operation: str) -> None:
    with capture_logs() as logs:
        assert advance(step) == "succeeded"
    told = [(line["event"], line["caller"], line["operation"]) for line in logs]
    assert told == [("calls.undeclared", "toy.make", operation)]


@FORGETFUL
def test_tests_refuse_an_undeclared_call(step: Step, operation: str) -> None:
    with pytest.raises(UndeclaredCall, match=f"toy.make calls {operation}, which it does not declare"):
        advance(step, undeclared=refuse)


def test_whoever_declares_all_calls_is_not_heard_of() -> None:
    with capture_logs() as logs:
        assert advance(Make()) == "succeeded"
    assert logs == []
