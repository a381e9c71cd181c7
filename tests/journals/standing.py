"""What an account holds, counted by what it is for: ids and job ids differ, this may not."""

import re
from collections import Counter
from collections.abc import Mapping

from tests.crash.test_every_seam import shape
from tests.kit.bench import Bench

Standing = Mapping[str, Mapping[str, int]]

_OF_A_JOB = re.compile(r"(?<=-)[0-9a-f]{12}\b")  # names that must be a job's alone end in what is made of its id


def standing(bench: Bench) -> Standing:
    """What there is, by listing."""
    return {
        name: dict(sum((Counter({_OF_A_JOB.sub("…", thing): n}) for thing, n in things.items()), Counter()))
        for name, things in shape(bench).items()
    }


def amiss(bench: Bench, expected: Standing) -> list[str]:
    """What there is too much or too little of, compared with an earlier release; listings it had not are not its."""
    found = standing(bench)
    return [
        f"{name}: {thing}: {found[name].get(thing, 0)} instead of {things.get(thing, 0)}"
        for name, things in expected.items()
        for thing in sorted({*things, *found[name]})
        if found[name].get(thing, 0) != things.get(thing, 0)
    ]
