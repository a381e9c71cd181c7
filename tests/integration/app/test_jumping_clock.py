"""The machine's clock jumps an hour while a worker has a job in hand: nothing is lost, and nothing lasts longer."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from app.aws.age import Age
from app.aws.sessions import SESSION_SECONDS, Sessions
from app.cloud import Throttled
from app.db import Database
from app.execution.attempts import Attempts, Control
from app.execution.clock import ScaledClock
from app.execution.pacing import PacedCloud
from app.execution.runs import RunFactory
from app.execution.step import Run, Seen, Verdict, Watch
from app.execution.watcher import Watcher
from app.jobs.budget import PostgresBudget
from app.jobs.leases import claim, kept
from tests.integration.app.jobs.conftest import JOB, Stored, planned
from tests.integration.app.jobs.test_leases import HEARTBEAT, Reads, soon

HOUR = timedelta(hours=1)
FASTER = 10_000.0
SOON = 10.0

Jump = Callable[[timedelta], None]


@pytest.fixture
def jump() -> Iterator[Jump]:
    """Sets this process's clock forward or back; what Postgres and the monotonic clock say stays as it was."""
    with time_machine.travel(datetime.now(UTC), tick=True) as traveller:
        yield traveller.shift


@pytest.fixture
def stored(database: Database) -> Stored:
    return Stored(database)


@pytest.mark.parametrize("way", [HOUR, -HOUR], ids=["forward", "back"])
async def test_a_lease_is_neither_lost_nor_kept_longer(
    stored: Stored, database: Database, jump: Jump, way: timedelta
) -> None:
    await stored.make()
    lease, control = await stored.lease(seconds=20.0), Control()
    granted = (await stored.job()).lease_expires_at
    assert granted is not None

    async with kept(database, lease, HEARTBEAT, control):
        jump(way)
        async with asyncio.timeout(SOON):
            while (until := (await stored.job()).lease_expires_at) == granted:  # noqa: ASYNC110 - a row tells nobody
                await asyncio.sleep(HEARTBEAT)
        assert until is not None
        assert timedelta() < until - granted < timedelta(minutes=1)
        assert await claim(database, JOB, "worker-2", 20.0) is None
        assert lease.alive
        assert not control.stopping.is_set()

        jump(-way)
        await stored.expire()
        assert await claim(database, JOB, "worker-2", 20.0) is not None
        await soon(control.stopping)
    assert not lease.alive


@pytest.mark.parametrize("way", [HOUR, -HOUR], ids=["forward", "back"])
async def test_a_worker_whose_clock_is_wrong_takes_over_when_the_lease_is_over_and_not_before(
    stored: Stored, database: Database, jump: Jump, way: timedelta
) -> None:
    await stored.make()
    await stored.lease(seconds=600.0)

    jump(way)

    assert await claim(database, JOB, "worker-2", 600.0) is None
    await stored.expire()
    taken = await claim(database, JOB, "worker-2", 600.0)
    assert taken is not None
    assert taken.alive


def a_run(clock: ScaledClock, attempts: Attempts) -> Run:
    reads = Reads()
    runs = RunFactory("job_1", reads, Watcher(reads, clock).wait, attempts.consistency, lambda id_: None)
    return runs.make(planned(1), 1, recovering=False)


@pytest.mark.parametrize("way", [HOUR, -HOUR], ids=["forward", "back"])
async def test_a_step_is_tried_for_as_long_as_it_would_have_been(jump: Jump, way: timedelta) -> None:
    clock, tries = ScaledClock(FASTER), 0
    attempts = Attempts(clock, Control())

    async def act(run: Run) -> str:
        nonlocal tries
        tries += 1
        if tries == 1:
            jump(way)
        if tries < 4:
            raise Throttled("ec2.create_vpc", "RequestLimitExceeded", "later")
        return "done"

    async with asyncio.timeout(SOON):
        assert await attempts.persist(a_run(clock, attempts), act) == "done"


