"""How long one step goes on trying, and what a person is told when it gives up."""

import asyncio
from collections.abc import Mapping

import pytest

from app.cloud import AlreadyExists, Capacity, CloudError, Conflict, Denied, Quota, Rejected, Throttled, UnknownOutcome
from app.execution.attempts import CONSISTENCY_SECONDS, Attempts, Control, Interrupted, failure
from app.execution.runs import RunFactory
from app.execution.step import Run, StepBroken
from sandbox.world import World
from tests.kit.virtual_time import WorldClock, run
from tests.unit.execution.toys import ToyCloud, toy


class Trying:
    """One step's tries on virtual time: what they raise, and when they happened."""

    def __init__(self, *errors: Exception) -> None:
        self.world = World()
        self.clock = WorldClock(self.world)
        self.control = Control()
        self.attempts = Attempts(self.clock, self.control)
        self.runs: list[Run] = []
        self.at: list[float] = []
        self._errors = list(errors)
        self._start = self.clock.now()

    @property
    def seconds(self) -> float:
        return round(self.clock.now() - self._start, 2)

    def persist(self) -> str:
        factory = RunFactory("job", ToyCloud(self.clock), self._wait, self.attempts.consistency, lambda _: None)
        return run(self.world, self.attempts.persist(factory.make(toy("a"), 1, recovering=False), self._act))

    async def _act(self, attempt: Run) -> str:
        self.runs.append(attempt)
        self.at.append(self.seconds)
        if self._errors:
            raise self._errors.pop(0)
        return "done"

    async def _wait(self, *_: object) -> Mapping[str, str]:
        return {}


def error(type_: type[CloudError]) -> CloudError:
    return type_("ec2.x", "Code", "words")


def test_pauses_double_up_to_the_longest() -> None:
    trying = Trying(*[error(Conflict)] * 6)

    assert trying.persist() == "done"

    assert [round(later - earlier) for earlier, later in zip(trying.at, trying.at[1:], strict=False)] == [
        5, 10, 20, 30, 30, 30,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("type_", "total", "longest"),
    [(Throttled, 1800, 60), (UnknownOutcome, 900, 60), (Conflict, 600, 30), (Capacity, 1800, 300)],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_each_meaning_has_its_own_patience(type_: type[CloudError], total: float, longest: float) -> None:
    trying = Trying(*[error(type_)] * 200)

    with pytest.raises(type_):
        trying.persist()

    assert total <= trying.seconds <= total + longest


@pytest.mark.parametrize("type_", [AlreadyExists, Denied, Quota, Rejected], ids=lambda type_: type_.__name__)
def test_what_time_does_not_mend_is_not_tried_again(type_: type[CloudError]) -> None:
    trying = Trying(error(type_))

    with pytest.raises(type_):
        trying.persist()
    assert len(trying.runs) == 1


def test_a_broken_step_is_not_tried_again() -> None:
    trying = Trying(StepBroken("no"))

    with pytest.raises(StepBroken):
        trying.persist()
    assert len(trying.runs) == 1


def test_another_try_knows_that_it_is_one_and_keeps_its_token() -> None:
    trying = Trying(error(UnknownOutcome))
    trying.persist()

    first, second = trying.runs
    assert (first.recovering, second.recovering, second.fresh) == (False, True, True)
    assert first.token == second.token


def test_another_try_can_wait_for_consistency_and_the_first_need_not() -> None:
    trying = Trying(error(UnknownOutcome))
    trying.persist()
    first, second = trying.runs
    before = trying.seconds
    trying.control.stopping = asyncio.Event()  # an event belongs to one loop, and each run has its own

    async def main() -> None:
        await first.consistency()
        assert trying.seconds == before
        await second.consistency()

    run(trying.world, main())
    assert trying.seconds == pytest.approx(before + CONSISTENCY_SECONDS)


def test_a_stop_ends_a_pause() -> None:
    trying = Trying()

    async def main() -> None:
        asyncio.get_running_loop().call_later(7.0, trying.control.stop)
        with pytest.raises(Interrupted):
            await trying.attempts.sleep(1000.0)

    run(trying.world, main())
    assert trying.seconds == 7.0


def test_a_refusal_is_told_in_aws_own_words_and_with_what_to_do() -> None:
    told = failure(Denied("ec2.run_instances", "UnauthorizedOperation", "You are not authorized", "req-1"))

    assert told["code"] == "aws_denied"
    assert "retry or skip the step, or undo" in str(told["detail"])
    words = ("UnauthorizedOperation", "You are not authorized", "req-1")
    assert (told["aws_code"], told["aws_message"], told["aws_request_id"]) == words


def test_a_broken_step_is_told_as_its_reason() -> None:
    assert failure(StepBroken("Too slow.", "too_slow")) == {"code": "too_slow", "detail": "Too slow."}
