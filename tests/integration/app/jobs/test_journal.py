"""The journal in a real Postgres: what is told is committed, once, by the newest holder, many moves at a time."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.db import Database
from app.execution.journal import LeaseLost
from app.execution.states import IllegalMove
from app.jobs.journal import PostgresJournal
from tests.integration.app.jobs.conftest import JOB, Stored, planned


class Watched(Database):
    """Counts the commits; `trouble` is what happens instead of a good answer, one entry per transaction."""

    def __init__(self, url: str, trouble: Iterable[str] = ()) -> None:
        super().__init__(url)
        self.commits = 0
        self._trouble = iter(trouble)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        trouble = next(self._trouble, "")
        if trouble == "refused":
            raise ConnectionRefusedError("Postgres is away")
        async with super().transaction() as session:
            yield session
        self.commits += 1
        if trouble == "lost":
            raise OSError("the connection broke after the commit")
        if trouble == "bug":
            raise RuntimeError("nobody expected this")


@pytest.fixture
async def watched(database_url: str, database: Database) -> AsyncIterator[Any]:
    made: list[Watched] = []

    def make(*trouble: str) -> Watched:
        made.append(Watched(database_url, trouble))
        return made[-1]

    yield make
    for one in made:
        await one.close()


async def opened(database: Database, fence: int) -> PostgresJournal:
    journal = PostgresJournal(database, JOB, fence)
    await journal.entries()
    return journal


async def test_moves_of_many_steps_share_a_commit(stored: Stored, watched: Any) -> None:
    await stored.make(steps=200)
    lease = await stored.lease()
    database = watched()
    journal = await opened(database, lease.fence)

    await asyncio.gather(*(journal.move(planned(number), "running") for number in range(200)))
    await asyncio.gather(*(journal.move(planned(number), "succeeded") for number in range(200)))

    assert database.commits <= 4
    assert {step.state for step in (await stored.steps()).values()} == {"succeeded"}


async def test_what_was_moved_is_there_when_the_call_returns(stored: Stored, database: Database) -> None:
    await stored.make(steps=1)
    journal = await opened(database, (await stored.lease()).fence)

    await journal.move(planned(0), "running")
    step = (await stored.steps())[planned(0).id]
    assert step.state == "running"
    assert step.started_at is not None

    await journal.move(planned(0), "verifying", result={"counterpart": "t-1"})
    await journal.move(planned(0), "failed", error={"code": "x", "detail": "no"})
    step = (await stored.steps())[planned(0).id]
    assert (step.state, step.result, step.error) == ("failed", {"counterpart": "t-1"}, {"code": "x", "detail": "no"})
    assert step.finished_at is not None
    assert (await opened(database, 1)).progress["failed"] == 1


async def test_another_holder_reads_where_every_step_stands(stored: Stored, database: Database) -> None:
    await stored.make(steps=2)
    journal = await opened(database, (await stored.lease()).fence)
    await journal.move(planned(0), "running")
    await journal.move(planned(0), "succeeded", result={"counterpart": "t-1"})

    entries = await PostgresJournal(database, JOB, 7).entries()

    found = {id_: (entry.state, entry.result) for id_, entry in entries.items()}
    assert found == {planned(0).id: ("succeeded", {"counterpart": "t-1"}), planned(1).id: ("pending", None)}


async def test_events_have_no_gaps_and_no_doubles(stored: Stored, database: Database) -> None:
    await stored.make(steps=50)
    journal = await opened(database, (await stored.lease()).fence)

    async def through(number: int) -> None:
        await journal.move(planned(number), "running")
        await journal.move(planned(number), "verifying")
        await journal.move(planned(number), "succeeded")

    await asyncio.gather(*map(through, range(50)))

    events = await stored.events()
    assert [seq for seq, _, _ in events] == list(range(1, 151))
    assert (await stored.job()).last_event == 150
    for number in range(50):
        mine = [data["state"] for _, type_, data in events if data.get("step") == planned(number).id]
        assert mine == ["running", "verifying", "succeeded"]


async def test_progress_is_counted_with_the_moves(stored: Stored, database: Database) -> None:
    await stored.make(steps=4)
    journal = await opened(database, (await stored.lease()).fence)

    await journal.move(planned(0), "running")
    await journal.move(planned(0), "succeeded")
    await journal.move(planned(1), "running")
    await journal.move(planned(2), "skipped")

    wanted = {"total": 4, "done": 2, "running": 1, "waiting": 0, "failed": 0, "undone": 0}
    assert (await stored.job()).progress == wanted


async def test_an_older_holder_is_refused_and_writes_nothing(stored: Stored, database: Database) -> None:
    await stored.make(steps=2)
    old = await opened(database, (await stored.lease()).fence)
    await old.move(planned(0), "running")
    await stored.expire()
    new = await opened(database, (await stored.lease("worker-2")).fence)
    await new.move(planned(1), "running")

    with pytest.raises(LeaseLost):
        await asyncio.gather(old.move(planned(0), "succeeded", result={"late": True}))
    with pytest.raises(LeaseLost):
        await old.move(planned(1), "running")

    step = (await stored.steps())[planned(0).id]
    assert (step.state, step.result) == ("running", None)
    assert [type_ for _, type_, _ in await stored.events()] == ["step.running", "step.running"]


@pytest.mark.parametrize("trouble", [["lost"], ["refused"], ["refused", "lost", "refused"], ["lost", "lost"]])
async def test_a_batch_is_written_once_whatever_became_of_its_commit(
    stored: Stored, watched: Any, trouble: list[str]
) -> None:
    await stored.make(steps=3)
    journal = await opened(watched(*trouble), (await stored.lease()).fence)

    await asyncio.gather(*(journal.move(planned(number), "running") for number in range(3)))
    await journal.move(planned(0), "succeeded")

    events = [(seq, type_) for seq, type_, _ in await stored.events()]
    assert events == [(1, "step.running"), (2, "step.running"), (3, "step.running"), (4, "step.succeeded")]


async def test_a_commit_whose_answer_was_lost_to_a_new_holder_is_not_claimed_as_ours(
    stored: Stored, watched: Any
) -> None:
    await stored.make(steps=1)
    lease = await stored.lease()
    journal = await opened(watched("refused"), lease.fence)
    moving = asyncio.ensure_future(journal.move(planned(0), "running"))
    await stored.expire()
    await stored.lease("worker-2")

    with pytest.raises(LeaseLost):
        await moving
    assert (await stored.steps())[planned(0).id].state == "pending"


async def test_an_error_that_nobody_expected_reaches_whoever_waits(stored: Stored, watched: Any) -> None:
    await stored.make(steps=1)
    journal = await opened(watched("bug"), (await stored.lease()).fence)

    with pytest.raises(RuntimeError, match="nobody expected"):
        async with asyncio.timeout(5):
            await journal.move(planned(0), "running")


async def test_a_move_that_the_table_does_not_know_is_not_written(stored: Stored, database: Database) -> None:
    await stored.make(steps=1)
    journal = await opened(database, (await stored.lease()).fence)

    with pytest.raises(IllegalMove):
        await journal.move(planned(0), "succeeded")
    assert await stored.events() == []


async def test_a_step_that_was_cancelled_while_it_waited_is_written_all_the_same(
    stored: Stored, database: Database
) -> None:
    await stored.make(steps=2)
    journal = await opened(database, (await stored.lease()).fence)
    moving = asyncio.ensure_future(journal.move(planned(0), "running"))
    await asyncio.sleep(0)
    moving.cancel()
    await journal.move(planned(1), "running")

    assert {step.state for step in (await stored.steps()).values()} == {"running"}
