"""Refs, resources and the inventory as values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.planning.inventory import Inventory, Ref
from tests.unit.planning.toys import inventory, thing

words = st.text(min_size=1, max_size=8)


@given(kind=words.filter(lambda text: ":" not in text), id_=words)
def test_a_ref_survives_being_written_down(kind: str, id_: str) -> None:
    assert Ref.parse(str(Ref(kind, id_))) == Ref(kind, id_)


@pytest.mark.parametrize("text", ["", "instance", ":", "instance:", ":i-1"])
def test_what_is_no_ref_is_refused_with_how_to_write_one(text: str) -> None:
    with pytest.raises(ValueError, match="write kind:id"):
        Ref.parse(text)


def test_an_id_may_hold_colons() -> None:
    assert Ref.parse("dns_record:Z1:www:A") == Ref("dns_record", "Z1:www:A")


def test_an_inventory_is_in_order_of_ref_however_it_was_read() -> None:
    a, b, c = thing("b:1"), thing("a:2"), thing("a:10")

    assert inventory(a, b, c) == inventory(c, a, b)
    assert [str(resource.ref) for resource in inventory(a, b, c)] == ["a:10", "a:2", "b:1"]


def test_resources_are_found_by_ref_by_kind_and_by_what_they_refer_to() -> None:
    web = thing("instance:web", refers_to=["group:a"], tags={"app": "shop"})
    group = thing("group:a")
    account = inventory(web, group)

    assert account.get(web.ref) is web
    assert account.get(Ref("instance", "none")) is None
    assert web.ref in account
    assert Ref("instance", "none") not in account
    assert list(account.of("instance")) == [web]
    assert list(account.of("nothing")) == []
    assert list(account.referring_to(group.ref)) == [web]
    assert list(account.referring_to(web.ref)) == []
    assert (web.tags, group.tags) == ({"app": "shop"}, {})


def test_an_empty_account_is_an_inventory_too() -> None:
    assert list(Inventory("us-east-1", ())) == []
