"""A request's changes are made whole, before its answer leaves, or not at all."""

from fastapi import APIRouter, FastAPI, Response
from sqlalchemy import func, select, text

from app.db import Database
from app.errors import Conflict
from app.manners.doorbell import TheDoorbell, ring_after_commit
from app.manners.idempotency import Idempotent
from app.manners.models import IdempotencyKey
from app.manners.transactions import Route, Session
from tests.api.conftest import Client
from tests.api.fakes import FakeDoorbell

ADD = text("insert into pacing (key, tat) values ('a', 1)")


def with_routes(app: FastAPI) -> None:
    """Operations that change something, and end in different ways."""
    router = APIRouter(prefix="/tests", route_class=Route)

    @router.post("/succeeds")
    async def succeeds(session: Session, doorbell: TheDoorbell) -> None:
        await session.execute(ADD)
        ring_after_commit(session, doorbell, "job", "job_1")

    @router.post("/refuses")
    async def refuses(session: Session, doorbell: TheDoorbell) -> None:
        await session.execute(ADD)
        ring_after_commit(session, doorbell, "job", "job_1")
        raise Conflict("Something stands in the way.")

    @router.post("/fails-to-commit-with-a-key", dependencies=[Idempotent])
    @router.post("/fails-to-commit")
    async def fails_to_commit(session: Session, response: Response) -> None:
        response.headers["Location"] = "/never"
        await session.execute(ADD)
        await session.execute(
            text("create temporary table once (a int primary key deferrable initially deferred) on commit drop")
        )
        await session.execute(text("insert into once values (1), (1)"))

    @router.get("/count")
    async def count(session: Session) -> int:
        found: int | None = await session.scalar(text("select count(*) from pacing"))
        return found or 0

    app.include_router(router)


async def test_what_succeeded_is_stored_and_the_workers_are_told(
    app: FastAPI, anonymous: Client, doorbell: FakeDoorbell
) -> None:
    with_routes(app)
    assert (await anonymous.post("/tests/succeeds")).status_code == 200
    assert (await anonymous.get("/tests/count")).json() == 1
    assert doorbell.rung == [("job", "job_1")]


async def test_what_was_refused_leaves_nothing_behind(app: FastAPI, anonymous: Client, doorbell: FakeDoorbell) -> None:
    with_routes(app)
    assert (await anonymous.post("/tests/refuses")).status_code == 409
    assert (await anonymous.get("/tests/count")).json() == 0
    assert doorbell.rung == []


async def test_an_answer_that_the_database_does_not_accept_is_never_sent(app: FastAPI, anonymous: Client) -> None:
    with_routes(app)
    answer = await anonymous.post("/tests/fails-to-commit")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "Location" not in answer.headers
    assert (await anonymous.get("/tests/count")).json() == 0


async def test_the_key_of_an_answer_that_was_never_sent_may_be_used_again(
    app: FastAPI, admin: Client, database: Database
) -> None:
    with_routes(app)
    answer = await admin.post("/tests/fails-to-commit-with-a-key", headers={"Idempotency-Key": "k-1"})
    assert answer.status_code == 500
    async with database.reading() as session:
        assert await session.scalar(select(func.count()).select_from(IdempotencyKey)) == 0
