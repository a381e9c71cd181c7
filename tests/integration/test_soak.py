"""The long run, short: some seconds of jobs under a few faults, and the table it ends with."""

from pathlib import Path

import pytest

from tests.soak.ledger import INVARIANTS, percentile, table, write
from tests.soak.running import Options, replay, run, schedules
from tests.soak.scripts import scripts


def test_a_few_jobs_come_through_a_few_faults_and_every_check_is_told() -> None:
    said: list[str] = []
    outcome = run(Options(seed="7", minutes=0.3, lanes=1, crew=3, every=6.0, servers_every=6.0, lease=3.0), said.append)
    text = table(outcome.ledger, outcome.takeovers, 3.0)
    assert outcome.good, text
    assert outcome.ledger.jobs.total() >= 1
    assert outcome.ledger.faults.total() >= 1
    assert "SOAK_SEED=7" in text
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


def test_a_run_is_repeated_with_the_rates_of_both_hands() -> None:
    options = Options(seed="7", minutes=60, every=1.5, servers_every=2.5)
    assert "--every 1.5 --servers-every 2.5" in replay(options)


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
