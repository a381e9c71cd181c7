"""A world of its own for each test, and clients that talk to it in this process."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from sandbox.hook import connect
from sandbox.world import World

Refused = Callable[[str], Any]


@pytest.fixture
def world() -> World:
    """An empty account that still has EC2-Classic; its clock stands still until a test advances it."""
    return World()


@pytest.fixture
def session(world: World) -> boto3.Session:
    return connect(world)


@pytest.fixture
def once() -> Config:
    """For clients that do not repeat a call."""
    return Config(retries={"total_max_attempts": 1})


@pytest.fixture
def ec2(session: boto3.Session, once: Config) -> Any:
    return session.client("ec2", config=once)


@pytest.fixture
def refused() -> Refused:
    """`with refused("InvalidGroup.NotFound"):` expects AWS's refusal with exactly this code."""

    @contextmanager
    def expect(code: str) -> Iterator[None]:
        with pytest.raises(ClientError) as caught:
            yield
        assert caught.value.response["Error"]["Code"] == code

    return expect
