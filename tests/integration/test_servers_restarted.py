"""Postgres and Redis that go away in the middle of the shop's move and come back: nothing is lost."""

import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import make_url

from landbridge.dev import Stack, StackOptions
from landbridge.embedded import postgres
from landbridge.embedded_redis import NO_REDIS, find_program
from tests.kit.forwarding import Forwarder
from tests.kit.servers import RedisServer
from tests.kit.shop_over_http import Mover

AWAY_SECONDS = 1.0
# The sweep comes as seldom as the heartbeat: what is taken up sooner was heard of.
UNHURRIED = {"LANDBRIDGE_LEASE_SECONDS": "240", "LANDBRIDGE_HEARTBEAT_SECONDS": "120"}
BRISK = {"LANDBRIDGE_LEASE_SECONDS": "3", "LANDBRIDGE_HEARTBEAT_SECONDS": "0.5"}


@contextmanager
def stack(terms: Mapping[str, str], *, use_redis: bool = False) -> Iterator[Stack]:
    """Everything, with servers of the test's own where `terms` name them."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("LANDBRIDGE_")}
    with Stack(StackOptions(time_scale=200, use_redis=use_redis), environ={**ours, **terms}) as started:
        yield started


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    program = find_program(os.environ.get("PATH"))
    if program is None:
        pytest.skip(NO_REDIS)
    server = RedisServer(program)
    server.start()
    yield server
    server.kill()


def test_a_job_goes_on_without_redis_and_the_next_one_is_heard_of_once_redis_is_back(
    redis_server: RedisServer,
) -> None:
    with stack({**UNHURRIED, "LANDBRIDGE_REDIS_URL": redis_server.url}, use_redis=True) as started:
        mover = Mover(started)
        plan = mover.plan()
        job = mover.start(plan)
        job.wait_until_done(of=20)
        redis_server.kill()
        job.succeeds()
        assert not job.wrongs()

        redis_server.start()
        rehearsal = mover.start(plan, "dry_run")
        rehearsal.wait_until(lambda: rehearsal.status != "queued", seconds=30)
        mover.close()


def test_a_job_is_not_lost_when_postgres_restarts_in_the_middle_of_it() -> None:
    # Not pytest's tmp_path: as root that is root's alone, and root's PostgreSQL runs as somebody else.
    with tempfile.TemporaryDirectory() as home, Forwarder() as forwarder, ExitStack() as server:
        Path(home).chmod(0o755)
        data = Path(home) / "data"
        url = make_url(server.enter_context(postgres(data)).url)
        forwarder.to = url.port
        fixed = url.set(port=forwarder.port).render_as_string(hide_password=False)
        with stack({**BRISK, "LANDBRIDGE_DATABASE_URL": fixed}) as started:
            mover = Mover(started)
            job = mover.start(mover.plan())
            for done in (15, 45):
                job.wait_until_done(of=done)
                forwarder.to = None
                server.close()  # PostgreSQL's fast shutdown: it does not wait for its clients
                time.sleep(AWAY_SECONDS)
                forwarder.to = make_url(server.enter_context(postgres(data)).url).port
                started.check()
            job.succeeds()
            assert not job.wrongs()
            assert "crew.crashed" not in (started.logs / "worker.log").read_text()
            mover.close()
