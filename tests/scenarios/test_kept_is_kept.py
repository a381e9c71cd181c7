"""What a plan calls kept is never seen down, whatever the application and however long each thing takes."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from app.planning.plan import Strategy
from sandbox.durations import Durations
from sandbox.outages import Outages
from tests.kit.account import account
from tests.kit.random_apps import App, apps, build, paces
from tests.kit.undone import unrestored


@pytest.mark.parametrize("strategy", ["incremental", "all_at_once"])
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(app=apps(), pace=paces())
def test_no_flow_called_kept_is_seen_down_and_undo_restores(strategy: Strategy, app: App, pace: Durations) -> None:
    broken(strategy, app, pace)


@pytest.mark.soak
@pytest.mark.parametrize("strategy", ["incremental", "all_at_once"])
@settings(max_examples=1_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(app=apps(), pace=paces())
def test_at_length_no_flow_called_kept_is_seen_down(strategy: Strategy, app: App, pace: Durations) -> None:
    broken(strategy, app, pace)


def broken(strategy: Strategy, app: App, pace: Durations) -> None:
    bench, target = build(app)
    bench.past_the_wire()
    before = account(bench.look)
    plan = bench.plan(target, strategy)
    assert not plan.blocked, [finding for finding in plan.findings if finding.level == "blocker"]
    bench.world.durations = pace
    outages = Outages(bench.world)
    outages.declare([flow.as_json() for flow in plan.flows if flow.protocol == "tcp"])

    outcome, journal = bench.execute(plan)

    assert outcome == "succeeded", {id_: line.error for id_, line in journal.lines.items() if line.error}
    assert _down(outages) & {flow.id for flow in plan.flows if flow.verdict == "kept"} == set()
    assert bench.undo(plan, journal) == "undone"
    assert unrestored(before, account(bench.look)) == []


def _down(outages: Outages) -> set[str]:
    told: list[dict[str, Any]] = outages.since()
    return {flow["flow"] for flow in told if flow["total_seconds"] > 0}
