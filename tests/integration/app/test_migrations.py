"""The migrations make the schema that the models describe, and can be taken back."""

import asyncio
from collections.abc import Iterator

import pytest
from alembic import command
from sqlalchemy import make_url

import migrations
from tests.conftest import administer


@pytest.fixture
def empty_database_url(postgres_url: str, testrun_uid: str, worker_id: str) -> Iterator[str]:
    name = f"landbridge_migrations_{testrun_uid[:12]}_{worker_id}"
    asyncio.run(administer(postgres_url, f'create database "{name}"'))
    yield make_url(postgres_url).set(database=name).render_as_string(hide_password=False)
    asyncio.run(administer(postgres_url, f'drop database "{name}" with (force)'))


def test_the_models_and_the_newest_revision_agree(database_url: str) -> None:
    command.check(migrations.config(database_url))


def test_every_revision_can_be_taken_back_and_applied_again(empty_database_url: str) -> None:
    migrations.upgrade(empty_database_url)
    command.downgrade(migrations.config(empty_database_url), "base")
    migrations.upgrade(empty_database_url)


def test_upgrading_an_upgraded_database_changes_nothing(empty_database_url: str) -> None:
    migrations.upgrade(empty_database_url)
    migrations.upgrade(empty_database_url)
    command.check(migrations.config(empty_database_url))
