"""`landbridge dev` says once where all is, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import psutil
import pytest


@pytest.fixture
def dev(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    command = [
        sys.executable, "-m", "landbridge", "dev", "--api-port", "0", "--aws-port", "0",
        "--scenario", "none", "--log-dir", str(tmp_path),
    ]  # fmt: skip
    # Its own servers, whatever the other tests use: it must end what it started.
    environ = {name: value for name, value in os.environ.items() if not name.startswith("LANDBRIDGE_")}
    process = subprocess.Popen(
        command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


def announcement(process: subprocess.Popen[str]) -> dict[str, str]:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.stderr.read() if process.stderr else ""
    answer: dict[str, str] = json.loads(line)
    return answer


def test_dev_prints_one_line_serves_the_api_and_ends_all_it_started(dev: subprocess.Popen[str]) -> None:
    said = announcement(dev)
    assert set(said) == {"api", "aws", "token"}
    headers = {"Authorization": f"Bearer {said['token']}"}
    with httpx2.Client(base_url=said["api"], headers=headers, trust_env=False) as client:
        assert client.get("/readyz").status_code == httpx2.codes.OK
        assert client.get("/v1/accounts").json()["items"] == []
    children = psutil.Process(dev.pid).children(recursive=True)
    assert len(children) >= 4  # PostgreSQL, the sandbox, the API and a worker
    dev.send_signal(signal.SIGTERM)
    rest, _ = dev.communicate(timeout=60)
    assert dev.returncode == 0
    assert rest == ""
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []


def test_dev_says_which_process_died_and_shows_its_log(dev: subprocess.Popen[str]) -> None:
    announcement(dev)
    worker = next(child for child in psutil.Process(dev.pid).children() if "worker" in child.cmdline())
    os.kill(worker.pid, signal.SIGKILL)
    _, words = dev.communicate(timeout=60)
    assert dev.returncode == 1
    assert "worker ended with exit code -9" in words
