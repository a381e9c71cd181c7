"""A worker that dies before or after any changing call, forward and back: one twin, and no orphan."""

from collections.abc import AsyncIterator
from contextlib import suppress
from functools import cache
from typing import Any, Literal

import pytest

from app.cloud import Cloud, UnknownOutcome
from app.execution.journal import MemoryJournal
from app.execution.pacing import is_read
from app.planning.context import Target
from tests.scenarios.classic_account import (
    ClassicAccount,
    advance,
    errors,
    result,
    retreat,
    without_volatile,
)

NEW = Target(create_cidr="172.20.0.0/16")
How = Literal["before", "after", "lost"]


class Died(Exception):
    """The worker is gone."""


class Dying:
    """Passes calls on until the `nth` changing one: dies before it or after it, or loses its answer."""

    def __init__(self, cloud: Cloud, nth: int, how: How) -> None:
        self._cloud = cloud
        self._nth = nth
        self._how = how
        self.changes = 0

    @property
    def region(self) -> str:
        return self._cloud.region

    async def call(self, operation: str, /, **params: Any) -> dict[str, Any]:
        if is_read(operation):
            return await self._cloud.call(operation, **params)
        self.changes += 1
        mine = self.changes == self._nth
        if mine and self._how == "before":
            raise Died
        answer = await self._cloud.call(operation, **params)
        if mine and self._how == "after":
            raise Died
        if mine:
            raise UnknownOutcome(operation, "ConnectionClosed", "the answer was lost")
        return answer

    def pages(self, operation: str, /, **params: Any) -> AsyncIterator[dict[str, Any]]:
        return self._cloud.pages(operation, **params)


class AtLaunch(Dying):
    """Dies at the launch of the twin alone."""

    async def call(self, operation: str, /, **params: Any) -> dict[str, Any]:
        if operation != "ec2.run_instances":
            return await self._cloud.call(operation, **params)
        return await super().call(operation, **params)


class Scene:
    """One instance with all that can go wrong: an address, a link, a large disk that stays, protection."""

    def __init__(self) -> None:
        self.account = ClassicAccount()
        extra = {"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 60, "DeleteOnTermination": False}}
        self.source = self.account.launch(
            DisableApiTermination=True, InstanceInitiatedShutdownBehavior="terminate", BlockDeviceMappings=[extra]
        )
        self.public_ip = self.account.address(self.source)
        self.account.bench.past_the_wire().unguarded()
        self.before = self.account.bench.discover()
        self.plan = self.account.bench.plan(NEW, inventory=self.before)
        self.journal = MemoryJournal()
        # What is made now is not seen at once.
        self.account.bench.world.hide_created_for = 20.0

    def cloud(self, nth: int = 0, how: How = "before") -> Dying:
        return Dying(self.account.bench.cloud, nth, how)

    def settle(self) -> None:
        self.account.bench.world.clock.advance(400)


@cache
def changes() -> tuple[int, int]:
    """How many changing calls there are on the way forward and on the way back."""
    scene = Scene()
    forward, back = scene.cloud(), scene.cloud()
    assert advance(scene.account, scene.plan, scene.journal, forward) == "succeeded", errors(scene.journal)
    assert retreat(scene.account, scene.plan, scene.journal, back) == "undone", errors(scene.journal)
    return forward.changes, back.changes


def _seams(count: int, how: How) -> range:
    """Every third call, each way of dying at its own third: a seam is the same place for all of them."""
    return range(1 + ("before", "after", "lost").index(how), count + 1, 3)


@pytest.mark.parametrize("how", ["before", "after", "lost"])
def test_forward_ends_with_one_twin_and_undo_leaves_nothing(how: How) -> None:
    for nth in _seams(changes()[0], how):
        scene = Scene()
        cloud = scene.cloud(nth, how)
        try:
            outcome = advance(scene.account, scene.plan, scene.journal, cloud)
        except Died:
            outcome = advance(scene.account, scene.plan, scene.journal)
        assert outcome == "succeeded", (nth, errors(scene.journal))
        scene.settle()
        twin = result(scene.journal, "instance.launch", f"instance:{scene.source}")["counterpart"]
        image = result(scene.journal, "instance.image", f"instance:{scene.source}")
        early = result(scene.journal, "instance.presnapshot", f"instance:{scene.source}")
        assert scene.account.alive() == {scene.source, twin}, nth
        kept = {image["image_id"], *image["snapshot_ids"], *early["snapshot_ids"]}
        assert set(scene.account.left_over()) == kept, nth
        assert scene.account.elastic_ip(scene.public_ip)["InstanceId"] == twin, nth
        _undone(scene, nth)


@pytest.mark.parametrize("how", ["after", "lost"])
def test_a_launch_whose_answer_nobody_heard_makes_one_twin(how: How) -> None:
    scene = Scene()
    with suppress(Died):
        advance(scene.account, scene.plan, scene.journal, AtLaunch(scene.account.bench.cloud, 1, how))
    assert advance(scene.account, scene.plan, scene.journal) == "succeeded", errors(scene.journal)
    scene.settle()
    twin = result(scene.journal, "instance.launch", f"instance:{scene.source}")["counterpart"]
    assert scene.account.alive() == {scene.source, twin}


@pytest.mark.parametrize("how", ["before", "after", "lost"])
def test_undo_that_dies_is_taken_up_again(how: How) -> None:
    for nth in _seams(changes()[1], how):
        scene = Scene()
        advance(scene.account, scene.plan, scene.journal)
        try:
            outcome = retreat(scene.account, scene.plan, scene.journal, scene.cloud(nth, how))
        except Died:
            outcome = retreat(scene.account, scene.plan, scene.journal)
        assert outcome == "undone", (nth, errors(scene.journal))
        _as_before(scene, nth)


@pytest.mark.parametrize("how", ["before", "after"])
def test_undo_of_a_job_that_died_on_its_way_leaves_nothing(how: How) -> None:
    for nth in _seams(changes()[0], how):
        scene = Scene()
        with suppress(Died):  # how often a thing not yet visible is asked for again differs by a call
            advance(scene.account, scene.plan, scene.journal, scene.cloud(nth, how))
        _undone(scene, nth)


def _undone(scene: Scene, nth: int) -> None:
    assert retreat(scene.account, scene.plan, scene.journal) == "undone", (nth, errors(scene.journal))
    _as_before(scene, nth)


def _as_before(scene: Scene, nth: int) -> None:
    scene.settle()
    assert scene.account.alive() == {scene.source}, nth
    assert scene.account.left_over() == [], nth
    assert without_volatile(scene.account.bench.discover()) == without_volatile(scene.before), nth
