"""What a worker process does beside driving jobs: it tidies up, and tells the others what it leaves behind."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError, OperationalError

from app.accounts.models import Account
from app.aws.boto_cloud import BotoCloud
from app.cloud import Cloud
from app.db import Database
from app.manners.models import IdempotencyKey
from app.settings import Settings
from tests.integration.app.jobs.conftest import Stored
from workers.crew import Crew, is_away


@pytest.fixture
def stored(database: Database) -> Stored:
    return Stored(database)


class Heard:
    """A doorbell that remembers its rings."""

    def __init__(self) -> None:
        self.rings: list[tuple[str, str]] = []

    async def ring(self, kind: str, id: str) -> None:
        self.rings.append((kind, id))

    async def ping(self) -> bool:
        return True

    async def close(self) -> None:
        """Nothing to give back."""


class NoClouds:
    """No account is opened here."""

    def open(self, account: Account, region: str, name: str) -> Cloud:
        raise AssertionError(f"{account.id} in {region} was opened")


class Opened(NoClouds):
    """Tells when an account is opened: somebody has taken a job up."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()

    def open(self, account: Account, region: str, name: str) -> Cloud:
        self.opened.set()
        return BotoCloud(region, lambda service: None, threads=None)


def crew_of(database: Database, doorbell: Heard, clouds: NoClouds | None = None) -> Crew:
    return Crew(Settings(idempotency_hours=24), database, clouds or NoClouds(), doorbell)


def key(name: str, age: timedelta) -> IdempotencyKey:
    answer = {
        "method": "POST",
        "path": "/v1/jobs",
        "request_hash": b"0" * 32,
        "status": 202,
        "headers": {},
        "body": b"",
    }
    return IdempotencyKey(principal="tok_1", key=name, created_at=datetime.now(UTC) - age, **answer)


async def test_keys_past_their_time_are_forgotten_and_the_others_kept(database: Database) -> None:
    async with database.transaction() as session:
        session.add_all([key("old", timedelta(hours=25)), key("new", timedelta(hours=23))])

    await crew_of(database, Heard()).tidy()

    async with database.reading() as session:
        assert list(await session.scalars(select(IdempotencyKey.key))) == ["new"]


async def test_what_was_in_hand_when_a_worker_is_sent_away_rings_for_the_others(database: Database) -> None:
    doorbell = Heard()
    crew = crew_of(database, doorbell)
    crew.attend("job", "job_1")
    crew.attend("job", "job_1")

    async with asyncio.timeout(10):
        await crew.stop()

    assert doorbell.rings == [("job", "job_1")]


@pytest.mark.parametrize("left", ["unheard of", "by a dead worker"])
async def test_a_job_that_nobody_attends_to_is_found_without_a_ring(stored: Stored, left: str) -> None:
    await stored.make(steps=1, status="queued")
    if left == "by a dead worker":
        await stored.lease("dead")
        await stored.expire()
    clouds = Opened()
    crew = crew_of(stored.database, Heard(), clouds)

    crew.start()

    async with asyncio.timeout(20):
        await clouds.opened.wait()
        await crew.stop()


async def test_a_job_whose_worker_is_alive_is_left_to_it(stored: Stored) -> None:
    await stored.make(steps=1, status="queued")
    await stored.lease("alive")
    crew = crew_of(stored.database, Heard(), NoClouds())

    await crew.sweep()
    await crew.stop()

    assert (await stored.job()).lease_holder == "alive"


def test_a_database_that_is_away_is_told_from_a_mistake_of_ours() -> None:
    assert is_away(ConnectionRefusedError())
    assert is_away(OperationalError("select 1", {}, Exception("the database system is starting up")))
    assert not is_away(IntegrityError("insert", {}, Exception("duplicate key")))
    assert not is_away(KeyError("counterpart"))
