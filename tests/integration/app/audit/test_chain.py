"""The audit trail in Postgres: chained, append-only, and telling of every change made behind its back."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from app.audit.chain import Checked, Line, append, verify
from app.audit.trail import AuditedCalls
from app.db import Database
from app.execution.witness import Intent
from landbridge.admin import grant_to

LINES = 5


@pytest.fixture
async def trail(database: Database) -> Database:
    """A database with five lines in its trail."""
    for number in range(LINES):
        await tell(database, Line("tok_1", "api.test", {"number": number, "text": "naïve ✓"}, f"job_{number}", "a/b:c"))
    return database


async def tell(database: Database, *lines: Line) -> None:
    async with database.transaction() as session:
        await append(session, lines)


async def checked(database: Database) -> Checked:
    async with database.transaction() as session:
        return await verify(session)


def whole(found: Checked) -> int:
    """How many lines are good; all there are."""
    assert found.broken is None, found.broken
    return found.lines


async def tamper(database: Database, *statements: str) -> None:
    """As the owner of the tables who has switched their guards off."""
    async with database.transaction() as session:
        await session.execute(text("alter table audit_log disable trigger user"))
        for statement in statements:
            await session.execute(text(statement))
        await session.execute(text("alter table audit_log enable trigger user"))


async def test_what_was_appended_verifies(trail: Database) -> None:
    assert whole(await checked(trail)) == LINES


async def test_an_empty_trail_verifies(database: Database) -> None:
    assert whole(await checked(database)) == 0


@pytest.mark.parametrize(
    ("statement", "broken_at"),
    [
        ("update audit_log set data = replace(data, '2', '7') where seq = 3", 3),
        ("update audit_log set actor = 'tok_2' where seq = 1", 1),
        ("update audit_log set event = 'api.other' where seq = 4", 4),
        ("update audit_log set at = at + interval '1 microsecond' where seq = 2", 2),
        ("update audit_log set job_id = null where seq = 5", 5),
        ("update audit_log set step_id = 'a/b:d' where seq = 5", 5),
        ("update audit_log set id = 'another' where seq = 2", 2),
        ("update audit_log set hash = sha256(hash) where seq = 3", 3),
        ("delete from audit_log where seq = 1", 1),
        ("delete from audit_log where seq = 3", 3),
        ("delete from audit_log where seq = 5", 5),
        ("delete from audit_log", 1),
        ("update audit_log set seq = seq + 100 where seq > 2", 3),
        ("update audit_head set seq = 4, hash = sha256('x')", 6),
    ],
)
async def test_a_line_edited_deleted_or_moved_is_named(trail: Database, statement: str, broken_at: int) -> None:
    await tamper(trail, statement)
    broken = (await checked(trail)).broken
    assert broken is not None
    assert broken.seq == broken_at


async def test_two_lines_that_changed_places_are_named(trail: Database) -> None:
    await tamper(
        trail,
        "update audit_log set seq = 99 where seq = 2",
        "update audit_log set seq = 2 where seq = 3",
        "update audit_log set seq = 3 where seq = 99",
    )
    broken = (await checked(trail)).broken
    assert broken is not None
    assert broken.seq == 2


async def test_a_line_put_in_at_the_beginning_is_named(trail: Database) -> None:
    await tamper(
        trail,
        "insert into audit_log select 0, 'x', at, actor, event, job_id, step_id, data, hash from audit_log limit 1",
    )
    assert (await checked(trail)).broken is not None


@pytest.mark.parametrize(
    "statement",
    ["update audit_log set actor = 'x'", "delete from audit_log", "truncate audit_log", "delete from audit_head"],
)
async def test_even_the_owner_cannot_change_it_by_accident(trail: Database, statement: str) -> None:
    with pytest.raises(DBAPIError, match="append-only"):
        async with trail.transaction() as session:
            await session.execute(text(statement))
    assert (await checked(trail)).broken is None


async def test_appending_twice_after_a_lost_answer_is_appending_once(database: Database) -> None:
    line = Line("tok_1", "api.test", {})
    await tell(database, line)
    await tell(database, line, Line("tok_1", "api.test", {}))
    assert whole(await checked(database)) == 2


async def test_many_hands_append_without_a_gap(database: Database) -> None:
    async def hand(number: int) -> None:
        for _ in range(5):
            await tell(database, Line(f"tok_{number}", "api.test", {}), Line(f"tok_{number}", "api.test", {}))

    await asyncio.gather(*(hand(number) for number in range(8)))
    assert whole(await checked(database)) == 80


async def test_a_workers_intent_is_there_before_its_call_and_its_outcome_after(database: Database) -> None:
    calls = AuditedCalls(database, "job_1", "w1")
    intent = Intent("a.b/c:d", 1, "ec2.run_instances", {"ImageId": "ami-1"})
    names = await asyncio.gather(*(calls.before(intent) for _ in range(20)))
    await calls.after(intent, names[0], {"request_id": "r-1"})
    assert whole(await checked(database)) == 21
    async with database.reading() as session:
        rows = (await session.execute(text("select id, event, actor, step_id from audit_log order by seq"))).all()
    assert {row.id for row in rows[:20]} == set(names)
    assert {(row.event, row.actor, row.step_id) for row in rows[:20]} == {("aws.intent", "worker:w1", "a.b/c:d")}
    assert rows[20].event == "aws.result"


@pytest.fixture
async def as_service(database: Database, database_url: str) -> AsyncIterator[Database]:
    """The same database, as the role that a deployment's API and workers have."""
    role = f"service_{make_url(database_url).database}"
    async with database.transaction() as session:
        await session.execute(text(f"create role \"{role}\" login password 'service'"))
    await asyncio.to_thread(grant_to, database_url, role)
    made = Database(make_url(database_url).set(username=role, password="service").render_as_string(hide_password=False))
    yield made
    await made.close()
    async with database.transaction() as session:
        await session.execute(text(f'drop owned by "{role}"'))
        await session.execute(text(f'drop role "{role}"'))


@pytest.mark.parametrize(
    "statement",
    [
        "update audit_log set actor = 'x'",
        "delete from audit_log",
        "truncate audit_log",
        "insert into audit_log values (9, 'x', now(), 'a', 'e', null, null, '{}', '')",
        "update audit_head set seq = 0",
        "alter table audit_log disable trigger user",
        "drop table audit_log",
        "alter function audit_append rename to other",
        "update alembic_version set version_num = '0001'",
    ],
)
async def test_the_services_role_cannot_change_the_trail(as_service: Database, statement: str) -> None:
    await tell(as_service, Line("tok_1", "api.test", {}))
    with pytest.raises(DBAPIError, match="permission denied|must be owner"):
        async with as_service.transaction() as session:
            await session.execute(text(statement))
    assert whole(await checked(as_service)) == 1


async def test_the_services_role_can_do_its_work(as_service: Database) -> None:
    await tell(as_service, Line("tok_1", "api.test", {}))
    async with as_service.transaction() as session:
        await session.execute(text("delete from idempotency_keys"))
        await session.execute(text("select count(*) from jobs"))
    assert whole(await checked(as_service)) == 1
