"""Pause, cancel, undo, approvals, gates, workers and their deaths, in any order and at once (a Hypothesis machine)."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.conftest import empty
from tests.races.machine import Races
from tests.races.stage import Stage

ALL = tuple(HealthCheck)
LONG = int(os.environ.get("LANDBRIDGE_RACES", "1000"))


@pytest.fixture
def stage(database_url: str) -> Iterator[Stage]:
    made = Stage(database_url)
    yield made
    made.run(empty(made.database))
    made.close()


def race(stage: Stage, examples: int, steps: int, derandomize: bool) -> None:
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        derandomize=derandomize,
        database=None,
        deadline=None,
        suppress_health_check=ALL,
        print_blob=True,
    )
    run_state_machine_as_test(lambda: Races(stage), settings=chosen)  # type: ignore[arg-type]  # a factory does as well


def test_whoever_comes_first_nothing_changes_against_what_people_said(stage: Stage) -> None:
    race(stage, examples=10, steps=20, derandomize=True)


@pytest.mark.soak
def test_in_many_histories_nothing_changes_against_what_people_said(stage: Stage) -> None:
    race(stage, examples=LONG, steps=50, derandomize=False)
