"""Planting the bugs one after the other, and seeing who catches them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tests.teeth.ground import Ground, Ran
from tests.teeth.plant import DoesNotApply, Plant

CLEAN_AT_ONCE = 200  # ids in one command line


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


def bite_all(ground: Ground, plants: Sequence[Plant], tell: Callable[[Bite], None]) -> list[Bite]:
    """All of them; then, without any bug, the tests that caught one: who fails then has caught nothing."""
    bites = []
    for plant in plants:
        bites.append(bite(ground, plant))
        tell(bites[-1])
    tests = sorted({each.test for each in bites if each.test})
    for start in range(0, len(tests), CLEAN_AT_ONCE):
        clean = ground.run(tests[start : start + CLEAN_AT_ONCE])
        sick = set(clean.failed)
        if not clean.passed and not sick:
            sick = set(tests)
        bites = [replace(each, why="its test fails without it, too") if each.test in sick else each for each in bites]
    return bites
