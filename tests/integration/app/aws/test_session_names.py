"""Whose session it is: the account's role is assumed with its ExternalId, under the name of what it is opened for."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
import uvicorn

from app.aws import sessions as module
from app.aws.sessions import Sessions
from app.cloud import Cloud, Denied
from app.db import new_id
from sandbox.running import Running
from sandbox.server import Server

ROLE = "arn:aws:iam::123456789012:role/path/mover"
OURS = "between-us"


@dataclass(frozen=True)
class Held:
    """An account that is opened with a role."""

    id: str = "acct_1"
    role_arn: str | None = ROLE
    external_id: str = OURS


@pytest.fixture
async def aws(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Running]:
    """A simulated AWS on the loopback, where the role demands the ExternalId."""
    running = Running(time_scale=1.0)
    running.world.roles[ROLE] = OURS
    server = uvicorn.Server(uvicorn.Config(Server(running), port=0, log_level="warning", lifespan="off"))
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn tells nobody when it has
        await asyncio.sleep(0.01)
    host, port = server.servers[0].sockets[0].getsockname()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "AKIASANDBOX",
        "AWS_SECRET_ACCESS_KEY": "sandbox",
        "NO_PROXY": host,
    }.items():
        monkeypatch.setenv(name, value)
    yield running
    server.should_exit = True
    await serving


@pytest.fixture
async def sessions(aws: Running) -> AsyncIterator[Sessions]:
    made = Sessions()
    yield made
    made.close()


async def arn(cloud: Cloud) -> str:
    """Who AWS says that we are."""
    return str((await cloud.call("sts.get_caller_identity"))["Arn"])


def assumed(running: Running) -> int:
    return running.world.calls.made("sts.AssumeRole")


async def test_a_session_is_named_for_the_job_it_is_opened_for(aws: Running, sessions: Sessions) -> None:
    jobs = [new_id("job"), new_id("job"), new_id("inv")]

    found = [await arn(sessions.open(Held(), "us-east-1", job)) for job in jobs]

    assert found == [f"arn:aws:sts::123456789012:assumed-role/mover/{job}" for job in jobs]


async def test_a_session_is_kept_for_its_job_account_and_region(aws: Running, sessions: Sessions) -> None:
    for _ in range(3):
        await arn(sessions.open(Held(), "us-east-1", "job_1"))
    assert assumed(aws) == 1

    await arn(sessions.open(Held(), "eu-west-1", "job_1"))
    await arn(sessions.open(Held(id="acct_2"), "us-east-1", "job_1"))
    assert assumed(aws) == 3


async def test_a_session_lasts_an_hour_at_most_and_is_renewed_before_it_ends(aws: Running, sessions: Sessions) -> None:
    cloud = sessions.open(Held(), "us-east-1", "job_1")
    await arn(cloud)

    for minutes, times in ((40, 1), (50, 2), (120, 3)):
        with time_machine.travel(datetime.now(UTC) + timedelta(minutes=minutes)):
            assert (await arn(cloud)).endswith("/job_1")
        assert assumed(aws) == times


@pytest.mark.parametrize("guess", ["a guess", OURS.upper(), OURS[:-1]])
async def test_without_its_external_id_nobody_is_let_in(aws: Running, sessions: Sessions, guess: str) -> None:
    with pytest.raises(Denied):
        await arn(sessions.open(Held(external_id=guess), "us-east-1", "job_1"))


async def test_what_is_not_used_any_more_is_let_go(
    aws: Running, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KEPT", 2)
    first = sessions.open(Held(), "us-east-1", "job_1")
    for job in ("job_2", "job_3"):
        await arn(first)
        await arn(sessions.open(Held(), "us-east-1", job))
    assert assumed(aws) == 3  # the first was used all along

    await arn(sessions.open(Held(), "us-east-1", "job_2"))
    assert assumed(aws) == 4


async def test_jobs_that_begin_at_once_have_each_its_own_session(aws: Running, sessions: Sessions) -> None:
    jobs = [f"job_{number}" for number in range(8)]

    found = await asyncio.gather(*(arn(sessions.open(Held(), "us-east-1", job)) for job in jobs for _ in range(2)))

    assert [one.rpartition("/")[2] for one in found] == [job for job in jobs for _ in range(2)]
    assert assumed(aws) == len(jobs)
