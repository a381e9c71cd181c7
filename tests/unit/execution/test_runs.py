"""What a step is handed: filled promises, a token that survives crashes, tags that say whose it is."""

from collections.abc import Mapping
from typing import Any

import pytest

from app.execution.runs import RunFactory, fill, token_of
from app.execution.step import Run
from app.planning.plan import promise
from sandbox.world import World
from tests.kit.virtual_time import WorldClock, run
from tests.unit.execution.toys import ToyCloud, toy

RESULTS: Mapping[str, Mapping[str, Any]] = {
    "vpc.create/vpc:new": {"counterpart": "vpc-1", "subnets": {"us-east-1a": "subnet-1"}, "none": None},
}


@pytest.mark.parametrize(
    ("value", "filled"),
    [
        (promise("vpc.create/vpc:new"), "vpc-1"),
        (promise("vpc.create/vpc:new", "subnets.us-east-1a"), "subnet-1"),
        (promise("vpc.create/vpc:new", "subnets"), {"us-east-1a": "subnet-1"}),
        (promise("vpc.create/vpc:new", "subnets.us-east-1z"), None),
        (promise("vpc.create/vpc:new", "counterpart.deeper"), None),
        (promise("vpc.create/vpc:new", "none.deeper"), None),
        (promise("nobody/x:1"), None),
        ({"a": [{"b": promise("vpc.create/vpc:new")}, 1], "c": True}, {"a": [{"b": "vpc-1"}, 1], "c": True}),
        (("x", promise("vpc.create/vpc:new")), ["x", "vpc-1"]),
        ("text", "text"),
        (None, None),
    ],
)
def test_promises_are_filled_wherever_they_are(value: Any, filled: Any) -> None:
    assert fill(value, RESULTS.get) == filled


def test_a_token_is_the_same_for_the_same_try_and_another_for_any_other() -> None:
    tokens = {
        token_of("job_1", "a/b:1", 1),
        token_of("job_2", "a/b:1", 1),
        token_of("job_1", "a/b:2", 1),
        token_of("job_1", "a/b:1", 2),
    }

    assert len(tokens) == 4
    assert token_of("job_1", "a/b:1", 1) in tokens
    assert {len(token) for token in tokens} == {64}
    assert all(token.isascii() for token in tokens)


class Made:
    """A factory, and how long it was asked to wait."""

    def __init__(self) -> None:
        self.world = World()
        self.waited = 0
        self.factory = RunFactory("job_1", ToyCloud(WorldClock(self.world)), self._wait, self._consistency, RESULTS.get)

    async def _wait(self, *_: object) -> Mapping[str, Any]:
        return {}

    async def _consistency(self) -> None:
        self.waited += 1

    def run(self, *, recovering: bool = False, **params: Any) -> Run:
        return self.factory.make(toy("a", **params), 2, recovering=recovering)


def test_a_run_says_whose_it_is() -> None:
    made = Made().run()

    assert (str(made.subject), made.attempt, made.token) == ("toy:a", 2, token_of("job_1", "toy.make/toy:a", 2))
    assert made.tag_list == [
        {"Key": "landbridge:job", "Value": "job_1"},
        {"Key": "landbridge:step", "Value": "toy.make/toy:a"},
        {"Key": "landbridge:source", "Value": "toy:a"},
    ]
    assert made.owns(made.tag_list)
    assert not made.owns(made.tag_list[:1])
    assert not made.owns(None)
    assert made.mine[0] == {"Name": "tag:landbridge:job", "Values": ["job_1"]}


def test_the_sources_own_tags_go_along_and_never_replace_ours() -> None:
    (both, other) = Made().run().tag_specifications("instance", "volume", extra={"app": "shop", "landbridge:job": "no"})

    assert (both["ResourceType"], other["ResourceType"]) == ("instance", "volume")
    assert {"Key": "app", "Value": "shop"} in both["Tags"]
    assert [tag["Value"] for tag in both["Tags"] if tag["Key"] == "landbridge:job"] == ["job_1"]


@pytest.mark.parametrize(
    ("recovering", "params", "fresh"),
    [(False, {}, False), (True, {}, True), (False, {"Of": promise("vpc.create/vpc:new")}, True)],
)
def test_what_the_job_made_itself_may_not_be_visible_yet(recovering: bool, params: dict[str, Any], fresh: bool) -> None:
    assert Made().run(recovering=recovering, **params).fresh is fresh


@pytest.mark.parametrize(("recovering", "waits"), [(False, 0), (True, 1)])
def test_only_a_recovering_run_waits_for_consistency(recovering: bool, waits: int) -> None:
    made = Made()

    run(made.world, made.run(recovering=recovering).consistency())  # type: ignore[arg-type]

    assert made.waited == waits
