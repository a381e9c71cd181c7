"""A job's events: a stream that can be resumed, and a list."""

import asyncio
import json
from typing import Any

import pytest

from app.db import Database
from app.jobs.stream import told
from tests.api.conftest import Client
from tests.api.jobs import a_job, set_status
from tests.api.shop import a_plan, execute

Job = dict[str, Any]


@pytest.fixture
async def job(admin: Client, database: Database) -> Job:
    """A dry run with events 1 to 4."""
    made = await a_job(admin, await a_plan(admin, database), "dry_run")
    for type_ in ("job.started", "step.running", "step.succeeded"):
        await happen(database, made, type_)
    return made


async def happen(database: Database, job: Job, type_: str) -> None:
    """Write an event as the worker's journal does."""
    await execute(
        database,
        """
        with j as (update jobs set last_event = last_event + 1, version = version + 1 where id = :job returning *)
        insert into job_events (job_id, seq, type, data) select id, last_event, :type, '{"text": "a\\nb"}' from j
        """,
        job=job["id"],
        type=type_,
    )


def parsed(stream: str) -> list[dict[str, Any]]:
    """The messages of a stream, as a browser would read them."""
    messages = []
    for block in stream.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if fields:
            messages.append({"id": int(fields["id"]), "event": fields["event"], "data": json.loads(fields["data"])})
    return messages


async def test_the_stream_tells_all_and_ends_with_the_job(admin: Client, database: Database, job: Job) -> None:
    streaming = asyncio.create_task(admin.get(job["links"]["events"]))
    await happen(database, job, "job.succeeded")
    await set_status(database, job, "succeeded")
    async with asyncio.timeout(10):
        answer = await streaming
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    messages = parsed(answer.text)
    assert [message["id"] for message in messages] == [1, 2, 3, 4, 5]
    assert messages[-1]["event"] == messages[-1]["data"]["type"] == "job.succeeded"
    assert messages[-1]["data"]["data"] == {"text": "a\nb"}


@pytest.mark.parametrize(
    ("headers", "query"), [({"Last-Event-ID": "2"}, {}), ({}, {"after": "2"}), ({"Last-Event-ID": "2"}, {"after": "0"})]
)
async def test_the_stream_is_resumed_after_what_was_seen(
    admin: Client, database: Database, job: Job, headers: dict[str, str], query: dict[str, str]
) -> None:
    await set_status(database, job, "succeeded")
    answer = await admin.get(job["links"]["events"], headers=headers, params=query)
    assert [message["id"] for message in parsed(answer.text)] == [3, 4]


async def test_a_quiet_stream_comments_so_that_proxies_keep_it(database: Database, job: Job) -> None:
    stream = told(database, job["id"], after=4, comment_every=0.01)
    async with asyncio.timeout(10):
        assert await anext(stream) == ": still here\n\n"
        assert await anext(stream) == ": still here\n\n"
    await stream.aclose()  # type: ignore[attr-defined]


async def test_events_come_as_a_list_too(admin: Client, job: Job) -> None:
    as_json = {"Accept": "application/json"}
    first = await admin.get(job["links"]["events"], headers=as_json, params={"after": 1, "limit": 2})
    assert [event["seq"] for event in first.json()["items"]] == [2, 3]
    cursor = first.json()["next_cursor"]
    rest = await admin.get(job["links"]["events"], headers=as_json, params={"after": 1, "limit": 2, "cursor": cursor})
    assert [event["seq"] for event in rest.json()["items"]] == [4]
    assert "next_cursor" not in rest.json()
    assert (await admin.get(job["links"]["events"], headers=as_json, params={"after": 4})).json() == {"items": []}


async def test_a_last_event_id_that_is_no_number_is_refused_before_the_stream_begins(admin: Client, job: Job) -> None:
    answer = await admin.get(job["links"]["events"], headers={"Last-Event-ID": "x"})
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
