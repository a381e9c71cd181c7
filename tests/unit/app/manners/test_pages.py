"""Cursors: opaque, and good only for the list they came from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import BadRequest, Code
from app.manners.pages import Window, unpack

FILTERS = st.lists(st.tuples(st.text(), st.text()), max_size=3).map(tuple)


def window(filters: tuple[tuple[str, str], ...]) -> Window:
    return Window(limit=10, after=None, filters=filters, path="/v1/things")


@given(st.text(), FILTERS)
def test_a_cursor_leads_back_to_its_key(key: str, filters: tuple[tuple[str, str], ...]) -> None:
    assert unpack(window(filters).cursor(key), "/v1/things", filters) == key


@given(st.text())
def test_whatever_is_not_a_cursor_is_refused_as_one(text: str) -> None:
    with pytest.raises(BadRequest) as refused:
        unpack(text, "/v1/things", ())
    assert refused.value.code is Code.INVALID_CURSOR


def test_a_cursor_is_refused_with_other_filters() -> None:
    cursor = window((("kind", "instance"),)).cursor("a")
    with pytest.raises(BadRequest, match="other filters"):
        unpack(cursor, "/v1/things", (("kind", "vpc"),))


def test_a_cursor_is_refused_by_another_list() -> None:
    with pytest.raises(BadRequest, match="another list"):
        unpack(window(()).cursor("a"), "/v1/others", ())


def test_the_link_repeats_the_filters() -> None:
    link = window((("q", "a b"),)).link("CURSOR")
    assert link == '</v1/things?q=a+b&limit=10&cursor=CURSOR>; rel="next"'
