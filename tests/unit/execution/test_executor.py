"""How a plan's steps are driven forward and back, as traces of what was written and what was done."""

import pytest

from app.cloud import Capacity, CloudError, Conflict, NotFound, Quota, Throttled
from app.execution.journal import Entry, LeaseLost, MemoryJournal
from app.execution.states import StepState
from app.execution.step import Result, Run, Seen, Verdict
from app.planning.plan import PlannedStep, promise
from tests.unit.execution.toys import Make, Playroom, lost, toy


def refused(type_: type[CloudError]) -> CloudError:
    return type_("toy.make", f"Toy{type_.__name__}", "no")


def test_steps_come_after_what_they_need_and_the_others_run_at_once() -> None:
    room = Playroom(toy("a"), toy("b"), toy("c", "a", "b"), toy("d"))

    assert room.advance() == "succeeded"

    assert room.cloud.most_at_once == 3
    assert room.cloud.effects[-1] == "make c"
    assert room.trace.index("c running") > max(room.trace.index("a succeeded"), room.trace.index("b succeeded"))
    assert room.seconds == 2.0


def test_a_step_is_running_then_verifying_with_its_result_then_succeeded_with_what_was_learned() -> None:
    room = Playroom(toy("a", Settles=20.0))

    room.advance()

    assert room.trace == ["a running", "a verifying", "a succeeded"]
    assert room.entry("a").result == {"counterpart": "twin of a", "name": "a", "watch": True, "state": "ready"}


def test_running_is_committed_before_anything_is_called() -> None:
    room = Playroom(toy("a"))
    seen: list[str] = []
    room.cloud.hook = lambda moment: seen.append(f"{moment}: {room.state('a')}")

    room.advance()

    assert seen[0] == "before make a: running"


def test_promises_are_filled_from_the_results_of_earlier_steps() -> None:
    room = Playroom(toy("a"), toy("b", "a", Of=promise("toy.make/toy:a")))

    room.advance()

    assert room.make.runs[1].params == {"Name": "b", "Of": "twin of a"}
    assert [run.fresh for run in room.make.runs] == [False, True]


def test_what_was_found_running_is_done_again_and_told_so() -> None:
    room = Playroom(toy("a"), journal=MemoryJournal({"toy.make/toy:a": Entry("running")}))

    assert room.advance() == "succeeded"

    (run,) = room.make.runs
    assert (run.recovering, run.fresh) == (True, True)


def test_what_was_found_verifying_is_looked_at_and_not_done_again() -> None:
    result = {"counterpart": "twin of a", "name": "a", "watch": True}
    room = Playroom(toy("a"), toy("b"), journal=MemoryJournal({"toy.make/toy:a": Entry("verifying", 1, result)}))
    room.cloud._make({"Name": "a", "Token": "an earlier worker's", "Settles": 20.0})

    assert room.advance() == "succeeded"

    assert room.cloud.asked == ["make b"]
    assert room.cloud.looks[-1] == ["a"]


def test_a_failure_halts_but_what_is_under_way_comes_to_its_end() -> None:
    room = Playroom(toy("a"), toy("b", Settles=60.0), toy("c", "a"), toy("d", "b"))
    room.cloud.say("make a", refused(Quota))

    assert room.advance() == "halted"

    assert [room.state(name) for name in "abcd"] == ["failed", "succeeded", "pending", "pending"]
    error = room.entry("a").error
    assert error is not None
    assert (error["code"], error["aws_code"]) == ("aws_quota", "ToyQuota")


def test_what_never_settles_fails_with_the_reason() -> None:
    room = Playroom(toy("a", Settles=1.0, Broken=True))

    assert room.advance() == "halted"

    assert room.entry("a").error == {"code": "step_broken", "detail": "a broke: mend it, then retry."}


def test_a_halted_job_starts_nothing_until_the_failed_step_is_retried() -> None:
    room = Playroom(toy("a"), toy("b", "a"), toy("c"), journal=MemoryJournal({"toy.make/toy:a": Entry("failed")}))
    assert room.advance() == "halted"
    assert room.cloud.asked == []

    room.journal.lines["toy.make/toy:a"] = Entry("pending", attempt=2)
    assert room.advance() == "succeeded"

    assert room.make.runs[0].attempt == 2


def test_what_failed_may_have_taken_effect_and_is_told_so_when_it_is_tried_again() -> None:
    room = Playroom(toy("a"))
    room.cloud.say("make a", refused(Quota))
    assert room.advance() == "halted"

    room.journal.lines["toy.make/toy:a"] = Entry("pending", attempt=2)
    assert room.advance() == "succeeded"

    assert [(run.recovering, run.fresh) for run in room.make.runs] == [(False, False), (True, True)]