@pytest.mark.parametrize("way", [HOUR, -HOUR], ids=["forward", "back"])
async def test_what_takes_its_time_is_waited_for_as_long_as_it_would_have_been(jump: Jump, way: timedelta) -> None:
    looks = 0

    def judge(seen: Seen) -> Verdict:
        nonlocal looks
        looks += 1
        if looks == 1:
            jump(way)
        return Verdict("settled" if looks == 3 else "pending")

    watch = Watch("ec2.describe_vpcs", (), "all", "Vpcs", "VpcId", within=1800.0)
    watcher = Watcher(Reads(), ScaledClock(1_000.0))
    async with asyncio.timeout(SOON):
        await watcher.wait(watch, judge)
    await watcher.close()


@pytest.mark.parametrize("way", [HOUR, -HOUR], ids=["forward", "back"])
async def test_a_worker_whose_clock_is_wrong_makes_nobody_wait_for_its_calls(
    database: Database, jump: Jump, way: timedelta
) -> None:
    async with asyncio.timeout(SOON):
        for there in (way, -way, way):
            jump(there)
            for _ in range(3):
                await PacedCloud(Reads(), PostgresBudget(database), ScaledClock(), "shop").call("ec2.create_tags")


@dataclass(frozen=True)
class Opened:
    """An account that is opened by its role."""

    id: str = "acct_1"
    role_arn: str | None = "arn:aws:iam::123456789012:role/landbridge"
    external_id: str = "some"


class Aws:
    """Gives credentials by STS as AWS's own clock has it, and answers everything else with nothing."""

    def __init__(self) -> None:
        self.sessions = 0
        self.now = datetime.now(UTC)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        asked = await reader.readexactly(int(lengths[0].partition(b":")[2]))
        body = "<DescribeVpcsResponse/>"
        if b"AssumeRole" in asked:
            self.sessions += 1
            expires = (self.now + timedelta(seconds=SESSION_SECONDS)).strftime("%Y-%m-%dT%H:%M:%SZ")
            names = {"AccessKeyId": f"ASIA{self.sessions}", "SecretAccessKey": "s", "SessionToken": "t"}
            given = "".join(f"<{name}>{value}</{name}>" for name, value in (names | {"Expiration": expires}).items())
            inner = f"<AssumeRoleResult><Credentials>{given}</Credentials></AssumeRoleResult>"
            body = f"<AssumeRoleResponse>{inner}</AssumeRoleResponse>"
        writer.write(f"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        await writer.drain()
        writer.close()
        await writer.wait_closed()


@pytest.fixture
async def aws(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Aws]:
    made = Aws()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIASANDBOX")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "sandbox")
    monkeypatch.setenv("NO_PROXY", host)
    async with server:
        yield made


async def test_a_clock_that_is_wrong_has_a_session_renewed_once_and_not_with_each_call(aws: Aws, jump: Jump) -> None:
    sessions = Sessions()
    cloud = sessions.open(Opened(), "us-east-1", "job_1")

    async def renewals() -> int:
        before = aws.sessions
        for _ in range(3):
            await cloud.call("ec2.describe_vpcs")
        return aws.sessions - before

    jump(2 * HOUR)  # by this clock what AWS gives has expired already
    assert await renewals() == 1
    jump(-3 * HOUR)  # by this clock it lasts for another three hours; it has lasted no longer for that
    assert await renewals() == 0
    jump(HOUR)  # an hour may have passed, with this machine asleep
    assert await renewals() == 1
    sessions.close()


def test_what_has_passed_is_never_less_than_what_either_clock_says(jump: Jump) -> None:
    age = Age()
    begun = age.now()

    jump(-HOUR)
    assert timedelta() <= age.now() - begun < timedelta(minutes=1)
    jump(HOUR)
    assert HOUR <= age.now() - begun < HOUR + timedelta(minutes=1)
