"""Pages of numbered things."""

import pytest

from app.errors import BadRequest
from app.manners.pages import Window
from app.manners.positions import cut, position


def window(after: str | None, limit: int = 2) -> Window:
    return Window(limit=limit, after=after, filters=(), path="/v1/things")


def test_a_page_goes_on_where_the_one_before_ended() -> None:
    page, cursor = cut(window(None), [(1, "a"), (2, "b"), (3, "c")])
    assert page == ["a", "b"]
    assert cursor == window(None).cursor("2")
    assert position(window("2")) == 2
    assert cut(window("2"), [(3, "c")]) == (["c"], None)


@pytest.mark.parametrize("after", ["", "x", "-1", "1.5", "²", "99999999999"])
def test_a_cursor_without_a_number_is_refused(after: str) -> None:
    with pytest.raises(BadRequest):
        position(window(after))
