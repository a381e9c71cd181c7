"""Looking is shared: one call for many ids, whoever waits for them, and nobody is forgotten."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Coroutine, Mapping
from typing import Any, TypeVar

import pytest

from app.cloud import CloudError, Denied, NotFound
from app.execution.journal import LeaseLost
from app.execution.step import Seen, StepBroken, Verdict, Watch, broken, pending, settled
from app.execution.watcher import FIRST_LOOK, Watcher
from app.planning.inventory import Json
from sandbox.world import World
from tests.kit.virtual_time import WorldClock, run

T = TypeVar("T")


class Images:
    """Describes images, each from its `ready` second on; those `absent` make a call that names them fail."""

    region = "us-east-1"

    def __init__(self, clock: WorldClock) -> None:
        self.calls: list[dict[str, Any]] = []
        self.ready: dict[str, float] = {}
        self.absent: set[str] = set()
        self.errors: deque[Exception] = deque()
        self.takes = 0.0
        self._clock = clock
        self._start = clock.now()

    async def call(self, operation: str, /, **params: Any) -> dict[str, Any]:
        raise AssertionError("the watcher only reads pages")

    async def pages(self, operation: str, /, **params: Any) -> AsyncIterator[dict[str, Any]]:
        self.calls.append(params)
        await self._clock.sleep(self.takes)
        if self.errors:
            raise self.errors.popleft()
        ids = self._ids(params)
        if found := self.absent & set(ids):
            raise NotFound(operation, "InvalidAMIID.NotFound", f"{min(found)} does not exist")
        for start in range(0, len(ids), 50):
            yield {"Images": [{"ImageId": id_, "State": self._state(id_)} for id_ in ids[start : start + 50]]}

    def _ids(self, params: Mapping[str, Any]) -> list[str]:
        if "ImageIds" in params:
            return list(params["ImageIds"])
        if "ImageId" in params:
            return [params["ImageId"]]
        named = [f["Values"] for f in params.get("Filters", ()) if f["Name"] == "image-id"]
        return list(named[0]) if named else sorted(self.ready)

    def _state(self, id_: str) -> str:
        return "available" if self._clock.now() - self._start >= self.ready.get(id_, 0.0) else "pending"


def images(*ids: str, by: str = "list:ImageIds", **more: Any) -> Watch:
    return Watch("ec2.describe_images", ids, by=by, items="Images[]", key="ImageId", **more)


def available(seen: Seen) -> Verdict:
    states = {id_: str(item["State"]) for id_, item in seen.items()}
    return settled(**states) if states and set(states.values()) == {"available"} else pending("still pending")


class Watching:
    """A watcher on virtual time."""

    def __init__(self) -> None:
        self.world = World()
        self.clock = WorldClock(self.world)
        self.images = Images(self.clock)
        self.watcher = Watcher(self.images, self.clock)
        self._start = self.clock.now()

    @property
    def seconds(self) -> float:
        return round(self.clock.now() - self._start, 2)

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        async def closed() -> T:
            try:
                return await main
            finally:
                await self.watcher.close()

        return run(self.world, closed())

    async def wait(self, *ids: str, **more: Any) -> Mapping[str, Json]:
        return await self.watcher.wait(images(*ids, **more), available)

    async def late(self, seconds: float, *ids: str) -> Mapping[str, Json]:
        await self.clock.sleep(seconds)
        return await self.wait(*ids)


@pytest.fixture
def at() -> Watching:
    return Watching()


def test_many_steps_share_one_look_of_at_most_two_hundred_ids(at: Watching) -> None:
    ids = [f"ami-{number:03}" for number in range(450)]

    async def main() -> list[Mapping[str, Json]]:
        return await asyncio.gather(*(at.wait(id_) for id_ in ids))

    assert at.run(main()) == [{id_: "available"} for id_ in ids]
    assert [len(call["ImageIds"]) for call in at.images.calls] == [200, 200, 50]
    assert at.seconds == FIRST_LOOK


def test_a_watch_may_say_that_its_call_takes_fewer(at: Watching) -> None:
    ids = tuple(f"ami-{number}" for number in range(5))

    at.run(at.wait(*ids, most=2))

    assert [len(call["ImageIds"]) for call in at.images.calls] == [2, 2, 1]


def test_whoever_joins_while_a_look_is_on_its_way_gets_the_next_one(at: Watching) -> None:
    at.images.takes = 3.0

    async def main() -> None:
        await asyncio.gather(at.wait("ami-1"), at.late(FIRST_LOOK + 1.0, "ami-2"), at.late(FIRST_LOOK + 3.0, "ami-3"))

    at.run(main())

    assert [call["ImageIds"] for call in at.images.calls][:2] == [["ami-1"], ["ami-2", "ami-3"]]


def test_a_question_that_was_answered_can_be_asked_again(at: Watching) -> None:
    async def main() -> None:
        await at.wait("ami-1")
        await at.wait("ami-1")

    at.run(main())
    assert len(at.images.calls) == 2


def test_different_questions_are_asked_apart(at: Watching) -> None:
    async def main() -> None:
        await asyncio.gather(at.wait("ami-1"), at.wait("ami-2", also=(("Owners", ["self"]),)))

    at.run(main())

    assert sorted(map(repr, at.images.calls)) == [
        "{'ImageIds': ['ami-1']}",
        "{'Owners': ['self'], 'ImageIds': ['ami-2']}",
    ]


@pytest.mark.parametrize(
    ("by", "call"),
    [
        ("list:ImageIds", {"ImageIds": ["ami-1"]}),
        ("filter:image-id", {"Filters": [{"Name": "image-id", "Values": ["ami-1"]}]}),
        ("one:ImageId", {"ImageId": "ami-1"}),
        ("all", {}),
    ],
)
def test_ids_go_into_the_request_as_the_watch_says(at: Watching, by: str, call: dict[str, Any]) -> None:
    at.images.ready = {"ami-1": 0.0, "ami-9": 9999.0}

    assert at.run(at.wait("ami-1", by=by)) == {"ami-1": "available"}
    assert at.images.calls == [call]


def test_one_id_that_is_not_visible_yet_does_not_hide_the_others(at: Watching) -> None:
    at.images.absent = {"ami-2"}

    async def main() -> None:
        newcomer = asyncio.ensure_future(at.wait("ami-2"))
        assert await at.wait("ami-1") == {"ami-1": "available"}
        assert not newcomer.done()
        at.images.absent.clear()
        assert await newcomer == {"ami-2": "available"}

    at.run(main())
    assert [call["ImageIds"] for call in at.images.calls[:3]] == [["ami-1", "ami-2"], ["ami-1"], ["ami-2"]]


def test_looks_become_rarer_the_longer_it_takes(at: Watching) -> None:
    at.images.ready = {"ami-1": 3600.0}

    at.run(at.wait("ami-1"))

    assert 3600 <= at.seconds <= 3630
    assert len(at.images.calls) < 160


def test_what_does_not_settle_in_time_is_broken_with_the_last_reason(at: Watching) -> None:
    at.images.ready = {"ami-1": 1e9}

    with pytest.raises(StepBroken, match="still pending. Look at it in AWS") as caught:
        at.run(at.wait("ami-1", within=600.0))

    assert caught.value.code == "too_slow"
    assert 600 < at.seconds <= 630


def test_one_that_is_late_leaves_the_others_their_time(at: Watching) -> None:
    at.images.ready = {"ami-1": 1e9, "ami-2": 2000.0}

    async def main() -> list[Any]:
        return [*await asyncio.gather(at.wait("ami-1", within=60.0), at.wait("ami-2"), return_exceptions=True)]

    late, fine = at.run(main())
    assert isinstance(late, StepBroken)
    assert fine == {"ami-2": "available"}


def test_a_verdict_of_broken_ends_the_wait_of_one(at: Watching) -> None:
    with pytest.raises(StepBroken, match="the image failed"):
        at.run(at.watcher.wait(images("ami-1"), lambda seen: broken("the image failed")))


@pytest.mark.parametrize(
    "error", [Denied("ec2.describe_images", "UnauthorizedOperation", "no"), LeaseLost("job_1"), OSError("no Postgres")]
)
def test_a_look_that_fails_ends_the_wait_of_all_who_asked(at: Watching, error: Exception) -> None:
    at.images.errors.append(error)

    async def main() -> list[Any]:
        return [*await asyncio.gather(at.wait("ami-1"), at.wait("ami-2"), return_exceptions=True)]

    assert at.run(main()) == [error, error]
    assert isinstance(error, CloudError | LeaseLost | OSError)


def test_a_bug_in_a_judge_reaches_whoever_waits(at: Watching) -> None:
    def judge(seen: Seen) -> Verdict:
        raise ZeroDivisionError

    async def main() -> list[Any]:
        return [*await asyncio.gather(at.watcher.wait(images("ami-1"), judge), return_exceptions=True)]

    assert isinstance(at.run(main())[0], ZeroDivisionError)


def test_closing_cancels_whoever_waits_and_the_watcher_can_be_used_again(at: Watching) -> None:
    at.images.ready = {"ami-1": 1000.0}

    async def main() -> None:
        waiting = asyncio.ensure_future(at.wait("ami-1"))
        await at.clock.sleep(100.0)
        await at.watcher.close()
        await asyncio.wait([waiting])
        assert waiting.cancelled()
        looks = len(at.images.calls)
        await at.clock.sleep(100.0)
        assert len(at.images.calls) == looks
        assert await at.wait("ami-1") == {"ami-1": "available"}

    at.run(main())


def test_nobody_looks_for_somebody_who_has_gone(at: Watching) -> None:
    at.images.ready = {"ami-1": 1000.0}

    async def main() -> None:
        waiting = asyncio.ensure_future(at.wait("ami-1"))
        await at.clock.sleep(100.0)
        waiting.cancel()
        await at.clock.sleep(100.0)
        looks = len(at.images.calls)
        await at.clock.sleep(1000.0)
        assert len(at.images.calls) == looks

    at.run(main())


@pytest.mark.parametrize(("urgent", "lost"), [(False, 30.0), (True, 10.0)])
def test_what_somebody_is_out_of_service_for_is_seen_soon_after_it_has_settled(urgent: bool, lost: float) -> None:
    world = World()
    clock = WorldClock(world)
    images = Images(clock)
    images.ready["ami-1"] = 400.0
    watch = Watch("ec2.describe_images", ("ami-1",), "filter:image-id", "Images[]", "ImageId", urgent=urgent)

    def available(seen: Seen) -> Verdict:
        return settled() if seen["ami-1"]["State"] == "available" else pending()

    began = clock.now()
    run(world, Watcher(images, clock).wait(watch, available))
    assert 400.0 <= clock.now() - began <= 400.0 + lost
    assert len(images.calls) < 200
