"""The long run, short: some seconds of jobs under a few faults, and the table it ends with."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.soak.ledger import INVARIANTS, LONG_RUN, Ledger, asked_and_reached, percentile, table, write
from tests.soak.running import Options, replay, run, schedules
from tests.soak.scripts import Blow, scripts

STRIKING = 0.25  # of a run goes into the blows themselves, and into calm


def test_a_few_jobs_come_through_a_few_faults_and_every_check_is_told() -> None:
    said: list[str] = []
    outcome = run(Options(seed="7", minutes=0.3, lanes=1, crew=3, every=6.0, servers_every=6.0, lease=3.0), said.append)
    text = table(outcome.ledger, outcome.takeovers, 3.0)
    assert outcome.good, text
    assert outcome.ledger.jobs.total() >= 1
    assert outcome.ledger.faults.total() >= 1
    assert "SOAK_SEED=7" in text
    assert all(f"| {what} | {least:,} |" in text for what, (least, _) in LONG_RUN.items())
    assert all(f"| {name} |" in text for name in INVARIANTS)
    assert said


def test_one_seed_is_one_schedule() -> None:
    def drawn(seed: str) -> list[object]:
        jobs, hands = scripts(seed, 1, gentle=False), schedules(Options(seed=seed, minutes=1))
        return [*(next(jobs) for _ in range(20)), *(next(hand) for hand in hands for _ in range(20))]

    assert drawn("7") == drawn("7")
    assert drawn("7") != drawn("8")


def test_a_hand_keeps_to_its_schedule_whatever_the_other_one_does() -> None:
    workers, servers = schedules(Options(seed="7", minutes=1))
    alone = [next(servers) for _ in range(20)]
    busy, slow = schedules(Options(seed="7", minutes=1, every=9.0))
    by_turns = [(next(busy), next(slow)) for _ in range(20)]
    assert [each for _, each in by_turns] == alone
    assert [each.kind for each, _ in by_turns] == [next(workers).kind for _ in range(20)]


def test_an_hour_is_long_enough_for_what_a_long_run_is_asked_for() -> None:
    drawn = [
        kind for hand in schedules(Options(seed="7", minutes=60)) for kind in _falling(hand, 3_600 * (1 - STRIKING))
    ]
    for what, least, reached in asked_and_reached(Counter(drawn)):
        assert reached >= least, what


def _falling(hand: Iterator[Blow], seconds: float) -> Iterator[str]:
    while (blow := next(hand)).wait < seconds:
        seconds -= blow.wait
        yield blow.kind


def test_a_run_is_repeated_with_the_rates_of_both_hands() -> None:
    options = Options(seed="7", minutes=60, every=1.5, servers_every=2.5)
    assert "--every 1.5 --servers-every 2.5" in replay(options)


def test_the_table_says_what_was_asked_of_a_long_run_and_what_was_reached() -> None:
    ledger = Ledger("7", "again")
    for kind in ("worker killed", "Redis flushed", "Redis killed and restarted", "Redis flushed", "API killed"):
        ledger.fault(kind)
    text = table(ledger, [], 2.0)
    assert "| workers killed | 1,000 | 1 |" in text
    assert "| Postgres restarted | 200 | 0 |" in text
    assert "| Redis wiped | 200 | 3 |" in text


def test_dead_workers_alone_are_not_asked_for_what_a_long_run_is() -> None:
    assert "Asked" not in table(Ledger("7", "again", kills_only=True), [], 15.0)


def test_percentiles_are_values_that_were_measured() -> None:
    measured = [float(each) for each in range(1, 201)]
    assert (percentile(measured, 50), percentile(measured, 99)) == (100.0, 198.0)
    assert percentile([3.0], 99) == 3.0


def test_the_table_takes_the_place_of_the_last_one_in_its_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("above\n<!-- here: begin -->\nold\n<!-- here: end -->\nbelow\n")
    write(page, "new", "here")
    write(page, "newer", "here")
    assert page.read_text() == "above\n<!-- here: begin -->\n\nnewer\n<!-- here: end -->\nbelow\n"
    with pytest.raises(ValueError, match="no place for the table"):
        write(page, "new", "there")
