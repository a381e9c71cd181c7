"""A database as an earlier release left it is brought up to date, and a worker of this one takes its job over."""

import asyncio
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import make_url, text

import migrations
from app.db import Database
from tests.conftest import administer
from tests.journals.house import House
from tests.journals.replaying import Scene, replay
from tests.journals.standing import amiss
from tests.journals.tape import load, name_of, recordings
from tests.kit.account import account
from tests.kit.database_time import run_with_database
from tests.kit.direct_cloud import DirectCloud
from tests.kit.undone import unrestored

WORKER = "worker-of-this-release"


def of_every_release(name: str) -> pytest.MarkDecorator:
    """The recording of that name in each set."""
    return pytest.mark.parametrize("path", [one for one in recordings() if one.name.startswith(name)], ids=name_of)


@pytest.fixture
def empty_database(postgres_url: str) -> Iterator[str]:
    name = f"landbridge_old_{uuid.uuid4().hex[:12]}"
    asyncio.run(administer(postgres_url, f'create database "{name}"'))
    yield make_url(postgres_url).set(database=name).render_as_string(hide_password=False)
    asyncio.run(administer(postgres_url, f'drop database "{name}" with (force)'))


def store(url: str, scene: Scene, migration: str) -> None:
    """The rows in the schema they were written in; then what an update does."""
    command.upgrade(migrations.config(url), migration)

    async def put(database: Database) -> None:
        await House(scene.bench.world, database).put(scene.rows)

    run_with_database(scene.bench.world, url, put)
    migrations.upgrade(url)


def taken_over(url: str, scene: Scene, *, finalize: bool = False) -> str:
    """The newest job's status when a worker of this release has driven it."""

    async def drive(database: Database) -> str:
        house = House(scene.bench.world, database)
        [*_, job] = scene.jobs
        job_id = str(job["id"])
        if finalize:
            await house.approve(str(job["plan_id"]))
            job_id = await house.job(str(job["plan_id"]), "finalize")
        async with database.transaction() as session:  # nobody has heard of the worker that held it
            gone = "update jobs set lease_expires_at = clock_timestamp() - interval '1 second'"
            await session.execute(text(f"{gone} where lease_expires_at is not null"))
        return await house.attend(job_id, DirectCloud(scene.bench.world), WORKER)

    return run_with_database(scene.bench.world, url, drive)


@of_every_release("corner-incremental-launching")
def test_a_job_in_an_old_database_is_finished(path: Path, empty_database: str) -> None:
    tape = load(path)
    scene = replay(tape)
    store(empty_database, scene, tape.migration)

    assert taken_over(empty_database, scene) == "succeeded"
    assert amiss(scene.bench, scene.ends["execute"]) == []


@of_every_release("corner-all-at-once-undoing.")
def test_a_job_in_an_old_database_is_undone(path: Path, empty_database: str) -> None:
    tape = load(path)
    scene = replay(tape)
    store(empty_database, scene, tape.migration)

    assert taken_over(empty_database, scene) == "undone"
    assert unrestored(scene.before, account(scene.bench.look)) == []


@of_every_release("corner-incremental-moved")
def test_what_an_old_database_tells_of_a_move_is_enough_to_finalize_it(path: Path, empty_database: str) -> None:
    tape = load(path)
    scene = replay(tape)
    store(empty_database, scene, tape.migration)

    assert taken_over(empty_database, scene, finalize=True) == "succeeded"
    assert amiss(scene.bench, scene.ends["finalize"]) == []
