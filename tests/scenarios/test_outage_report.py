"""The page and the picture of `make outage`: what is in them, and what ran inside an outage."""

from functools import cache
from xml.etree import ElementTree

from app.planning.plan import PHASES
from benchmarks.outage.__main__ import shortcomings
from benchmarks.outage.applications import applications
from benchmarks.outage.hurried import hurried
from benchmarks.outage.inside import inside, longest
from benchmarks.outage.measuring import METHODS, Moved, moved
from benchmarks.outage.plot import picture
from benchmarks.outage.table import page, rows


@cache
def moves() -> tuple[Moved, ...]:
    """The smallest application, in every order."""
    return tuple(moved(applications()[-1], method) for method in METHODS)


def test_the_table_has_a_row_per_order_with_what_was_foretold_beside_what_was_measured() -> None:
    found = list(rows(moves()))
    assert [row[:4] for row in found] == [
        ("door", "incremental", "2", "1"),
        ("door", "all at once", "2", "1"),
        ("door", "in a hurry", "2", "1"),
    ]
    assert all(abs(int(row[4]) - int(row[5])) < 0.2 * int(row[5]) for row in found)


def test_inside_an_outage_the_report_shows_stop_last_delta_and_start_and_that_nothing_waited() -> None:
    [one] = moves()[0].interrupted
    parts = inside(moves()[0], one)
    assert [part.step.partition("/")[0] for part in parts][:3] == ["instance.stop", "instance.image", "instance.launch"]
    assert sum(part.waited for part in parts) < 1
    began, ended = longest(one)
    assert abs(sum(part.seconds for part in parts) - (ended - began)) < 3
    assert "`instance.stop` gate-1" in page(moves())


def test_the_picture_is_one_that_a_browser_draws_with_a_bar_per_order() -> None:
    root = ElementTree.fromstring(picture(moves()))  # noqa: S314 - our own text
    bars = [one for one in root.iter("{http://www.w3.org/2000/svg}rect") if one.get("height") == "18"]
    assert len(bars) == len(METHODS)


def test_nothing_is_amiss_where_every_promise_was_kept() -> None:
    assert shortcomings(moves()) == []


def test_somebody_in_a_hurry_takes_the_same_steps_but_the_links_and_instances_come_first() -> None:
    careful, hasty = moves()[0].steps.values(), list(moves()[2].steps.values())
    moving = [step for step in careful if step.phase != "finalize"]
    assert {step.id for step in hasty} == {step.id for step in moving if not step.id.startswith("classic_link.")}
    assert [step.id for step in hurried(tuple(careful))] == [step.id for step in hasty]
    order = [PHASES.index(step.phase) for step in hasty]
    assert order == sorted(order)
