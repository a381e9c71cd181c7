"""One contract for every kind that is found in app/resources, over whole applications and both strategies."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import app.resources
from app.execution.step import Step
from app.planning.context import Request, Target
from app.planning.inventory import Inventory
from app.planning.plan import PHASES, Plan, PlannedStep, Strategy, promises
from app.planning.planner import make_plan
from app.resources import all_kinds
from sandbox.scenarios import scenarios
from tests.kit import corner_shop
from tests.kit.bench import Bench

NEW_VPC = Target(create_cidr="172.22.0.0/16")
STRATEGIES: list[Strategy] = ["incremental", "all_at_once"]
APPLICATIONS = ["shop", "corner shop"]
EACH_PLAN = pytest.mark.parametrize(
    ("application", "strategy", "new_vpc"),
    [(name, strategy, new) for name in APPLICATIONS for strategy in STRATEGIES for new in (False, True)],
)
EACH_KIND = pytest.mark.parametrize("name", sorted(all_kinds()))
# What the corner shop's and the shop's instances were launched with.
USER_DATA = ("echo hi", "echo crew", "service httpd start", "IyEvYmlu")
SENTENCE = re.compile(r"[A-Z].*[^.]\.", re.DOTALL)


@cache
def inventory_of(application: str) -> tuple[Inventory, Target]:
    bench = Bench()
    build = scenarios()["shop"].build if application == "shop" else corner_shop.build
    build(bench.boto, bench.world)
    return bench.discover(), corner_shop.target_of(bench)


def plan_of(application: str, strategy: Strategy, new_vpc: bool) -> Plan:
    inventory, target = inventory_of(application)
    return make_plan(inventory, Request(strategy, NEW_VPC if new_vpc else target), all_kinds())


def every_step() -> Iterator[tuple[str, Step]]:
    """The name of each kind with each of its steps."""
    return ((name, step) for name, kind in all_kinds().items() for step in kind.steps)


@EACH_KIND
def test_a_kind_is_called_as_its_file(name: str) -> None:
    folder = Path(app.resources.__file__).parent
    assert (folder / f"{name}.py").is_file()
    assert all_kinds()[name].name == name
    assert "KIND = " in (folder / f"{name}.py").read_text()


@EACH_KIND
def test_actions_begin_with_the_name_of_their_kind(name: str) -> None:
    for step in all_kinds()[name].steps:
        assert re.fullmatch(rf"{name}\.[a-z_]+", step.action)


def test_an_action_belongs_to_one_step_alone() -> None:
    assert [action for action, count in Counter(step.action for _, step in every_step()).items() if count > 1] == []


def test_steps_have_a_known_phase_and_a_known_subject() -> None:
    for _, step in every_step():
        assert step.phase in PHASES
        assert step.subject in all_kinds()


@EACH_KIND
def test_the_maker_of_counterparts_is_a_step_of_the_kind_itself(name: str) -> None:
    kind = all_kinds()[name]
    if kind.maker:
        [maker] = [step for step in kind.steps if step.action == kind.maker]
        assert maker.subject == name


@EACH_PLAN
def test_every_step_that_is_needed_or_promised_is_planned(application: str, strategy: Strategy, new_vpc: bool) -> None:
    plan = plan_of(application, strategy, new_vpc)
    planned = {step.id for step in plan.steps}
    assert plan.steps
    for step in plan.steps:
        assert set(step.needs) | {source for source, _ in promises(step.params)} <= planned


@EACH_PLAN
def test_planning_twice_gives_the_same_plan(application: str, strategy: Strategy, new_vpc: bool) -> None:
    once, again = (plan_of(application, strategy, new_vpc) for _ in range(2))
    assert once == again
    assert once.hash == again.hash


@EACH_PLAN
def test_a_plan_does_not_depend_on_the_order_of_discovery(application: str, strategy: Strategy, new_vpc: bool) -> None:
    inventory, target = inventory_of(application)
    backwards = Inventory(inventory.region, tuple(reversed(inventory.resources)))
    request = Request(strategy, NEW_VPC if new_vpc else target)
    assert make_plan(backwards, request, all_kinds()).hash == plan_of(application, strategy, new_vpc).hash


@EACH_PLAN
def test_steps_survive_being_stored(application: str, strategy: Strategy, new_vpc: bool) -> None:
    for step in plan_of(application, strategy, new_vpc).steps:
        stored = json.loads(json.dumps(step.as_json()))
        assert PlannedStep.from_json(stored) == step


@pytest.mark.parametrize("application", APPLICATIONS)
def test_facts_survive_being_stored(application: str) -> None:
    for resource in inventory_of(application)[0]:
        assert json.loads(json.dumps(resource.facts)) == resource.facts


@EACH_PLAN
def test_nothing_of_the_user_data_gets_into_facts_or_plans(application: str, strategy: Strategy, new_vpc: bool) -> None:
    facts = [resource.facts for resource in inventory_of(application)[0]]
    told = json.dumps([plan_of(application, strategy, new_vpc).as_json(), facts])
    assert any(each.get("user_data_bytes") for each in facts)
    assert not [secret for secret in USER_DATA if secret in told]


@EACH_PLAN
def test_every_step_is_explained_in_a_sentence(application: str, strategy: Strategy, new_vpc: bool) -> None:
    for step in plan_of(application, strategy, new_vpc).steps:
        assert SENTENCE.fullmatch(step.explanation), step.explanation


@EACH_PLAN
def test_every_finding_is_a_sentence_about_something(application: str, strategy: Strategy, new_vpc: bool) -> None:
    for finding in plan_of(application, strategy, new_vpc).findings:
        assert re.fullmatch(r"\S.* .*[^.]\.", finding.message), finding.message
        assert re.fullmatch(r"[a-z_]+", finding.code)
        assert ":" in finding.subject


@EACH_PLAN
def test_finalize_alone_cannot_be_taken_back_and_nothing_before_waits_for_it(
    application: str, strategy: Strategy, new_vpc: bool
) -> None:
    plan = plan_of(application, strategy, new_vpc)
    finalizing = {step.id for step in plan.steps if step.phase == "finalize"}
    assert finalizing
    assert {step.id for step in plan.steps if not step.reversible} == finalizing
    for step in plan.steps:
        assert step.id in finalizing or not set(step.needs) & finalizing


@EACH_PLAN
def test_what_an_undo_does_not_put_back_is_told_in_sentences(
    application: str, strategy: Strategy, new_vpc: bool
) -> None:
    told = {step.action: step.not_undone for step in plan_of(application, strategy, new_vpc).steps if step.not_undone}
    assert not [text for text in told.values() if not SENTENCE.fullmatch(text)]
    assert "instance.launch" in told  # what its counterpart has written goes with it


@EACH_PLAN
def test_every_step_says_how_long_it_takes(application: str, strategy: Strategy, new_vpc: bool) -> None:
    for step in plan_of(application, strategy, new_vpc).steps:
        assert step.estimate["seconds"] > 0
        assert (step.estimate["undo_seconds"] > 0) == step.reversible
        assert step.estimate["calls"] >= 0
