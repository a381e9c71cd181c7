"""What others named stays text in Markdown."""

import pytest

from app.manners.markdown import code, escaped, some, span


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("web-1", "web-1"),
        ("a|b", r"a\|b"),
        ("<script>", r"\<script\>"),
        ("[x](http://y)", r"\[x\]\(http\://y\)"),
        ("*now* _then_ `x`", r"\*now\* \_then\_ \`x\`"),
        ("@here :smile: www.x", r"\@here \:smile: www\.x"),
        ("a\nb\r\n# c", r"a b \# c"),
        ("abc\u202egpj.exe", "abc gpj.exe"),
    ],
)
def test_nothing_begins_inside_a_name(text: str, expected: str) -> None:
    assert escaped(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("a", "`a`"), ("a`b", "`` a`b ``"), ("``", "``` `` ```"), ("a\nb", "`a b`")]
)
def test_code_does_not_end_before_its_end(text: str, expected: str) -> None:
    assert code(text) == expected


def test_a_long_list_is_cut() -> None:
    assert some(["a", "b", "c"]) == "`a`, `b`, `c`"
    assert some(["a", "b", "c", "d"]) == "`a`, `b`, `c` and 1 more"


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7199, "120 min"), (9000, "2.5 h")]
)
def test_seconds_are_said_as_people_say_them(seconds: float, expected: str) -> None:
    assert span(seconds) == expected
