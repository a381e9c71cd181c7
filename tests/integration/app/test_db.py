"""Sessions: what is committed, when, and what follows a commit."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.db import Database, after_commit, violated
from app.jobs.models import FINAL_STATUSES, HOLDS_ITS_ACCOUNT, Pacing


async def test_work_is_visible_to_others_only_when_the_block_has_ended(database: Database) -> None:
    async with database.reading() as other:
        async with database.transaction() as session:
            session.add(Pacing(key="a", tat=1.0))
            await session.flush()
            assert await other.get(Pacing, "a") is None
        assert await other.get(Pacing, "a") is not None


async def test_an_error_undoes_everything_and_nothing_follows(database: Database) -> None:
    rung: list[str] = []

    async def ring() -> None:
        rung.append("ring")

    async def fail_after_work() -> None:
        async with database.transaction() as session:
            session.add(Pacing(key="a", tat=1.0))
            await session.flush()
            after_commit(session, ring)
            raise LookupError

    with pytest.raises(LookupError):
        await fail_after_work()
    async with database.reading() as session:
        assert await session.get(Pacing, "a") is None
    assert rung == []


async def test_what_was_to_follow_the_commit_sees_what_was_committed(database: Database) -> None:
    seen: list[Pacing | None] = []

    async def look() -> None:
        async with database.reading() as other:
            seen.append(await other.get(Pacing, "a"))

    async with database.transaction() as session:
        after_commit(session, look)
        session.add(Pacing(key="a", tat=1.0))
    assert [row and row.tat for row in seen] == [1.0]


async def test_a_refused_statement_names_the_constraint(database: Database) -> None:
    async def insert() -> None:
        async with database.transaction() as session:
            await session.execute(text("insert into pacing (key, tat) values ('a', 1)"))

    await insert()
    with pytest.raises(IntegrityError) as refused:
        await insert()
    assert violated(refused.value) == "pk_pacing"


def test_the_index_that_holds_an_account_and_the_final_statuses_say_the_same() -> None:
    assert all(f"'{status}'" in HOLDS_ITS_ACCOUNT.text for status in FINAL_STATUSES)
    assert HOLDS_ITS_ACCOUNT.text.count("'") == 2 * (len(FINAL_STATUSES) + 1)
