"""ETags: strong for changes, weak enough for reads."""

import pytest

from app.errors import PreconditionFailed, PreconditionRequired
from app.manners.etags import check_match, etag, is_current

CURRENT = etag("plan_1", 2)


def test_tags_differ_by_every_part() -> None:
    tags = {etag("plan_1", 2), etag("plan_1", 3), etag("plan_2", 2), etag("plan_1", 2, "text/plain")}
    assert len(tags) == 4
    assert all(tag.startswith('"') and tag.endswith('"') for tag in tags)


@pytest.mark.parametrize("header", [CURRENT, f"W/{CURRENT}", f'"other", {CURRENT}', "*"])
def test_a_reader_has_the_newest_version(header: str) -> None:
    assert is_current(header, CURRENT)


@pytest.mark.parametrize("header", [None, "", '"other"'])
def test_a_reader_lacks_the_newest_version(header: str | None) -> None:
    assert not is_current(header, CURRENT)


@pytest.mark.parametrize("header", [CURRENT, f'"other", {CURRENT}', "*"])
def test_a_change_to_the_newest_version_passes(header: str) -> None:
    check_match(header, CURRENT, required=True)


@pytest.mark.parametrize("header", ['"other"', f"W/{CURRENT}", ""])
def test_a_change_to_another_version_is_refused(header: str) -> None:
    with pytest.raises(PreconditionFailed):
        check_match(header, CURRENT, required=True)


def test_a_change_without_a_version_is_refused_where_one_is_required() -> None:
    check_match(None, CURRENT, required=False)
    with pytest.raises(PreconditionRequired):
        check_match(None, CURRENT, required=True)
