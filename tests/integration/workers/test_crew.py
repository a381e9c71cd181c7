"""What a worker process has in hand: it finds what nobody holds, and knows a bug from a database that is away."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError, InterfaceError

from app.accounts.models import Account
from app.cloud import Cloud
from app.db import Database
from app.settings import Settings
from tests.integration.app.jobs.conftest import Stored
from workers.crew import Crew


class Doors:
    """A factory behind whose doors there is `trouble`; counts who knocked."""

    def __init__(self, trouble: Exception) -> None:
        self.trouble = trouble
        self.knocks = 0

    def open(self, account: Account, region: str) -> Cloud:
        self.knocks += 1
        raise self.trouble


class Bell:
    """A doorbell that remembers its rings."""

    def __init__(self) -> None:
        self.rings: list[tuple[str, str]] = []

    async def ring(self, kind: str, id: str) -> None:
        self.rings.append((kind, id))

    async def ping(self) -> bool:
        return True

    async def close(self) -> None:
        """There is nothing to give up."""


class ServerStopsError(Exception):
    """What asyncpg's adapter raises for a server that is shutting down."""

    sqlstate = "57P01"


@pytest.fixture
def stored(database: Database) -> Stored:
    return Stored(database)


@pytest.fixture
async def crews(database: Database) -> AsyncIterator[Any]:
    made: list[Crew] = []

    def make(doors: Doors, **settings: Any) -> Crew:
        made.append(Crew(Settings(**settings), database, doors, Bell()))
        return made[-1]

    yield make
    for crew in made:
        await crew.stop()


async def ends(crew: Crew) -> None:
    """Wait until nothing is in hand any more."""
    async with asyncio.timeout(10):
        while tasks := [task for task in asyncio.all_tasks() if "_attend" in repr(task.get_coro())]:
            await asyncio.wait(tasks)


async def test_a_bug_halts_the_job_and_asks_for_a_person(stored: Stored, crews: Any) -> None:
    await stored.make(status="running")
    crew = crews(Doors(KeyError("a bug")))

    crew.attend("job", "job_1")
    await ends(crew)

    job = await stored.job()
    assert (job.status, (job.error or {})["code"]) == ("halted", "internal_error")


@pytest.mark.parametrize(
    "away",
    [
        ConnectionRefusedError("no Postgres"),
        DBAPIError("select 1", {}, ServerStopsError()),
        InterfaceError("select 1", {}, Exception("connection is closed"), connection_invalidated=True),
    ],
    ids=["refused", "stopping", "broken"],
)
async def test_a_database_that_is_away_halts_no_job(stored: Stored, crews: Any, away: Exception) -> None:
    await stored.make(status="running")
    crew = crews(Doors(away))

    crew.attend("job", "job_1")
    await ends(crew)

    job = await stored.job()
    assert (job.status, job.error) == ("running", None)


async def test_a_sweep_takes_up_what_nobody_holds_and_leaves_the_rest(stored: Stored, crews: Any) -> None:
    await stored.make(status="running")
    doors = Doors(OSError("away"))
    crew = crews(doors)
    await stored.lease("worker-9")

    await crew.sweep()
    await ends(crew)
    assert doors.knocks == 0

    await stored.expire()
    await crew.sweep()
    await ends(crew)
    assert doors.knocks == 1
    assert (await stored.job()).fence == 2


async def test_a_job_in_hand_is_not_taken_up_twice(stored: Stored, crews: Any) -> None:
    await stored.make(status="running")
    doors = Doors(OSError("away"))
    crew = crews(doors)

    for _ in range(5):
        crew.attend("job", "job_1")
    await ends(crew)

    assert doors.knocks == 1


async def test_a_ring_that_was_lost_is_made_up_for_by_the_sweep(stored: Stored, crews: Any) -> None:
    await stored.make(status="running")
    crew = crews(Doors(KeyError("a bug")), heartbeat_seconds=0.05)

    crew.start()

    async with asyncio.timeout(10):
        while (await stored.job()).status != "halted":  # noqa: ASYNC110 - the database rings no event
            await asyncio.sleep(0.02)