def test_a_skipped_step_counts_as_done() -> None:
    room = Playroom(toy("a"), toy("b", "a"), journal=MemoryJournal({"toy.make/toy:a": Entry("skipped")}))

    assert room.advance() == "succeeded"
    assert room.cloud.effects == ["make b"]


def test_a_gate_holds_its_phase_and_all_later_ones() -> None:
    room = Playroom(toy("a"), toy("b", phase="link"), toy("c", phase="instances"), toy("d", "a"))
    room.gates = ["before:link"]

    assert room.advance() == "waiting_for_approval"

    assert sorted(room.cloud.effects) == ["make a", "make d"]


def test_a_gate_that_opens_meanwhile_lets_the_drive_go_on() -> None:
    room = Playroom(toy("a", Settles=100.0), toy("b", phase="link"), toy("c", phase="instances"))
    room.gates = ["before:link", "before:instances"]

    outcome = room.advance((10.0, lambda: room.control.approve("before:link")))

    assert outcome == "waiting_for_approval"
    assert room.trace.index("b succeeded") < room.trace.index("a succeeded")
    assert room.state("c") == "pending"


def test_undo_goes_the_other_way_round() -> None:
    room = Playroom(toy("a"), toy("b", "a"), toy("c", "b"), toy("d", "b"))
    room.advance()

    assert room.retreat() == "undone"

    assert room.cloud.toys == {}
    undone = [line.removesuffix(" undone") for line in room.trace if line.endswith(" undone")]
    assert (set(undone[:2]), undone[2:]) == ({"c", "d"}, ["b", "a"])
    assert room.make.undone_with[-1] == ("a", room.entry("a").result)


def test_a_step_that_may_have_happened_is_undone_without_a_result_and_an_untouched_one_is_not() -> None:
    room = Playroom(toy("a"), toy("b"), journal=MemoryJournal({"toy.make/toy:a": Entry("running")}))

    assert room.retreat() == "undone"

    assert room.make.undone_with == [("a", None)]
    assert (room.state("a"), room.state("b")) == ("undone", "pending")


def test_a_step_that_failed_may_have_taken_effect_and_is_undone() -> None:
    room = Playroom(toy("a", Settles=5.0, Broken=True))
    assert room.advance() == "halted"
    assert "a" in room.cloud.toys

    assert room.retreat() == "undone"

    assert room.cloud.toys == {}
    assert room.state("a") == "undone"


@pytest.mark.parametrize(
    "decided",
    [Entry("pending", attempt=2), Entry("skipped", error={"code": "broken"}), Entry("skipped", attempt=2)],
    ids=["to be tried again", "skipped", "tried again and skipped"],
)
def test_what_a_person_decided_on_a_failed_step_does_not_keep_undo_from_it(decided: Entry) -> None:
    room = Playroom(toy("a", Settles=5.0, Broken=True), toy("b"))
    room.advance()
    assert "a" in room.cloud.toys
    room.journal.lines["toy.make/toy:a"] = decided

    assert room.retreat() == "undone"

    assert room.cloud.toys == {}
    assert room.state("a") == "undone"


@pytest.mark.parametrize("state", ["pending", "skipped"])
def test_undo_leaves_alone_what_was_never_tried(state: StepState) -> None:
    room = Playroom(toy("a"), journal=MemoryJournal({"toy.make/toy:a": Entry(state)}))

    assert room.retreat() == "undone"

    assert room.trace == []
    assert room.state("a") == state


class LookingBack(Make):
    """Looks again for what it made before it calls it gone, as kinds do whose things are not visible at once."""

    async def undo(self, run: Run, result: Result | None) -> None:
        await run.consistency()
        await super().undo(run, result)


def test_undo_can_wait_until_what_the_step_made_must_be_visible() -> None:
    room = Playroom(toy("a"), step=LookingBack(), journal=MemoryJournal({"toy.make/toy:a": Entry("running")}))

    assert room.retreat() == "undone"
    assert room.seconds > 300


def test_undo_passes_over_a_skipped_step_and_keeps_the_order_around_it() -> None:
    journal = MemoryJournal({"toy.make/toy:b": Entry("skipped")})
    room = Playroom(toy("a"), toy("b", "a"), toy("c", "b", Settles=30.0), journal=journal)
    room.advance()

    assert room.retreat() == "undone"

    assert [name for name, _ in room.make.undone_with] == ["c", "a"]
    assert room.state("b") == "skipped"


def test_undo_that_fails_stops_what_lies_before_it_and_can_be_asked_for_again() -> None:
    room = Playroom(toy("a"), toy("b", "a"), toy("c"))
    room.advance()
    room.cloud.say("remove b", refused(Quota))

    assert room.retreat() == "undo_failed"
    assert [room.state(name) for name in "abc"] == ["succeeded", "undo_failed", "undone"]

    assert room.retreat() == "undone"
    assert room.cloud.toys == {}


