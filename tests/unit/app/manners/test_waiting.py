"""A held request ends when there is news, or when its time is over."""

import asyncio
from dataclasses import dataclass

import pytest

from app.manners.waiting import PREFERENCE, hold


@dataclass
class Thing:
    version: int = 1
    done: bool = False


class Source:
    """Gives a thing and counts how often it was asked; `looked` is set at the second look."""

    def __init__(self, *things: Thing) -> None:
        self.things = list(things)
        self.looks = 0

    async def load(self) -> Thing:
        self.looks += 1
        return self.things.pop(0) if len(self.things) > 1 else self.things[0]


def is_done(thing: Thing) -> bool:
    return thing.done


async def test_what_is_done_is_given_at_once() -> None:
    source = Source(Thing(done=True))
    assert await asyncio.wait_for(hold(source.load, is_done, 30), 1) == Thing(done=True)
    assert source.looks == 1


async def test_a_change_ends_the_waiting() -> None:
    source = Source(Thing(1), Thing(1), Thing(2))
    assert await asyncio.wait_for(hold(source.load, is_done, 30), 5) == Thing(2)


@pytest.mark.parametrize("seconds", [0, 0.1])
async def test_without_news_the_thing_is_given_when_time_is_over(seconds: float) -> None:
    assert await asyncio.wait_for(hold(Source(Thing()).load, is_done, seconds), 5) == Thing()


@pytest.mark.parametrize(("header", "seconds"), [("wait=30", "30"), ("respond-async, wait=5", "5"), ('wait="7"', "7")])
def test_the_preference_is_found_among_others(header: str, seconds: str) -> None:
    found = PREFERENCE.search(header)
    assert found is not None
    assert found[1] == seconds


def test_a_word_that_only_ends_in_wait_is_no_preference() -> None:
    assert PREFERENCE.search("dont-wait=5") is None
