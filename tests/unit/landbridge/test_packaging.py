"""What the image and the compose file start exists, and the lock they install is whole."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from landbridge.cli import cli

ROOT = Path(__file__).parents[3]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
OURS = ["migrate", "api", "worker"]


def docker_lines(word: str) -> list[str]:
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    return [line.removeprefix(word).strip() for line in text.splitlines() if line.startswith(f"{word} ")]


@pytest.mark.parametrize("service", OURS)
def test_every_command_of_compose_is_one_of_the_console(service: str) -> None:
    answer = CliRunner().invoke(cli, [*COMPOSE["services"][service]["command"], "--help"])
    assert answer.exit_code == 0, answer.output


def test_compose_has_a_health_check_for_every_service_others_wait_for() -> None:
    for service in COMPOSE["services"].values():
        for name, wait in service.get("depends_on", {}).items():
            if wait["condition"] == "service_healthy":
                assert "healthcheck" in COMPOSE["services"][name]


def test_nothing_starts_before_the_tables_are_made() -> None:
    for name in ("api", "worker"):
        wait = COMPOSE["services"][name]["depends_on"]["migrate"]
        assert wait == {"condition": "service_completed_successfully"}


def test_all_our_services_are_one_image_and_read_the_same_settings() -> None:
    assert len({COMPOSE["services"][name]["image"] for name in OURS}) == 1
    environments = [COMPOSE["services"][name]["environment"] for name in OURS]
    assert environments[0] == environments[1] == environments[2]
    assert {"LANDBRIDGE_DATABASE_URL", "LANDBRIDGE_REDIS_URL"} <= set(environments[0])


def test_the_image_runs_as_an_ordinary_user_and_holds_no_sandbox() -> None:
    assert docker_lines("USER") == ["landbridge"]
    assert not any("sandbox" in line for line in docker_lines("COPY"))


def test_what_the_image_copies_exists_and_is_not_ignored() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for line in docker_lines("COPY"):
        if line.startswith("--from"):
            continue
        for source in line.split()[:-1]:
            assert (ROOT / source).exists(), source
            assert source.split("/")[0] in kept, source


def pinned(lock: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9._-]+)(?:\[[^]]*\])?==(\S+)", (ROOT / lock).read_text(), re.MULTILINE))


def test_what_is_shipped_is_what_is_tested() -> None:
    tested = pinned("requirements/dev.txt")
    shipped = pinned("requirements/runtime.txt")
    assert shipped
    assert shipped.items() <= tested.items()


@pytest.mark.parametrize("lock", ["requirements/dev.txt", "requirements/runtime.txt"])
def test_every_locked_requirement_has_a_hash_and_no_index(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert "://" not in text
    assert "--index" not in text
    for block in re.split(r"\n(?=[a-z0-9])", text.replace("\\\n", " ")):
        if "==" in block:
            assert "--hash=sha256:" in block, block


def test_every_declared_requirement_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    locked = pinned("requirements/runtime.txt")
    for requirement in project["dependencies"]:
        name = re.split(r"[^A-Za-z0-9._-]", requirement)[0].lower()
        assert name in locked, name
