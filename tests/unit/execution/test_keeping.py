"""What a step made true is looked after: how often, by whom, until when; and never where it must not be."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from app.cloud import Denied, Throttled
from app.execution.journal import Entry, LeaseLost, MemoryJournal
from app.execution.step import Result, Run
from app.planning.plan import PlannedStep
from tests.unit.execution.toys import Playroom, Tend, toy

TENDED = {"counterpart": "twin of a", "name": "a", "watch": False}


class Timed(Playroom):
    """A playroom that notes when each call goes out and comes back, as (second, what)."""

    def __init__(self, *steps: PlannedStep, **more: Any) -> None:
        super().__init__(*steps, **more)
        self.calls: list[tuple[float, str]] = []
        self.cloud.hook = lambda moment: self.calls.append((self.seconds, moment))

    def times(self, what: str) -> list[float]:
        return [second for second, moment in self.calls if moment == what]

    @property
    def rounds(self) -> list[float]:
        """When each round of toy a began: its first call of two."""
        return self.times("before tend a")[::2]


def found(**states: Any) -> MemoryJournal:
    """A journal as an earlier worker left it."""
    lines = {
        name: Entry(state, 1, TENDED if state in ("succeeded", "verifying") else None) for name, state in states.items()
    }
    return MemoryJournal({f"toy.make/toy:{name}": entry for name, entry in lines.items()})


def refused(type_: Any) -> Any:
    return type_("toy.tend", f"Toy{type_.__name__}", "no")


def test_a_round_comes_a_minute_after_success_and_a_minute_after_each_round() -> None:
    room = Timed(toy("a", until=()), toy("b", hold=200.0))

    assert room.advance() == "succeeded"

    assert room.rounds == [61.0, 123.0, 185.0]
    assert room.tend.kept_with == [("a", TENDED)] * 3


def test_nothing_is_kept_before_the_step_has_succeeded() -> None:
    room = Timed(toy("a", until=(), hold=300.0), toy("b", hold=400.0))

    room.advance()

    assert room.rounds == [361.0]


def test_a_step_that_relies_on_it_directly_looks_once_more_before_its_intent() -> None:
    room = Timed(toy("a", until=()), toy("b", "a"), toy("c", "b"))
    states: list[str] = []
    room.cloud.hook = lambda moment: states.append(f"{moment}: {room.state('b')} {room.state('c')}")

    assert room.advance() == "succeeded"

    looked = [state for state in states if "tend" in state]
    assert set(looked) == {"before tend a: pending pending", "after tend a: pending pending"}
    assert len(looked) == 4


def test_a_look_and_a_round_never_overlap() -> None:
    room = Timed(toy("a", until=()), toy("b", hold=60.5), toy("c", "a", "b"), toy("d", hold=120.0))

    assert room.advance() == "succeeded"

    assert room.rounds[:2] == [61.0, 63.0]
    assert room.times("before make c") == [65.0]
    tended = [moment for _, moment in room.calls if "tend" in moment]
    assert tended == ["before tend a", "after tend a"] * (len(tended) // 2)


def test_keeping_is_over_before_the_step_that_ends_it_makes_its_first_call() -> None:
    room = Timed(toy("a", until=["c"]), toy("b", hold=60.5), toy("c", "a", "b"), toy("d", "c", hold=500.0))

    assert room.advance() == "succeeded"

    assert max(room.times("after tend a")) < room.times("before make c")[0] == 65.0


def test_a_step_further_on_ends_the_keeping_without_a_look_of_its_own() -> None:
    room = Timed(toy("a", until=["c"]), toy("b", "a", hold=30.0), toy("c", "b", hold=500.0))

    assert room.advance() == "succeeded"

    assert room.rounds == [1.0]
    assert room.times("before make c") == [34.0]


def test_a_round_under_way_comes_to_its_end_before_the_step_that_ends_the_keeping() -> None:
    room = Timed(toy("a", until=["c"]), toy("b", "a"), toy("c", "b", "d"), toy("d", hold=60.8))

    assert room.advance() == "succeeded"

    assert room.rounds[-1] == 61.0
    assert max(room.times("after tend a")) == 62.5
    assert room.times("before make c") == [63.0]


def test_a_round_under_way_comes_to_its_end_with_the_drive() -> None:
    room = Timed(toy("a", until=()), toy("b", hold=60.5))

    assert room.advance() == "succeeded"

    assert [moment for _, moment in room.calls[-4:]] == ["before tend a", "after tend a"] * 2


def test_the_first_of_several_ends_it() -> None:
    room = Timed(toy("a", until=["b", "c"]), toy("b", "a", hold=500.0), toy("c", "b"))

    room.advance()

    assert room.rounds == [1.0]


def test_after_a_takeover_keeping_goes_on_with_a_round_at_once() -> None:
    room = Timed(toy("a", until=()), toy("b", hold=70.0), journal=found(a="succeeded", b="pending"))

    assert room.advance() == "succeeded"

    assert room.rounds == [0.0, 62.0]


@pytest.mark.parametrize("state", ["running", "verifying", "succeeded", "skipped"])
def test_after_a_takeover_what_has_ended_stays_ended(state: str) -> None:
    room = Timed(
        toy("a", until=["b"]), toy("b", "a"), toy("c", hold=300.0), journal=found(a="succeeded", b=state, c="pending")
    )

    assert room.advance() == "succeeded"

    assert room.rounds == []


def test_what_was_begun_by_a_dead_worker_is_not_begun_again_where_what_it_relies_on_is_gone() -> None:
    room = Timed(toy("a", until=()), toy("b", "a"), journal=found(a="succeeded", b="running"))
    room.tend.trouble["a"] = "Somebody took it."

    assert room.advance() == "halted"
    assert "before make b" not in [moment for _, moment in room.calls]


@pytest.mark.parametrize("at", [20.0, 60.8, 61.2, 61.8])
def test_once_the_job_is_to_stop_no_call_of_a_round_begins(at: float) -> None:
    room = Timed(toy("a", until=()), toy("b", hold=9000.0))

    assert room.advance((at, room.control.stop)) == "stopped"

    assert all(second <= at for second in room.times("before tend a"))
    assert room.seconds <= at + 1.0
    assert room.left_over == []


def test_a_stop_during_the_last_look_leaves_the_step_as_it_was() -> None:
    room = Timed(toy("a", until=()), toy("b", "a"))

    assert room.advance((1.2, room.control.stop)) == "stopped"

    assert room.state("b") == "pending"
    assert room.times("before tend a") == [1.0]
    assert room.advance() == "succeeded"


def test_nothing_is_kept_while_the_job_is_undone() -> None:
    room = Timed(toy("a", until=()), toy("b", hold=70.0))
    room.advance()
    rounds = len(room.rounds)

    assert room.retreat() == "undone"
    assert len(room.rounds) == rounds


def test_a_halt_ends_the_keeping_with_the_drive() -> None:
    room = Timed(toy("a", until=()), toy("b", Settles=1.0, Broken=True))

    assert room.advance() == "halted"
    assert room.left_over == []
    assert room.advance() == "halted"
    assert room.rounds == []


def test_what_is_broken_halts_the_job_before_the_step_that_relies_on_it_and_a_retry_goes_on() -> None:
    room = Timed(toy("a", until=["b"]), toy("b", "a"))
    room.tend.trouble["a"] = "Somebody resumed Launch: suspend it, then retry."

    assert room.advance() == "halted"

    assert room.entry("b").error == {"code": "not_kept", "detail": "Somebody resumed Launch: suspend it, then retry."}
    assert (room.trace[-1], room.cloud.effects) == ("b failed", ["make a"])

    room.tend.trouble.clear()
    room.journal.lines["toy.make/toy:b"] = Entry("pending", attempt=2)
    assert room.advance() == "succeeded"


def test_a_step_that_failed_before_its_first_call_can_be_undone_with_the_rest() -> None:
    room = Timed(toy("a", until=["b"]), toy("b", "a"))
    room.tend.trouble["a"] = "Somebody took it."
    room.advance()

    assert room.retreat() == "undone"
    assert room.cloud.toys == {}


def test_what_breaks_in_the_background_is_told_once_and_halts_nothing() -> None:
    room = Timed(toy("a", until=()), toy("b", hold=300.0))
    room.tend.trouble["a"] = "Somebody took it."

    with capture_logs() as logs:
        assert room.advance() == "succeeded"

    assert len(room.rounds) == 4
    assert [(line["event"], line["reason"]) for line in logs] == [("keeping.broken", "Somebody took it.")]


def test_what_a_round_left_to_a_person_halts_the_next_step_that_relies_on_it_though_it_is_well_by_then() -> None:
    room = Timed(toy("a", until=()), toy("b", hold=100.0), toy("c", "a", "b"))
    room.tend.trouble["a"] = "Somebody resumed Launch. It is suspended again."
    room.cloud.hook = lambda moment: room.tend.trouble.clear() if room.seconds > 100.0 else None

    assert room.advance() == "halted"
    error = room.entry("c").error
    assert error is not None
    assert error["detail"] == "Somebody resumed Launch. It is suspended again."

    room.journal.lines["toy.make/toy:c"] = Entry("pending", attempt=2)
    assert room.advance() == "succeeded"


@pytest.mark.parametrize("type_", [Throttled, Denied])
def test_what_aws_refuses_in_the_background_is_met_again_with_the_next_round(type_: Any) -> None:
    room = Timed(toy("a", until=()), toy("b", hold=200.0))
    room.cloud.say("tend a", refused(type_))

    with capture_logs() as logs:
        assert room.advance() == "succeeded"

    assert room.times("before tend a") == [61.0, 122.0, 123.0, 184.0, 185.0]
    assert [line["event"] for line in logs] == ["keeping.broken", "keeping.mended"]


def test_a_look_before_a_step_has_the_patience_of_any_step() -> None:
    room = Timed(toy("a", until=()), toy("b", "a"))
    room.cloud.say("tend a", refused(Throttled), refused(Throttled))

    assert room.advance() == "succeeded"
    assert room.times("before make b") == [11.0]


def test_a_look_that_aws_denies_fails_the_step() -> None:
    room = Timed(toy("a", until=()), toy("b", "a"))
    room.cloud.say("tend a", refused(Denied))

    assert room.advance() == "halted"

    error = room.entry("b").error
    assert error is not None
    assert (error["code"], error["aws_code"]) == ("aws_denied", "ToyDenied")


def test_keeping_goes_on_at_a_gate_until_it_opens() -> None:
    room = Timed(toy("a", until=["b"]), toy("b", "a", phase="link"), journal=found(a="succeeded", b="pending"))
    room.gates = ["before:link"]
    assert room.advance() == "waiting_for_approval"
    waited = len(room.rounds)

    def open_the_gate() -> None:
        room.control.approve("before:link")
        room.control.wait_at_gate(False)

    assert room.keep((200.0, open_the_gate))

    assert len(room.rounds) - waited == 4
    assert room.left_over == []
    room.gates = []
    assert room.advance() == "succeeded"


def test_a_drive_says_whether_something_is_to_be_kept_at_its_gate() -> None:
    for keeper, keeps in ((toy("a", until=["b"]), True), (toy("a"), False)):
        room = Timed(keeper, toy("b", "a", phase="link"))
        room.gates = ["before:link"]
        executor = room.executor()

        assert room._drive(executor.advance(), ()) == "waiting_for_approval"
        assert executor.keeps is keeps


@pytest.mark.parametrize("at", [30.0, 62.2])
def test_a_stop_at_a_gate_ends_the_keeping(at: float) -> None:
    room = Timed(toy("a", until=()), toy("b", "a", phase="link"), journal=found(a="succeeded", b="pending"))

    assert not room.keep((at, room.control.stop))

    assert all(second <= at for second in room.times("before tend a"))
    assert room.left_over == []


class Unlucky(Tend):
    """A step whose keep meets what no round may meet."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    async def keep(self, run: Run, result: Result) -> None:
        raise self._error


@pytest.mark.parametrize("error", [KeyError("a bug in keep"), LeaseLost("job_1")], ids=["a bug", "a lost lease"])
@pytest.mark.parametrize("way", ["advance", "keep"])
def test_a_bug_or_a_lost_lease_in_a_round_ends_the_drive(error: Exception, way: str) -> None:
    room = Timed(toy("a", until=()), toy("b", hold=9000.0), journal=found(a="succeeded", b="pending"))
    room.tend = Unlucky(error)

    with pytest.raises(type(error)):
        getattr(room, way)()

    assert room.left_over == []
