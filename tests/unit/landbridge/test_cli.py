"""The console script: its commands, and what it refuses."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from importlib.metadata import version

import pytest
import typer
from typer.testing import CliRunner

from landbridge.cli import cli, read_lifetime


def test_the_version_is_the_installed_one() -> None:
    assert CliRunner().invoke(cli, ["--version"]).stdout.strip() == version("landbridge")


@pytest.mark.parametrize("command", ["serve", "worker", "dev", "demo", "db", "token", "openapi"])
def test_every_command_has_help(command: str) -> None:
    answer = CliRunner().invoke(cli, [command, "--help"])
    assert answer.exit_code == 0


@pytest.mark.parametrize(
    ("text", "lifetime"),
    [("30m", timedelta(minutes=30)), ("12h", timedelta(hours=12)), ("90d", timedelta(days=90))],
)
def test_a_lifetime_is_read(text: str, lifetime: timedelta) -> None:
    assert read_lifetime(text) == lifetime


@pytest.mark.parametrize("text", ["", "0d", "-1h", "1w", "d", "1h30m"])
def test_what_is_no_lifetime_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="write 30m, 12h or 90d"):
        read_lifetime(text)


def test_the_console_loads_no_sandbox_and_no_server_before_it_is_asked_to() -> None:
    code = (
        "import sys, landbridge.cli; "
        "print(sorted({'sandbox', 'moto', 'uvicorn', 'workers'} & {m.split('.')[0] for m in sys.modules}))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
