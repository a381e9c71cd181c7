"""`landbridge demo`, as a newcomer runs it: both ways, in well under two minutes, with a report to show for it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SECONDS = 110
WIDTH = 100


@pytest.mark.parametrize(
    ("strategy", "scenario", "told"),
    [
        ("incremental", "shop", "web-1"),
        pytest.param("all_at_once", "shop", "web-1", marks=pytest.mark.soak),
        pytest.param("incremental", "elastic_shop", "How the groups moved", marks=pytest.mark.soak),
        pytest.param("all_at_once", "elastic_shop", "How the groups moved", marks=pytest.mark.soak),
    ],
)
def test_the_demo_moves_the_shop_and_reports_what_it_promised(strategy: str, scenario: str, told: str) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("LANDBRIDGE_")}
    command = [sys.executable, "-m", "landbridge", "demo", "--strategy", strategy, "--scenario", scenario]
    answer = subprocess.run(
        command, env=environ, capture_output=True, text=True, timeout=SECONDS, check=False, start_new_session=True
    )
    said = answer.stdout
    assert answer.returncode == 0, said + answer.stderr
    for part in ("Discovering", "Planning", "Approved", "Executing", "What moved", "The application lives in the VPC"):
        assert part in said
    assert "succeeded" in said
    assert told in said
    lines = [line for line in said.splitlines() if "logs:" not in line and "doorbell:" not in line]
    assert max(map(len, lines)) <= WIDTH
