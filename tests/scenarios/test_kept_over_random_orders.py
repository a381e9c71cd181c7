"""What a plan calls kept is never seen down, in whatever order its steps may legally run: thousands of orders of
hundreds of applications, drawn by chance."""

import os
import random
import sys
import time
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from tests.kit.applications import App, Ask, Balancer, Tier, apps, asks
from tests.kit.kept_cases import BrokenPromiseError, Planned, Tally, check, down_in_one_order
from tests.kit.spoiled_plans import check_spoiled

ORDERS = 8  # of each plan
CASES, SHARDS = 2_000, 4
SOAK_CASES, SOAK_SHARDS = int(os.environ.get("LANDBRIDGE_SOAK_CASES", "100000")), 20
SOAK_SEED = int(os.environ.get("LANDBRIDGE_SOAK_SEED", "0")) or random.SystemRandom().randrange(1, 2**32)


@pytest.mark.parametrize("shard", range(SHARDS))
def test_no_flow_called_kept_is_down_in_any_order(shard: int) -> None:
    tally = searched(CASES // SHARDS, shard)
    assert tally.cases >= CASES // SHARDS
    assert tally.blocked * 3 <= tally.blocked + tally.plans, "more than a third of the plans cannot be run"
    assert len(tally.applications) >= tally.plans // 2, "the applications are too much alike"
    assert tally.flows["kept"] >= tally.plans // 2, "hardly anything is put to the test"


@pytest.mark.soak
@pytest.mark.parametrize("shard", range(SOAK_SHARDS))
def test_at_length_no_flow_called_kept_is_down_in_any_order(shard: int, capfd: pytest.CaptureFixture[str]) -> None:
    """LANDBRIDGE_SOAK_CASES says how many in all, LANDBRIDGE_SOAK_SEED repeats a soak."""
    since = time.monotonic()
    with capfd.disabled():
        print(f"\nshard {shard} of {SOAK_SHARDS} begins; LANDBRIDGE_SOAK_SEED={SOAK_SEED}", file=sys.stderr)
    tally = searched(SOAK_CASES // SOAK_SHARDS, SOAK_SEED + shard)
    with capfd.disabled():
        print(f"\nshard {shard} after {time.monotonic() - since:.0f} s: {tally}", file=sys.stderr)
    assert tally.cases >= SOAK_CASES // SOAK_SHARDS


def test_members_stopped_for_the_move_one_by_one_leave_somebody_behind_the_load_balancer() -> None:
    app = App([Tier(2, windows=True)], frozenset(), [Balancer(frozenset({0}), record=True)])
    tally = Tally()
    check(app, Ask(incremental=True, most_at_once=1), orders=4, first_seed=1, tally=tally)
    assert (tally.cases, tally.flows["kept"]) == (4, 1)


def test_a_promise_that_does_not_hold_is_seen_through() -> None:
    app = App([Tier(1), Tier(1)], frozenset({(0, 1)}))
    planned = Planned.of(app, Ask(incremental=True))
    [flow] = planned.plan.flows
    assert flow.verdict == "interrupted"
    untrue = replace(planned, plan=replace(planned.plan, flows=(replace(flow, verdict="kept"),)))
    with pytest.raises(BrokenPromiseError, match="is stopp"):
        down_in_one_order(app, untrue, {flow.id}, 1, Tally())


def test_what_the_judge_calls_kept_of_a_spoiled_plan_is_kept() -> None:
    tally = Tally()

    @seed(1)
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(app=apps(), ask=asks(), first_seed=st.integers(0, 2**32))
    def search(app: App, ask: Ask, first_seed: int) -> None:
        check_spoiled(app, ask, first_seed, tally)

    search()
    assert tally.cases > 100


def searched(cases: int, seed_: int) -> Tally:
    """So many cases, and the same for the same seed."""
    tally = Tally()

    @seed(seed_)
    @settings(max_examples=cases // 2, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(app=apps(), ask=asks(), first_order=st.integers(0, 2**32))
    def search(app: App, ask: Ask, first_order: int) -> None:
        if tally.cases < cases or tally.failed:
            check(app, ask, ORDERS, first_order, tally)

    search()
    return tally
