"""Flows: values with lasting ids, each once, with somebody at both ends."""

import pytest

from app.planning.flows import derive, make_flow, members, serving
from app.planning.inventory import Ref
from tests.unit.planning.toys import ToyKind, inventory, thing

A, B, C = Ref("instance", "a"), Ref("instance", "b"), Ref("instance", "c")


def test_a_flow_keeps_its_id_as_members_come_and_go() -> None:
    assert make_flow("sg-1", [A], [B]).id == make_flow("sg-1", [A, C], [B]).id


@pytest.mark.parametrize(
    "other",
    [make_flow("sg-2", [A], [B]), make_flow("sg-1", [A], [B], "udp"), make_flow("sg-1", [A], [B], ports=(80, 80))],
    ids=["another rule", "another protocol", "another port"],
)
def test_another_rule_is_another_flow(other: object) -> None:
    assert make_flow("sg-1", [A], [B]).id != other.id  # type: ignore[attr-defined]


def test_members_are_listed_once_and_in_order() -> None:
    found = make_flow("sg-1", [C, A, C], [B, B])

    assert (found.sources, found.targets) == (("instance:a", "instance:c"), ("instance:b",))


def test_flows_come_in_order_of_id_each_once_and_only_with_somebody_at_both_ends() -> None:
    class Doubting(ToyKind):
        def flows(self, resource: object, inventory: object) -> list[object]:  # type: ignore[override]
            lonely = make_flow("lonely", [], [A])
            return [make_flow("same", [A], [B]), make_flow("other", [B], [A]), lonely]

    account = inventory(thing("instance:a"), thing("instance:b"), thing("stranger:x"))

    found = derive(account, {"instance": Doubting("instance", [])})  # type: ignore[dict-item]

    assert [flow.id for flow in found] == sorted(flow.id for flow in found)
    assert {flow.rule for flow in found} == {"same", "other"}


def test_members_of_a_group_are_those_of_the_kind_that_refer_to_it() -> None:
    group = Ref("security_group", "sg-1")
    account = inventory(
        thing("instance:a", refers_to=["security_group:sg-1"]),
        thing("instance:b", refers_to=["security_group:sg-2"]),
        thing("rds_instance:main", refers_to=["security_group:sg-1"]),
    )

    assert members(account, group) == [A]
    assert members(account, group, "rds_instance") == [Ref("rds_instance", "main")]


def test_whoever_holds_members_of_a_group_stands_for_them_and_is_there_without_any() -> None:
    group = Ref("security_group", "sg-1")
    holder = Ref("fleet", "web")
    held = thing("instance:a", held_by=str(holder), refers_to=[str(group)])
    loose = thing("instance:b", held_by="fleet:unknown", refers_to=[str(group)])
    fleet = thing(str(holder), holds="instance", refers_to=[str(group)])

    assert members(inventory(held, loose, fleet), group) == [holder, B]
    assert members(inventory(fleet), group) == [holder]
    assert members(inventory(held), group) == [A]


@pytest.mark.parametrize(
    ("facts", "is_serving"),
    [({}, True), ({"state": "running"}, True), ({"state": "available"}, True), ({"state": "stopped"}, False)],
)
def test_what_has_no_state_counts_as_in_service(facts: dict[str, str], is_serving: bool) -> None:
    assert serving(facts) is is_serving
