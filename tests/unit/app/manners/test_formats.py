"""Which media type a client gets."""

import pytest

from app.errors import LandbridgeError
from app.manners.formats import chosen

OFFERED = ("application/json", "text/plain", "text/markdown")


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, "application/json"),
        ("", "application/json"),
        ("*/*", "application/json"),
        ("text/markdown", "text/markdown"),
        ("text/*", "text/plain"),
        ("text/html, TEXT/PLAIN;charset=utf-8", "text/plain"),
        ("application/json;q=0.2, text/markdown;q=0.8, */*;q=0.1", "text/markdown"),
        ("*/*, application/json;q=0", "text/plain"),
        ("text/markdown;q=nonsense, */*;q=0.1", "application/json"),
    ],
)
def test_a_client_gets_what_it_wants_most(accept: str | None, expected: str) -> None:
    assert chosen(accept, OFFERED) == expected


@pytest.mark.parametrize("accept", ["text/html", "application/json;q=0", "nonsense"])
def test_a_client_that_wants_nothing_we_have_is_told_what_we_have(accept: str) -> None:
    with pytest.raises(LandbridgeError, match="text/markdown") as refused:
        chosen(accept, OFFERED)
    assert refused.value.status == 406
