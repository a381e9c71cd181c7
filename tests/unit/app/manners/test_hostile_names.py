"""Whatever a name is, Markdown shows just it: read by a parser of its own, as a chat or a browser would."""

import io
import json
from datetime import UTC, datetime

import structlog
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.console import Console

from app.jobs.models import JobEvent
from app.jobs.stream import message
from app.manners import logs
from app.manners.markdown import code, escaped, plain, some
from landbridge.demo_view import View
from tests.kit.hostile import ANY, texts, unseen

READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def inline(markdown: str) -> list[tuple[str, str]]:
    """What a line is made of, neighbouring pieces of text as one."""
    found: list[tuple[str, str]] = []
    [token] = READER.parseInline(markdown)
    for child in token.children or ():
        sort = "text" if child.type in ("text", "text_special") else child.type
        if found and found[-1][0] == sort == "text":
            found[-1] = ("text", found[-1][1] + child.content)
        elif child.content or sort != "text":
            found.append((sort, child.content))
    return found


@given(texts)
def test_a_name_in_markdown_is_text_and_nothing_but_text(name: str) -> None:
    assert inline(f"x{escaped(name)}x") == [("text", f"x{plain(name)}x")]
    assert unseen(escaped(name)) == []


@given(texts, texts)
def test_a_name_in_code_is_the_whole_of_that_code(name: str, other: str) -> None:
    found = inline(f"x{code(name)}, {code(other)}x")
    assert [sort for sort, _ in found] == ["text", "code_inline", "text", "code_inline", "text"]
    assert [content for sort, content in found if sort == "code_inline"] == [plain(name) or " ", plain(other) or " "]


@given(st.lists(texts, min_size=1, max_size=5))
def test_a_list_of_names_is_as_many_pieces_of_code(names: list[str]) -> None:
    assert [sort for sort, _ in inline(some(names))].count("code_inline") == min(len(names), 3)


@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=4))
def test_a_table_of_names_has_its_rows_and_columns(pairs: list[tuple[str, str]]) -> None:
    lines = ["| A | B |", "|---|---|", *(f"| {escaped(one)} | {escaped(other)} |" for one, other in pairs)]
    tokens = READER.parse("\n".join(lines) + "\n")
    assert {token.type for token in tokens if token.level == 0} == {"table_open", "table_close"}
    cells = [token.content for token, before in zip(tokens[1:], tokens, strict=False) if before.type == "td_open"]
    assert len(cells) == 2 * len(pairs)


@given(texts)
def test_what_is_printed_moves_no_cursor_and_marks_nothing_up(name: str) -> None:
    assert unseen(plain(name)) == []
    assert "\n" not in plain(name)
    out = io.StringIO()
    view = View(Console(file=out, force_terminal=True, width=10_000, color_system=None))
    view.say(name.replace("\n", " "))
    assert unseen(out.getvalue()) == []


def test_what_is_not_seen_is_made_a_space_and_what_is_seen_stays() -> None:
    assert plain("invoice\u202egpj.exe") == "invoice gpj.exe"
    assert plain("a\x1b[2J\x00b\x9bc") == "a [2J b c"
    for name in ("häuser", "はい", "👩\u200d🚒", "میخواهم", "שלום", "a b", "\U0001f600"):
        assert plain(name) == name
    assert plain("\ud800\ufffe") == " "


@given(st.dictionaries(texts, texts, max_size=3))
def test_an_event_in_the_stream_is_three_lines_for_every_client(data: dict[str, str]) -> None:
    row = JobEvent(job_id="job_1", seq=7, type="step.failed", data=data, at=datetime.now(UTC))
    sent = message(row)
    assert sent.isascii()
    first, second, third, blank = sent.splitlines()
    assert (first, second, blank) == ("id: 7", "event: step.failed", "")
    assert sent.endswith("\n\n")
    assert json.loads(third.removeprefix("data: "))["data"] == data


def test_a_name_in_the_log_is_one_line_of_json() -> None:
    logs.configure("info")
    try:
        with_names = io.StringIO()
        logger = structlog.wrap_logger(
            structlog.PrintLogger(with_names), processors=structlog.get_config()["processors"]
        )
        for name in ANY:
            logger.info("tests.named", name=name, **{name.replace("event", "e"): name})
    finally:
        structlog.reset_defaults()
    lines = with_names.getvalue().splitlines()
    assert with_names.getvalue().isascii()
    assert not set(with_names.getvalue()) & {chr(code) for code in (*range(10), *range(11, 32), 127)}
    assert [json.loads(line)["name"] for line in lines] == ANY
    assert [json.loads(line)["event"] for line in lines] == ["tests.named"] * len(ANY)
