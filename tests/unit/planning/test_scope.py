"""What moves: what was asked for, what has to come along, and what is told about the rest."""

import pytest

from app.planning.context import NEW_VPC, Request, Target
from app.planning.inventory import Ref
from app.planning.scope import ScopeError, choose, left_behind, with_target
from tests.unit.planning.toys import ToyKind, ToyStep, inventory, thing

GROUPED = ToyStep("group.create", "prepare", lambda resource, ctx: None)
KINDS = {
    "instance": ToyKind("instance", [GROUPED]),
    "group": ToyKind("group", [GROUPED], comes_along=True),
    "volume": ToyKind("volume", []),
}
WEB = thing("instance:web", refers_to=["group:a"], tags={"app": "shop", "role": "web"})
JOBS = thing("instance:jobs", refers_to=["instance:web", "volume:v"], tags={"app": "shop"})
MOVED = thing("instance:moved", platform="vpc", tags={"app": "shop"})
DARK = thing("instance:dark", platform="unknown")
ACCOUNT = inventory(
    WEB, JOBS, MOVED, DARK, thing("group:a", refers_to=["group:b"]), thing("group:b", refers_to=["group:a"]),
    thing("group:c", platform="vpc"), thing("volume:v"),
)  # fmt: skip


def chosen(refs: tuple[str, ...] | None = None, tags: dict[str, str] | None = None) -> list[str]:
    found = choose(ACCOUNT, Request("incremental", Target("vpc-1"), refs, tags), KINDS)
    return sorted(map(str, found))


def test_nothing_said_means_everything_classic_that_can_move() -> None:
    assert chosen() == ["group:a", "group:b", "instance:jobs", "instance:web"]


def test_groups_come_along_with_those_who_refer_to_them_and_with_each_other() -> None:
    assert chosen(("instance:web",)) == ["group:a", "group:b", "instance:web"]


def test_an_instance_does_not_come_along_because_another_refers_to_it() -> None:
    assert chosen(("instance:jobs",)) == ["instance:jobs"]


@pytest.mark.parametrize(
    ("tags", "instances"),
    [({"app": "shop"}, ["instance:jobs", "instance:web"]), ({"app": "shop", "role": "web"}, ["instance:web"])],
)
def test_tags_choose_what_has_them_all(tags: dict[str, str], instances: list[str]) -> None:
    assert [ref for ref in chosen(tags=tags) if ref.startswith("instance")] == instances


def test_refs_and_tags_add_up() -> None:
    assert chosen(("instance:jobs",), {"role": "web"}) == ["group:a", "group:b", "instance:jobs", "instance:web"]


def test_an_empty_choice_moves_nothing() -> None:
    assert chosen(()) == []


@pytest.mark.parametrize(
    ("refs", "offending"),
    [
        (("instance:web", "instance:none"), ("instance:none",)),
        (("instance:moved",), ("instance:moved",)),
        (("instance:dark",), ("instance:dark",)),
        (("volume:v",), ("volume:v",)),
    ],
    ids=["unknown", "in the VPC already", "of unknown platform", "of a kind without counterpart"],
)
def test_what_cannot_move_is_refused_by_name(refs: tuple[str, ...], offending: tuple[str, ...]) -> None:
    with pytest.raises(ScopeError) as caught:
        chosen(refs)
    assert caught.value.refs == offending


def test_what_the_scope_refers_to_and_leaves_is_told() -> None:
    scope = frozenset({Ref("instance", "jobs")})

    (finding,) = left_behind(ACCOUNT, scope, KINDS)

    assert (finding.level, finding.code, finding.subject) == ("warning", "stays_in_classic", "instance:web")
    assert "Add it to the scope" in finding.message
    (group,) = left_behind(ACCOUNT, scope | {Ref("instance", "web"), Ref("group", "a")}, KINDS)
    assert group.subject == "group:b"


def test_a_vpc_that_is_still_to_be_made_is_in_the_inventory_of_its_plan() -> None:
    asked = Request("incremental", Target(create_cidr="10.0.0.0/16"))

    made = with_target(ACCOUNT, asked).get(NEW_VPC)

    assert made is not None
    assert made.facts == {"cidr": "10.0.0.0/16", "to_create": True}
    assert with_target(ACCOUNT, Request("incremental", Target("vpc-1"))) is ACCOUNT
