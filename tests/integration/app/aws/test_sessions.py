"""One call is one request on the wire: boto3 sends nothing again behind our back."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from app.aws.sessions import Sessions
from app.cloud import Throttled, UnknownOutcome

ERROR = "<Response><Errors><Error><Code>{code}</Code><Message>m</Message></Error></Errors></Response>"


@dataclass(frozen=True)
class Opened:
    """An account that is opened with the process's own credentials."""

    id: str = "acct_1"
    role_arn: str | None = None
    external_id: str = "e"


class Wire:
    """A server that counts requests and answers each with `code`, or with nothing at all."""

    def __init__(self) -> None:
        self.requests = 0
        self.code = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        await reader.readexactly(int(lengths[0].partition(b":")[2]))
        self.requests += 1
        if self.code:
            body = ERROR.format(code=self.code).encode()
            writer.write(b"HTTP/1.1 503 No\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
            await writer.drain()
        writer.close()
        await writer.wait_closed()


@pytest.fixture
async def wire(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Wire]:
    made = Wire()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIASANDBOX")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "sandbox")
    monkeypatch.setenv("NO_PROXY", host)
    async with server:
        yield made


@pytest.fixture
async def sessions() -> AsyncIterator[Sessions]:
    made = Sessions()
    yield made
    made.close()


@pytest.mark.parametrize("service_call", ["ec2.create_vpc", "rds.describe_events", "elb.describe_tags"])
async def test_a_call_whose_answer_is_lost_is_sent_once(wire: Wire, sessions: Sessions, service_call: str) -> None:
    params: dict[str, dict[str, Any]] = {
        "ec2.create_vpc": {"CidrBlock": "172.20.0.0/16"},
        "elb.describe_tags": {"LoadBalancerNames": ["front"]},
    }
    with pytest.raises(UnknownOutcome):
        await sessions.open(Opened(), "us-east-1", "job_1").call(service_call, **params.get(service_call, {}))
    assert wire.requests == 1


async def test_a_change_that_is_throttled_or_fails_is_sent_once(wire: Wire, sessions: Sessions) -> None:
    cloud = sessions.open(Opened(), "us-east-1", "job_1")
    wire.code = "RequestLimitExceeded"
    with pytest.raises(Throttled):
        await cloud.call("ec2.create_vpc", CidrBlock="172.20.0.0/16")
    wire.code = "InternalError"
    with pytest.raises(UnknownOutcome):
        await cloud.call("ec2.create_vpc", CidrBlock="172.20.0.0/16")
    assert wire.requests == 2
