"""A worker is killed at a seam, the one that takes over is killed at a seam of its own, and a third one finishes.

Where the second one dies in a step that it found under way, recovery itself dies: each of these pairs is tried. What it
begins beside that, or afterwards, it begins as any worker does: of those pairs some are drawn by chance. The first two
go forward, or the second undoes what the first one began, or both undo.
"""

import os
import random
import sys
import time
from collections.abc import Callable
from functools import cache

import pytest

from app.planning.plan import Strategy
from tests.crash.pairs import Case
from tests.kit import corner_shop
from tests.kit.forked import apart
from tests.kit.second_deaths import Odds
from tests.scenarios.elastic import ElasticMove

STRATEGIES = pytest.mark.parametrize("strategy", ["incremental", "all_at_once"])
WAYS = {"forward": Case.killed_twice, "undo": Case.killed_twice_in_undo}
BOTH_WAYS = pytest.mark.parametrize("way", sorted(WAYS))
SEED = int(os.environ.get("LANDBRIDGE_SOAK_SEED", "0")) or random.SystemRandom().randrange(1, 2**32)
SHARES = 8  # the first seams are dealt out to this many tests, which run side by side
EACH_WHILE_RECOVERING = Odds(SEED, beside=0.2, later=0.02)
SOME_OF_THE_GROUPS = Odds(SEED, first=0.1, recovering=0.1, beside=0.02, later=0.005)
FEW = Odds(3, first=0.03, recovering=0.25, beside=0.04)


@cache
def corner(strategy: Strategy, odds: Odds, part: tuple[int, int] = (0, 1)) -> Case:
    bench, target = corner_shop.bench()
    bench.past_the_wire().unguarded()
    return Case(bench, bench.plan(target, strategy), odds, part)


@pytest.mark.parametrize(("way", "strategy"), [("forward", "incremental"), ("undo", "all_at_once")])
def test_some_pairs_of_deaths_are_survived(way: str, strategy: Strategy) -> None:
    case = corner(strategy, FEW)
    assert apart(lambda: WAYS[way](case)) == []
    assert case.tally.count >= 5


@pytest.mark.soak
@STRATEGIES
@BOTH_WAYS
@pytest.mark.parametrize("share", range(SHARES))
def test_each_pair_of_deaths_in_recovery_is_survived(
    way: str, strategy: Strategy, share: int, capfd: pytest.CaptureFixture[str]
) -> None:
    """LANDBRIDGE_SOAK_SEED draws the same of those after recovery again."""
    case = corner(strategy, EACH_WHILE_RECOVERING, (share, SHARES))
    assert tried(case, WAYS[way], f"{strategy}, {way}, share {share} of {SHARES}", capfd) == []
    assert case.tally.count > 100


@pytest.mark.soak
@STRATEGIES
@BOTH_WAYS
def test_pairs_of_deaths_in_a_shop_with_groups_are_survived(
    way: str, strategy: Strategy, capfd: pytest.CaptureFixture[str]
) -> None:
    """LANDBRIDGE_SOAK_SEED draws the same again."""
    move = ElasticMove(strategy)
    case = Case(move.bench.past_the_wire().unguarded(), move.plan, SOME_OF_THE_GROUPS)
    assert tried(case, WAYS[way], f"elastic shop, {strategy}, {way}", capfd) == []
    assert case.tally.count > 0


def tried(case: Case, way: Callable[[Case], list[str]], name: str, capfd: pytest.CaptureFixture[str]) -> list[str]:
    """What was wrong, and on the terminal how many pairs there were."""
    since = time.monotonic()
    found = apart(lambda: way(case))
    with capfd.disabled():
        told = f"{case.tally.count} pairs in {time.monotonic() - since:.0f} s; LANDBRIDGE_SOAK_SEED={SEED}"
        print(f"\npairs of seams, {name}: {told}", file=sys.stderr)
    return found
