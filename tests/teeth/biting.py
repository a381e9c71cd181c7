"""Planting the bugs, one at a time in each copy of the tree, and seeing who catches them."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from queue import SimpleQueue
from typing import TypeVar

from tests.teeth.ground import Ground, Ran
from tests.teeth.plant import DoesNotApply, Plant

CLEAN_AT_ONCE = 200  # ids in one command line

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Bite:
    """What came of one bug. `test`: the first that failed because of it; else `why` none did."""

    plant: Plant
    seconds: float
    test: str = ""
    why: str = ""

    @property
    def caught(self) -> bool:
        return not self.why


def bite(ground: Ground, plant: Plant) -> Bite:
    """Plant one bug and run its tests until one of them fails."""
    began = time.monotonic()
    try:
        with ground.spoiled(plant):
            ran = ground.run(plant.tests, "-x")
    except DoesNotApply as error:
        return Bite(plant, 0.0, why=str(error))
    return Bite(plant, time.monotonic() - began, ran.failed[0] if ran.failed else "", _why_not(ran))


def _why_not(ran: Ran) -> str:
    if ran.failed:
        return ""
    if ran.never:
        return "its tests never end: none of them says what is wrong"
    return "all of its tests pass" if ran.passed else f"its tests do not run: {ran.told.strip()[-300:]}"


def bite_all(grounds: Sequence[Ground], plants: Sequence[Plant], tell: Callable[[Bite], None]) -> list[Bite]:
    """All of them; then, without any bug, the tests that caught one: who fails then has caught nothing."""

    def bitten(ground: Ground, plant: Plant) -> Bite:
        found = bite(ground, plant)
        tell(found)
        return found

    bites = _side_by_side(grounds, bitten, plants)
    tests = sorted({each.test for each in bites if each.test})
    share = max(1, min(CLEAN_AT_ONCE, -(-len(tests) // len(grounds))))
    shares = [tests[start : start + share] for start in range(0, len(tests), share)]
    sick = {test for found in _side_by_side(grounds, _sick, shares) for test in found}
    return [replace(each, why="its test fails without it, too") if each.test in sick else each for each in bites]


def _sick(ground: Ground, tests: Sequence[str]) -> Sequence[str]:
    """Which of them fail where nothing is planted."""
    clean = ground.run(tests)
    return clean.failed if clean.passed or clean.failed else tests


def _side_by_side(grounds: Sequence[Ground], act: Callable[[Ground, T], R], each_of: Sequence[T]) -> list[R]:
    """`act` on each, in order of asking, on whichever ground is free."""
    free: SimpleQueue[Ground] = SimpleQueue()
    for ground in grounds:
        free.put(ground)

    def on_a_free_one(what: T) -> R:
        ground = free.get()
        try:
            return act(ground, what)
        finally:
            free.put(ground)

    with ThreadPoolExecutor(len(grounds)) as lanes:
        try:
            return list(lanes.map(on_a_free_one, each_of))
        except KeyboardInterrupt:  # what runs is in sessions of its own and has not heard it
            lanes.shutdown(wait=False, cancel_futures=True)
            for ground in grounds:
                ground.abandon()
            raise
