"""Children that we start are watched, reported with their log, and ended by pid."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from landbridge.processes import Child, ChildDied, free_port, tail


def child(code: str, log: Path) -> Child:
    return Child("clerk", [sys.executable, "-c", code], os.environ, log)


def test_a_child_that_dies_is_named_with_the_end_of_its_log(tmp_path: Path) -> None:
    clerk = child("import sys; print('out of ink', flush=True); sys.exit(3)", tmp_path / "log")
    with pytest.raises(ChildDied, match=r"(?s)clerk ended with exit code 3.*out of ink"):
        clerk.wait_until(lambda: False, seconds=20)


def test_a_child_is_waited_for_until_it_is_ready_and_then_ended(tmp_path: Path) -> None:
    log = tmp_path / "log"
    clerk = child("import signal; print('ready', flush=True); signal.pause()", log)
    clerk.wait_until(lambda: "ready" in tail(log), seconds=20)
    clerk.check()
    clerk.end()
    with pytest.raises(ProcessLookupError):
        os.kill(clerk.pid, 0)


def test_a_child_that_never_gets_ready_is_given_up(tmp_path: Path) -> None:
    clerk = child("import signal; signal.pause()", tmp_path / "log")
    try:
        with pytest.raises(ChildDied, match="clerk was not ready after 0 seconds"):
            clerk.wait_until(lambda: False, seconds=0.1)
    finally:
        clerk.end()


def test_ending_a_child_twice_is_quiet(tmp_path: Path) -> None:
    clerk = child("pass", tmp_path / "log")
    clerk.end()
    clerk.end()


def test_a_free_port_can_be_bound() -> None:
    with socket.create_server(("127.0.0.1", free_port())) as server:
        assert server.getsockname()[1]


def test_the_tail_of_a_missing_or_empty_log_says_so(tmp_path: Path) -> None:
    assert tail(tmp_path / "none") == "(no log)"
    (tmp_path / "empty").touch()
    assert tail(tmp_path / "empty") == "(empty log)"
