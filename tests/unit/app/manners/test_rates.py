"""A budget of requests: so many at once, refilled steadily, each principal's its own."""

import pytest

from app.errors import TooManyRequests
from app.manners.rates import Rates


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rates(clock: Clock) -> Rates:
    return Rates(per_second=2, burst=4, clock=clock)


def test_a_burst_is_allowed_and_counted_down(rates: Rates) -> None:
    assert [rates.take("a").remaining for _ in range(4)] == [3, 2, 1, 0]


def test_what_exceeds_the_burst_is_refused_with_the_seconds_to_wait(rates: Rates) -> None:
    for _ in range(4):
        rates.take("a")
    with pytest.raises(TooManyRequests) as refused:
        rates.take("a")
    assert refused.value.headers == {
        "Retry-After": "1",
        "RateLimit": '"default";r=0;t=1',
        "RateLimit-Policy": '"default";q=4;w=2',
    }


def test_one_principal_spends_nothing_of_another(rates: Rates) -> None:
    for _ in range(4):
        rates.take("a")
    assert rates.take("b").remaining == 3


def test_the_budget_refills_steadily_and_not_beyond_the_burst(rates: Rates, clock: Clock) -> None:
    for _ in range(4):
        rates.take("a")
    clock.now += 1
    assert [rates.take("a").remaining for _ in range(2)] == [1, 0]
    clock.now += 3_600
    assert rates.take("a").remaining == 3


def test_a_refused_request_costs_nothing(rates: Rates, clock: Clock) -> None:
    for _ in range(4):
        rates.take("a")
    for _ in range(10):
        with pytest.raises(TooManyRequests):
            rates.take("a")
    clock.now += 0.5
    assert rates.take("a").remaining == 0
