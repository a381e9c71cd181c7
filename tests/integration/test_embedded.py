"""The embedded servers are real, are reached by the real clients, and leave nothing behind."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from redis.asyncio import Redis
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from landbridge.embedded import database, postgres
from landbridge.embedded_redis import find_program, redis
from landbridge.unprivileged import runner_for


async def ask(url: str, sql: str) -> object:
    engine = create_async_engine(url)
    try:
        async with engine.begin() as connection:
            answer = await connection.execute(text(sql))
            return answer.scalar() if answer.returns_rows else None
    finally:
        await engine.dispose()


def is_gone(pid: int | None) -> bool:
    assert pid is not None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


async def test_the_embedded_postgres_answers_asyncpg_and_is_gone_afterwards() -> None:
    with postgres() as server:
        assert "PostgreSQL" in str(await ask(server.url, "select version()"))
        assert "embedded PostgreSQL" in server.description
        data = Path(str(await ask(server.url, "show data_directory")))
        assert data.exists()
    assert is_gone(server.pid)
    assert not data.exists()


async def test_two_embedded_servers_live_side_by_side() -> None:
    with postgres() as one, postgres() as other:
        await ask(one.url, "create table mine (id int)")
        assert await ask(other.url, "select to_regclass('mine')") is None


async def test_a_given_data_directory_is_taken_up_again() -> None:
    # Not pytest's tmp_path: as root that is root's alone, and root's PostgreSQL runs as somebody else.
    with tempfile.TemporaryDirectory() as home:
        Path(home).chmod(0o755)
        data = Path(home) / "data"
        with postgres(data) as server:
            await ask(server.url, "create table kept as select 7 as n")
        with postgres(data) as server:
            assert await ask(server.url, "select n from kept") == 7


async def test_a_wrong_password_is_refused() -> None:
    with postgres() as server:
        wrong = server.url.replace("landbridge:", "landbridge:x")
        with pytest.raises(Exception, match="password authentication failed"):
            await ask(wrong, "select 1")


def test_a_database_named_in_the_environment_is_used_and_not_started() -> None:
    with database({"LANDBRIDGE_DATABASE_URL": "postgresql+asyncpg://elsewhere/db"}) as server:
        assert server.url == "postgresql+asyncpg://elsewhere/db"
        assert server.pid is None


def test_a_redis_named_in_the_environment_is_used_and_not_started() -> None:
    with redis({"LANDBRIDGE_REDIS_URL": "redis://elsewhere/0"}) as server:
        assert server is not None
        assert server.url == "redis://elsewhere/0"
        assert server.pid is None


async def test_redis_is_started_where_a_program_is_found_and_gone_afterwards() -> None:
    with redis({"PATH": os.environ["PATH"]}) as server:
        if server is None:
            assert find_program(os.environ["PATH"]) is None
            return
        async with Redis.from_url(server.url) as client:
            assert await client.ping()
        async with Redis.from_url(server.url.replace(":", ":x", 2).replace("redis:x", "redis:")) as stranger:
            with pytest.raises(Exception, match="invalid username-password pair|WRONGPASS"):
                await stranger.ping()
    assert is_gone(server.pid)


def test_a_program_on_the_path_comes_before_the_bundled_one(tmp_path: Path) -> None:
    program = tmp_path / "valkey-server"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert find_program(str(tmp_path)) == program


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts PostgreSQL as somebody else")
def test_root_copies_programs_that_the_ordinary_user_cannot_reach(tmp_path: Path) -> None:
    package = tmp_path / "closed" / "package"
    (package / "pginstall18" / "bin").mkdir(parents=True)
    program = package / "pginstall18" / "bin" / "postgres"
    program.write_text("#!/bin/sh\necho started\n")
    program.chmod(0o755)
    (tmp_path / "closed").chmod(0o700)
    with tempfile.TemporaryDirectory() as home:
        runner = runner_for(package, Path(home))
        assert runner.bin.is_relative_to(home)
        assert runner.run("postgres").stdout == "started\n"
