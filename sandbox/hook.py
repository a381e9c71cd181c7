"""The sandbox without sockets: a boto3 session whose clients talk to a world in this process."""

import io
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, cast

import boto3
import botocore.session
from botocore.awsrequest import AWSPreparedRequest, AWSResponse, HTTPHeaders
from botocore.exceptions import ConnectionClosedError
from botocore.loaders import Loader, create_loader

from sandbox.dispatch import AnswerLostError, answer
from sandbox.wire import HttpRequest
from sandbox.world import World

REGION = "us-east-1"


class _Body(io.BytesIO):
    """What botocore reads an answer's body from."""

    def stream(self, amt: int = 65536, **_: Any) -> Iterator[bytes]:
        while chunk := self.read(amt):
            yield chunk


def connect(world: World, session: boto3.Session | None = None) -> boto3.Session:
    """Have every client made of `session` from now on (default: a new one with made-up credentials in
    us-east-1) be answered by `world`. Lost answers appear as botocore's ConnectionClosedError."""
    session = session or _session()

    def send(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        return _send(world, request)

    session.events.register("before-send", cast("Callable[..., None]", send))  # its stubs forget answers
    return session


def _session() -> boto3.Session:
    core = botocore.session.Session()
    core.register_component("data_loader", _loader())
    return boto3.Session(
        aws_access_key_id="AKIASANDBOX",
        aws_secret_access_key="sandbox",  # noqa: S106 - nobody checks it
        region_name=REGION,
        botocore_session=core,
    )


@cache
def _loader() -> Loader:
    """Shared by all sessions made here: reading EC2's model takes longer than most tests."""
    return create_loader()


def _send(world: World, request: AWSPreparedRequest) -> AWSResponse:
    headers = {key: _text(value) for key, value in request.headers.items()}
    try:
        reply = answer(world, HttpRequest(str(request.method), str(request.url), headers, _bytes(request.body)))
    except AnswerLostError as error:
        raise ConnectionClosedError(endpoint_url=str(request.url)) from error
    return AWSResponse(str(request.url), reply.status, HTTPHeaders.from_dict(reply.headers), _Body(reply.body))


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _bytes(body: Any) -> bytes:
    if body is None:
        return b""
    return body.encode() if isinstance(body, str) else bytes(body)
