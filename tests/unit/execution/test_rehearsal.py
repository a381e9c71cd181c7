"""A dry run: the same steps, reads and all, up to the first change, which EC2 is only asked about."""

from collections import deque
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from app.cloud import CloudError, Denied, DryRunPassed
from app.execution.rehearsal import rehearsed, unheld
from app.execution.step import Result, Run, StepBroken
from app.planning.plan import promise
from tests.unit.execution.toys import Make, Playroom, toy


class Asked:
    """A cloud that answers reads, and DryRun as EC2 does; anything else would be a change."""

    region = "us-east-1"

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.errors: deque[CloudError] = deque()

    async def call(self, operation: str, /, **params: Any) -> dict[str, Any]:
        self.asked.append(operation)
        if operation.partition(".")[2].startswith("describe_"):
            return {"Things": []}
        assert params.get("DryRun") is True, f"{operation} would have changed something"
        if self.errors:
            raise self.errors.popleft()
        raise DryRunPassed(operation, "DryRunOperation", "Request would have succeeded")

    async def pages(self, operation: str, /, **params: Any) -> AsyncIterator[dict[str, Any]]:
        self.asked.append(operation)
        yield {"Things": []}


class Changing(Make):
    """Looks, then calls what it was told to; `checked` is what its check raises."""

    def __init__(self, *operations: str, checked: Exception | None = None) -> None:
        super().__init__()
        self._operations = operations
        self._checked = checked

    async def check(self, run: Run) -> None:
        if self._checked:
            raise self._checked

    async def do(self, run: Run) -> Result:
        async for _ in run.cloud.pages("ec2.describe_things"):
            await run.cloud.call("ec2.describe_things")
        for operation in self._operations:
            await run.cloud.call(operation)
        return {}


class Stage:
    """One step rehearsed; `told` is its result, or its error."""

    def __init__(self, step: Changing, **params: Any) -> None:
        self.cloud = Asked()
        self.room = Playroom(toy("a", hold=600.0, **params))
        self.room.steps = tuple(unheld(self.room.steps))
        self.room.make = rehearsed({"toy.make": step})["toy.make"]  # type: ignore[assignment]
        self.room.cloud = self.cloud  # type: ignore[assignment]

    def told(self) -> dict[str, Any]:
        self.outcome = self.room.advance()
        entry = self.room.entry("a")
        return dict(entry.result or entry.error or {})


def test_ec2_is_asked_whether_the_first_change_would_be_allowed() -> None:
    stage = Stage(Changing("ec2.create_thing", "ec2.delete_thing"))

    assert stage.told() == {"would_call": "ec2.create_thing", "allowed": "yes"}
    assert stage.cloud.asked == ["ec2.describe_things", "ec2.describe_things", "ec2.create_thing"]
    assert stage.outcome == "succeeded"


@pytest.mark.parametrize("operation", ["rds.create_db_snapshot", "ec2.modify_vpc_attribute"])
def test_what_knows_no_dry_run_is_not_called(operation: str) -> None:
    stage = Stage(Changing(operation))

    assert stage.told() == {"would_call": operation, "allowed": "not asked"}
    assert operation not in stage.cloud.asked


def test_a_refusal_is_the_steps_failure() -> None:
    stage = Stage(Changing("ec2.create_thing"))
    stage.cloud.errors.append(Denied("ec2.create_thing", "UnauthorizedOperation", "no"))

    assert stage.told()["aws_code"] == "UnauthorizedOperation"
    assert stage.outcome == "halted"


def test_a_steps_own_check_comes_first() -> None:
    stage = Stage(Changing("ec2.create_thing", checked=StepBroken("Taken already: plan anew.")))

    assert stage.told()["detail"] == "Taken already: plan anew."
    assert stage.cloud.asked == []


def test_a_step_with_nothing_to_change_says_so() -> None:
    assert Stage(Changing()).told() == {"allowed": "yes", "why": "nothing to change"}


def test_a_step_that_needs_what_is_not_made_yet_is_not_asked_about() -> None:
    stage = Stage(Changing("ec2.create_thing"), Groups=[{"Id": promise("toy.make/toy:earlier")}])

    assert stage.told() == {"allowed": "not asked", "why": "needs what earlier steps will have made"}
    assert stage.cloud.asked == []


def test_nothing_is_waited_out() -> None:
    stage = Stage(Changing("ec2.create_thing"))
    stage.told()

    assert stage.room.seconds == 0.0
    assert unheld([replace(toy("a"), hold_seconds=5.0)]) == [toy("a")]


def test_undo_of_a_rehearsal_touches_nothing() -> None:
    stage = Stage(Changing("ec2.create_thing"))
    stage.told()
    asked = list(stage.cloud.asked)

    assert stage.room.retreat() == "undone"
    assert stage.cloud.asked == asked
