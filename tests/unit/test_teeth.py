"""Planted bugs rot: the source moves on, and so do the names of tests. `make teeth` runs them; this only looks."""

import re
from pathlib import Path

import pytest

from tests.teeth.plant import DoesNotApply, Plant
from tests.teeth.plants import PLANTS
from tests.teeth.telling import BEGIN, END

TREE = Path(__file__).parents[2]
AT_LEAST = 12

EACH = pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.name)


def test_there_are_enough_and_no_two_share_a_name() -> None:
    assert len({plant.name for plant in PLANTS}) == len(PLANTS) >= AT_LEAST


@EACH
def test_a_planted_bug_still_applies_and_is_still_a_program(plant: Plant) -> None:
    compile(plant.spoiled(TREE), plant.file, "exec")


@EACH
def test_the_tests_that_are_to_catch_it_are_there(plant: Plant) -> None:
    assert plant.tests
    for test in plant.tests:
        file, _, name = test.partition("::")
        source = (TREE / file).read_text()
        assert not name or re.search(rf"^(async )?def {re.escape(name.partition('[')[0])}\(", source, re.M)


def test_a_bug_whose_text_is_gone_or_not_alone_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("one\nfence\nfence\n")
    for old in ("two", "fence"):
        with pytest.raises(DoesNotApply, match=r"in a\.py, not once"):
            Plant("p", "it breaks", "a.py", old, "", ("tests",)).spoiled(tmp_path)


def test_the_page_shows_the_bugs_that_there_are() -> None:
    _, _, rest = (TREE / "docs" / "reliability.md").read_text().partition(BEGIN)
    shown = re.findall(r"^\| ([a-z-]+) \| `", rest.partition(END)[0], re.M)
    assert shown == [plant.name for plant in PLANTS]
