"""Witnessed calls: told before they go out, and what came of them; secrets stay out."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from app.cloud import Conflict, UnknownOutcome
from app.execution.hiding import HIDDEN
from app.execution.witness import Intent, WitnessedCloud
from app.planning.inventory import Json

STEP = "instance.launch/instance:i-1"


class Notes:
    """A witness, and the cloud that it watches: one list of what happened, in order."""

    def __init__(self, error: Exception | None = None) -> None:
        self.told: list[Any] = []
        self._error = error
        self.region = "us-east-1"

    async def before(self, intent: Intent) -> str:
        self.told.append(intent)
        return f"line {len(self.told)}"

    async def after(self, intent: Intent, name: str, outcome: Mapping[str, Json]) -> None:
        self.told.append((name, outcome))

    async def call(self, operation: str, /, **params: Any) -> dict[str, Any]:
        self.told.append(operation)
        if self._error:
            raise self._error
        return {"ResponseMetadata": {"RequestId": "r-1"}}

    async def pages(self, operation: str, /, **params: Any) -> AsyncIterator[dict[str, Any]]:
        self.told.append(operation)
        yield {}


def watched(notes: Notes) -> WitnessedCloud:
    return WitnessedCloud(notes, notes, STEP, 2)


async def test_the_intent_is_kept_before_the_call_and_its_request_id_after() -> None:
    notes = Notes()
    await watched(notes).call("ec2.run_instances", ImageId="ami-1")
    intent = Intent(STEP, 2, "ec2.run_instances", {"ImageId": "ami-1"})
    assert notes.told == [intent, "ec2.run_instances", ("line 1", {"request_id": "r-1"})]


@pytest.mark.parametrize("type_", [Conflict, UnknownOutcome])
async def test_a_refusal_is_told_and_passed_on(type_: type[Conflict]) -> None:
    notes = Notes(type_("ec2.run_instances", "SomeCode", "why", "r-2"))
    with pytest.raises(type_):
        await watched(notes).call("ec2.run_instances")
    outcome = {"request_id": "r-2", "error": {"code": "SomeCode", "message": "why"}}
    assert notes.told[-1] == ("line 1", outcome)


async def test_what_cannot_be_taken_down_is_not_called() -> None:
    class Broken(Notes):
        async def before(self, intent: Intent) -> str:
            raise OSError("the database is away")

    notes = Broken()
    with pytest.raises(OSError, match="away"):
        await watched(notes).call("ec2.run_instances")
    assert notes.told == []


async def test_reads_pass_unseen() -> None:
    notes = Notes()
    await watched(notes).call("ec2.describe_instances")
    assert [page async for page in watched(notes).pages("ec2.describe_images")] == [{}]
    assert notes.told == ["ec2.describe_instances", "ec2.describe_images"]


async def test_user_data_and_passwords_are_hidden_wherever_they_stand() -> None:
    notes = Notes()
    params = {
        "UserData": b"#!/bin/sh\nexport KEY=abc",
        "MasterUserPassword": "abc",
        "LaunchTemplateData": {"UserData": "YWJj", "ImageId": "ami-1"},
        "Parts": [{"SecretString": "abc"}, b"abc"],
    }
    await watched(notes).call("rds.create_db_instance", **params)
    seen = notes.told[0].params
    assert seen["UserData"] == seen["MasterUserPassword"] == HIDDEN
    assert seen["LaunchTemplateData"] == {"UserData": HIDDEN, "ImageId": "ami-1"}
    assert seen["Parts"] == [{"SecretString": HIDDEN}, HIDDEN]
    assert "abc" not in str(seen)
