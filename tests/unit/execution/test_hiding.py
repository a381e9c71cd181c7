"""Secrets that a call has sent are not in what is told of its failure."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.execution.hiding import HIDDEN, WINDOW, unquoting

SCRIPT = "#!/bin/bash\nexport DB_PASSWORD='hunter2-hunter2-hunter2'\n"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "params",
    [
        {"UserData": SCRIPT},
        {"UserData": SCRIPT.encode()},
        {"UserData": encoded(SCRIPT)},
        {"LaunchTemplateData": {"UserData": encoded(SCRIPT)}},
        {"Parts": [{"SecretString": SCRIPT}]},
        {"MasterUserPassword": ["x", {"inner": SCRIPT}]},
    ],
)
@pytest.mark.parametrize(
    "quoted",
    [
        SCRIPT,
        SCRIPT[20:50],
        encoded(SCRIPT),
        encoded(SCRIPT)[8:60],
        repr(SCRIPT),
        repr(SCRIPT.encode()),
        f"x{SCRIPT!r}x",
    ],
)
def test_a_message_that_quotes_user_data_is_hidden(params: dict[str, Any], quoted: str) -> None:
    assert unquoting(f"The value {quoted} is not what we like.", params) == HIDDEN


def test_a_message_that_quotes_nothing_is_told() -> None:
    message = "You do not have 1 free instance of type m3.medium in zone us-east-1a."
    assert unquoting(message, {"UserData": SCRIPT, "ImageId": "ami-1", "Password": "", "Nothing": None}) == message
    assert unquoting("ami-0123456789abcdef0 is not there", {"ImageId": "ami-0123456789abcdef0"}).startswith("ami-")


def test_a_short_password_is_found_as_well() -> None:
    assert unquoting("hunter2 is too short", {"MasterUserPassword": "hunter2"}) == HIDDEN


@given(secret=st.text(min_size=WINDOW), before=st.text(), after=st.text())
def test_no_secret_is_told_whatever_it_is(secret: str, before: str, after: str) -> None:
    for quoted in (secret, encoded(secret)):
        assert unquoting(before + quoted + after, {"UserData": secret}) == HIDDEN
