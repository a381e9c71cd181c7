"""Plans with one thing spoiled: an order, a link, a rule, a group, a registration, a name. The judge misses none."""

from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.planning.context import Request, Target
from app.planning.inventory import Inventory
from app.planning.lives import Surroundings
from app.planning.outage import Judge
from app.planning.plan import Flow, Plan
from app.planning.planner import context, make_plan, surroundings
from app.resources import all_kinds
from sandbox.scenarios import scenarios
from tests.kit import corner_shop
from tests.kit.bench import Bench
from tests.kit.random_apps import App, apps, build
from tests.kit.spoilers import CATALOGUE, Spoiler, Spoiling, spoilings

EACH = pytest.mark.parametrize("spoiler", CATALOGUE, ids=lambda spoiler: spoiler.__name__)


def planned(inventory: Inventory, target: Target) -> tuple[Plan, Surroundings]:
    request = Request("incremental", target)
    return make_plan(inventory, request, all_kinds()), surroundings(context(inventory, request, all_kinds()))


@cache
def shop(name: str) -> tuple[Plan, Surroundings]:
    bench = Bench()
    if name == "corner":
        corner_shop.build(bench.boto, bench.world)
    else:
        scenarios()[name].build(bench.boto, bench.world)
    return planned(bench.discover(), corner_shop.target_of(bench))


def missed(plan: Plan, around: Surroundings, spoiling: Spoiling) -> list[str]:
    """What the judge does not say, and should, of the flows that the spoiling breaks."""
    before = {flow.id: flow for flow in plan.flows}
    after = {flow.id: flow for flow in Judge(spoiling.steps, around).judge(plan.flows)}
    found = []
    for id_, pairs in spoiling.broken.items():
        flow, known = after[id_], cut(before[id_])
        if flow.verdict != "interrupted" or not any(pair[:2] in pairs for pair in cut(flow) - known):
            found.append(f"{spoiling.told}: {flow.rule} {flow.from_port} is {flow.verdict}: {flow.reason}")
        elif before[id_].verdict == "kept" and not any(word in flow.reason for word in spoiling.words):
            found.append(f"{spoiling.told}: {flow.rule} {flow.from_port} is told wrongly: {flow.reason}")
    return found


def cut(flow: Flow) -> set[tuple[str, str, str, str]]:
    """Who cannot call whom, from when until when."""
    return {
        (source, target, gap.from_step, gap.to_step)
        for gap in flow.interruptions
        for source in gap.sources
        for target in gap.targets
        if source != target
    }


@EACH
@pytest.mark.parametrize("name", ["corner", "shop"])
def test_every_spoiling_of_a_shop_is_seen_and_told(name: str, spoiler: Spoiler) -> None:
    plan, around = shop(name)
    found = spoilings(plan, spoiler)
    assert found
    assert [line for spoiling in found for line in missed(plan, around, spoiling)] == []


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(app=apps(), data=st.data())
def test_a_spoiling_of_any_application_is_seen_and_told(app: App, data: st.DataObject) -> None:
    bench, target = build(app)
    plan, around = planned(bench.discover(), target)
    possible = {spoiler.__name__: found for spoiler in CATALOGUE if (found := spoilings(plan, spoiler))}
    if possible:
        spoiling = data.draw(st.sampled_from(possible[data.draw(st.sampled_from(sorted(possible)))]))
        assert missed(plan, around, spoiling) == []
