"""Spoiled plans, carried out: what the judge still calls kept stays up, and what it names is really down."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from app.planning.context import Request
from app.planning.outage import Judge
from app.planning.plan import Plan
from app.planning.planner import context, make_plan, surroundings
from app.resources import all_kinds
from sandbox.outages import Outages
from tests.kit import corner_shop, spoilers
from tests.kit.spoilers import Spoiler, Spoiling, spoilings


def into_a_group_that_is_there(plan: Plan, spoiling: Spoiling) -> Spoiling:
    """The group of nobody is the twin of `default`, which lets in nobody but itself."""
    [default] = [step.id for step in plan.steps if step.params.get("name") == "default"]
    other = spoilers.OTHER_GROUP["$from"]
    if not any(other in str(step.params) for step in spoiling.steps):
        return spoiling
    steps = tuple(
        spoilers.told_otherwise((step,), step.id, group_ids=[{"$from": default, "$key": "counterpart"}])[0]
        if other in str(step.params)
        else step
        for step in spoiling.steps
    )
    return replace(spoiling, steps=steps)


def calls_instances(spoiling: Spoiling) -> bool:
    pairs = [pair for some in spoiling.broken.values() for pair in some]
    return all(end.startswith(("instance:", "auto_scaling_group:")) for pair in pairs for end in pair)


def anyhow(spoiling: Spoiling) -> bool:
    return True


@pytest.mark.parametrize(
    ("spoiler", "wanted"),
    [
        (spoilers.rule_forgotten, calls_instances),
        (spoilers.listener_shut, anyhow),
        (spoilers.linked_with_another_group, anyhow),
        (spoilers.twin_in_another_group, calls_instances),
        (spoilers.name_not_shifted, anyhow),
        (spoilers.address_not_given, anyhow),
        (spoilers.database_after_a_caller, anyhow),
    ],
    ids=lambda each: each.__name__,
)
def test_what_the_judge_names_is_down_and_what_it_calls_kept_is_not(
    spoiler: Spoiler, wanted: Callable[[Spoiling], bool]
) -> None:
    bench, target = corner_shop.bench()
    inventory = bench.discover()
    request = Request("incremental", target)
    plan = make_plan(inventory, request, all_kinds())
    around = surroundings(context(inventory, request, all_kinds()))
    spoiling = into_a_group_that_is_there(plan, next(each for each in spoilings(plan, spoiler) if wanted(each)))
    flows = Judge(spoiling.steps, around).judge(plan.flows)
    outages = Outages(bench.world)
    outages.declare([flow.as_json() for flow in flows if flow.protocol == "tcp"])

    bench.execute(replace(plan, steps=spoiling.steps))

    down = {told["flow"] for told in outages.since() if told["total_seconds"] > 0}
    assert down & {flow.id for flow in flows if flow.verdict == "kept"} == set()
    assert down & set(spoiling.broken), f"{spoiling.told} breaks nothing"
