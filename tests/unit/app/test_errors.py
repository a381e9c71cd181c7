"""The list of problem codes is closed and documented."""

import re
from pathlib import Path

from app.errors import MEANINGS, Code, LandbridgeError

DOCUMENT = Path(__file__).parents[3] / "docs" / "errors.md"
ROW = re.compile(r"^\| `(?P<code>[a-z_]+)` \| (?P<status>\d{3}) \| (?P<title>[^|]+) \| (?P<help>[^|]+) \|$", re.M)


def test_every_code_has_a_meaning() -> None:
    assert set(MEANINGS) == set(Code)


def test_the_document_lists_every_code_as_the_code_has_it() -> None:
    rows = {m["code"]: (int(m["status"]), m["title"], m["help"]) for m in ROW.finditer(DOCUMENT.read_text())}
    assert rows == {code.value: (m.status, m.title, m.help) for code, m in MEANINGS.items()}


def test_every_kind_of_error_has_a_code_of_its_own() -> None:
    defaults = [kind.default for kind in LandbridgeError.__subclasses__()]
    assert len(set(defaults)) == len(defaults)