@pytest.mark.parametrize("type_", [Throttled, Conflict, Capacity], ids=lambda type_: type_.__name__)
def test_what_may_pass_is_tried_again_and_told_that_it_may_have_happened(type_: type[CloudError]) -> None:
    room = Playroom(toy("a"))
    room.cloud.say("make a", refused(type_), refused(type_))

    assert room.advance() == "succeeded"

    assert [run.recovering for run in room.make.runs] == [False, True, True]
    assert room.trace == ["a running", "a succeeded"]


def test_a_lost_answer_is_found_again_by_the_token() -> None:
    room = Playroom(toy("a"))
    room.cloud.say("make a", lost())

    assert room.advance() == "succeeded"

    assert room.cloud.asked == ["make a", "make a"]
    assert room.cloud.effects == ["make a"]


@pytest.mark.parametrize(
    ("type_", "seconds"), [(Throttled, 1800), (Conflict, 600), (Capacity, 1800)], ids=["Throttled", "Conflict", "Cap"]
)
def test_patience_has_an_end(type_: type[CloudError], seconds: float) -> None:
    room = Playroom(toy("a"))
    room.cloud.say("make a", *[refused(type_)] * 1000)

    assert room.advance() == "halted"

    assert seconds <= room.seconds <= seconds + 305


def test_a_source_that_is_not_there_fails_at_once() -> None:
    room = Playroom(toy("a"))
    room.cloud.say("make a", refused(NotFound))

    assert room.advance() == "halted"
    assert room.seconds == 1.0


def test_what_this_job_made_may_take_minutes_to_be_there() -> None:
    room = Playroom(toy("a"), toy("b", "a", Of=promise("toy.make/toy:a")))
    room.cloud.say("make b", *[refused(NotFound)] * 5)

    assert room.advance() == "succeeded"
    assert 60 < room.seconds < 300


class Looking(Make):
    """Looks before it makes anew, as kinds do that have neither token nor name to make with."""

    async def do(self, run: Run) -> Result:
        if run.recovering:
            await run.consistency()
        return await super().do(run)


def test_a_retry_after_a_lost_answer_waits_until_the_first_try_must_be_visible() -> None:
    room = Playroom(toy("a"), step=Looking())
    room.cloud.say("make a", lost())

    assert room.advance() == "succeeded"
    assert room.seconds > 300


def test_a_first_try_waits_for_nothing() -> None:
    class Waiting(Make):
        async def do(self, run: Run) -> Result:
            await run.consistency()
            return await super().do(run)

    room = Playroom(toy("a"), step=Waiting())

    assert room.advance() == "succeeded"
    assert room.seconds == 1.0


class Lost(MemoryJournal):
    """Somebody else takes the job when it comes to a certain move."""

    def __init__(self, at: str) -> None:
        super().__init__()
        self._at = at

    async def move(self, step: PlannedStep, to: object, **more: object) -> None:
        if f"{step.subject} {to}" == self._at:
            raise LeaseLost("job_1")
        await super().move(step, to, **more)  # type: ignore[arg-type]


def test_a_lost_lease_ends_everything_at_once() -> None:
    room = Playroom(toy("a"), toy("b", Settles=5000.0), toy("c", "a"), journal=Lost("toy:a succeeded"))

    with pytest.raises(LeaseLost):
        room.advance()

    assert room.seconds == 1.0
    assert (room.state("a"), room.state("b"), room.state("c")) == ("running", "verifying", "pending")
    assert room.left_over == []


class Buggy(Make):
    """A step that somebody got wrong: `where` it is."""

    def __init__(self, where: str) -> None:
        super().__init__()
        self._where = where

    async def do(self, run: Run) -> Result:
        if self._where == "do" and run.subject.id == "a":
            raise KeyError("a bug in do")
        return await super().do(run)

    def verdict(self, result: Result, seen: Seen) -> Verdict:
        if self._where == "verdict":
            raise KeyError("a bug in verdict")
        return super().verdict(result, seen)

    async def undo(self, run: Run, result: Result | None) -> None:
        raise KeyError("a bug in undo")


@pytest.mark.parametrize("where", ["do", "verdict"])
def test_a_bug_of_a_step_ends_the_drive_and_leaves_no_task_behind(where: str) -> None:
    room = Playroom(toy("a", Settles=50.0), toy("b", Settles=50.0), toy("c", Settles=50.0), step=Buggy(where))

    with pytest.raises(KeyError, match=f"a bug in {where}"):
        room.advance()

    assert room.left_over == []


def test_a_bug_of_an_undo_ends_the_retreat_too() -> None:
    room = Playroom(toy("a"), toy("b"), step=Buggy("undo"))
    room.advance()

    with pytest.raises(KeyError, match="a bug in undo"):
        room.retreat()

    assert room.left_over == []
