"""What an administrator does beside the API, against a real database."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from app.db import Database
from app.manners.principals import Role as ApiRole
from app.tokens.models import Token
from app.tokens.secrets import hash_of
from landbridge.admin import check_migrations, spec_has_drifted, write_spec
from landbridge.cli import Role


async def landbridge(database_url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "LANDBRIDGE_DATABASE_URL": database_url}
    command = [sys.executable, "-m", "landbridge", *arguments]
    return await asyncio.to_thread(subprocess.run, command, env=environ, capture_output=True, text=True, check=False)


async def test_a_token_is_printed_once_and_only_its_hash_is_kept(database: Database, database_url: str) -> None:
    arguments = ["token", "create", "--name", "ann", "--role", "approver", "--expires-in", "2h"]
    answer = await landbridge(database_url, *arguments)
    assert answer.returncode == 0, answer.stderr
    secret = answer.stdout.strip()
    async with database.reading() as session:
        token = (await session.scalars(select(Token))).one()
    assert (token.name, token.role, token.hash) == ("ann", "approver", hash_of(secret))
    assert token.expires_at is not None
    assert abs(token.expires_at - datetime.now(UTC) - timedelta(hours=2)) < timedelta(minutes=1)


async def test_a_database_is_upgraded_as_often_as_one_likes(database_url: str) -> None:
    answer = await landbridge(database_url, "db", "upgrade")
    assert answer.returncode == 0
    assert "The database is at revision" in answer.stderr


def test_the_migrations_make_what_the_models_say() -> None:
    assert check_migrations() is None


def test_the_console_offers_the_roles_that_the_api_knows() -> None:
    assert {role.value for role in Role} == {role.value for role in ApiRole}


def test_a_spec_that_was_just_written_has_not_drifted(tmp_path: Path) -> None:
    path = tmp_path / "openapi" / "openapi.json"
    assert spec_has_drifted(path)
    write_spec(path)
    assert not spec_has_drifted(path)
    path.write_text("{}")
    assert spec_has_drifted(path)
