"""What the process logs, and what it must never log."""

import json

import pytest
import structlog

from app.manners import logs


def test_a_logged_exception_tells_where_it_was_and_none_of_the_values_there(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.configure("info")
    token = "lb_this-is-somebodys-token"
    try:
        raise ValueError(f"a token of {len(token)} characters")
    except ValueError:
        structlog.get_logger("tests").exception("request.failed")
    finally:
        structlog.reset_defaults()
    line = capsys.readouterr().out
    assert token not in line
    said = json.loads(line)
    assert said["exception"][0]["exc_type"] == "ValueError"
    assert said["exception"][0]["frames"][-1]["name"].startswith("test_a_logged_exception")
