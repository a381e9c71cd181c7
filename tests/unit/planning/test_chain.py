"""What ran inside an outage."""

import pytest

from app.planning.chain import Part, chain

NEEDS = {"stop": ["prepare"], "image": ["stop"], "launch": ["image", "elsewhere"], "elsewhere": [], "prepare": []}


def test_the_steps_between_follow_each_other_and_say_how_long_they_waited() -> None:
    ran = {
        "prepare": (0.0, 5.0),
        "elsewhere": (0.0, 50.0),
        "stop": (10.0, 40.0),
        "image": (40.0, 100.0),
        "launch": (103.0, 140.0),
    }
    assert chain("stop", "launch", ran, NEEDS) == [
        Part("stop", 30.0, 0.0),
        Part("image", 60.0, 0.0),
        Part("launch", 37.0, 3.0),
    ]


def test_what_was_waited_for_from_elsewhere_stands_in_it() -> None:
    ran = {"stop": (10.0, 40.0), "image": (40.0, 100.0), "elsewhere": (60.0, 500.0), "launch": (500.0, 540.0)}
    assert [part.step for part in chain("stop", "launch", ran, NEEDS)] == ["elsewhere", "launch"]
    assert chain("stop", "launch", ran, NEEDS)[0].seconds == 440.0


def test_an_outage_of_one_step_is_that_step() -> None:
    assert chain("stop", "stop", {"stop": (0.0, 4.0)}, NEEDS) == [Part("stop", 4.0, 0.0)]


def test_steps_that_did_not_run_have_no_chain() -> None:
    with pytest.raises(KeyError):
        chain("stop", "launch", {"stop": (0.0, 4.0)}, NEEDS)
