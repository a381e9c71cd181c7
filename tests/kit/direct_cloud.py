"""A Cloud that calls the sandbox's handlers in this process: no wire, no botocore, no throttle and no faults."""

import base64
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from functools import cache
from typing import Any

import jmespath
from botocore import xform_name
from botocore.exceptions import DataNotFoundError
from botocore.loaders import create_loader

from app.aws.boto_cloud import PAGE
from app.aws.errors import meaning
from sandbox.errors import AwsError
from sandbox.service import handlers, prepare
from sandbox.world import ROOT, World

Answer = dict[str, Any]


class DirectClients:
    """Looks like boto3's clients, by service, as far as their methods are calls."""

    def __init__(self, called: "World | DirectCloud") -> None:
        self._cloud = called if isinstance(called, DirectCloud) else DirectCloud(called)

    def __call__(self, service: str) -> "_DirectClient":
        return _DirectClient(self._cloud, service)


class _DirectClient:
    def __init__(self, cloud: "DirectCloud", service: str) -> None:
        self._cloud = cloud
        self._service = service

    def __getattr__(self, name: str) -> Callable[..., Answer]:
        return lambda **params: self._cloud.ask(f"{self._service}.{name}", params)


@dataclass(frozen=True)
class Paging:
    """How botocore pages through an operation."""

    asks: tuple[str, ...]  # request members that take the tokens
    tells: tuple[str, ...]  # JMESPath to them in an answer
    more: str | None  # JMESPath to whether there is more, where a token alone does not say so
    limit: str | None


class DirectCloud:
    """Answers as BotoCloud over the whole wire would (tests/scenarios/test_direct_cloud.py), in a hundredth of
    the time. Requests and answers are not held against botocore's models."""

    def __init__(self, world: World) -> None:
        self._world = world

    @property
    def region(self) -> str:
        return "us-east-1"

    async def call(self, operation: str, /, **params: Any) -> Answer:
        """Raises CloudError."""
        return self.ask(operation, params)

    async def pages(self, operation: str, /, **params: Any) -> AsyncIterator[Answer]:
        """Raises CloudError."""
        paging = _paging(operation)
        if paging is None:
            yield await self.call(operation, **params)
            return
        if paging.limit and not any(key.endswith("Ids") for key in params):  # as BotoCloud
            params = {**params, paging.limit: str(PAGE) if operation.startswith("route53.") else PAGE}
        while True:
            answer = await self.call(operation, **params)
            yield answer
            tokens = [jmespath.search(path, answer) for path in paging.tells]
            if not any(tokens) or (paging.more and not jmespath.search(paging.more, answer)):
                return
            params = {**params, **{ask: token for ask, token in zip(paging.asks, tokens, strict=True) if token}}

    def ask(self, operation: str, params: Mapping[str, Any]) -> Answer:
        """As `call`, for whoever does not await."""
        try:
            return self.handle(operation, params)
        except AwsError as error:
            raise meaning(error.code, error.status)(operation, error.code, error.message) from error

    def handle(self, operation: str, params: Mapping[str, Any]) -> Answer:
        """Raises AwsError, as the handler does."""
        world = self._world
        world.clock.run_due()
        world.random.getrandbits(128)  # the wire's request id: equal seeds give equal histories either way
        world.caller = ROOT
        place = world.place()
        prepare(place)
        service, name = _names()[operation]
        answer = handlers()[service, name](place, _as_read(service, name, params))
        world.clock.run_due()  # what this call set off without delay
        said: Answer = _as_written(answer, 1_000_000 if service == "ec2" else 1)
        return {**said, "ResponseMetadata": {"Date": format_datetime(world.clock.now(), usegmt=True)}}


@cache
def _names() -> Mapping[str, tuple[str, str]]:
    """By "ec2.create_image": the handler's own (service, operation)."""
    return {f"{service}.{xform_name(name)}": (service, name) for service, name in handlers()}


@cache
def _loader() -> Any:
    return create_loader()


@cache
def _paging(operation: str) -> Paging | None:
    service, name = _names()[operation]
    try:
        known = _loader().load_service_model(service, "paginators-1")["pagination"].get(name)
    except DataNotFoundError:
        return None
    if known is None:
        return None
    tokens = _listed(known["input_token"]), _listed(known["output_token"])
    return Paging(*tokens, known.get("more_results"), known.get("limit_key"))


def _listed(value: str | list[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _as_read(service: str, name: str, params: Mapping[str, Any]) -> Answer:
    """A request as the wire would hand it over: copied, EC2's empty lists lost, user data in base64."""
    read: Answer = _copied(params, keep_empty=service != "ec2")
    if name in ("RunInstances", "CreateLaunchConfiguration") and "UserData" in read:
        data = read["UserData"]
        read["UserData"] = base64.b64encode(data.encode() if isinstance(data, str) else data).decode()
    if service == "route53":
        for key in ("Id", "HostedZoneId"):
            if key in read:
                read[key] = read[key].rpartition("/")[2]
    return read


_PLAIN = frozenset({str, int, bool, float, bytes})  # what is handed on as it is; asked first, for speed


def _copied(value: Any, *, keep_empty: bool) -> Any:
    if isinstance(value, Mapping):
        return {
            key: inner if type(inner) in _PLAIN else _copied(inner, keep_empty=keep_empty)
            for key, inner in value.items()
            if keep_empty or inner != []
        }
    if isinstance(value, list | tuple):
        return [inner if type(inner) in _PLAIN else _copied(inner, keep_empty=keep_empty) for inner in value]
    return value


def _as_written(value: Any, grain: int) -> Any:
    """An answer of its own, which later changes of the world do not reach; members that are None are left out,
    and times lose what is finer than so many microseconds."""
    if isinstance(value, dict):
        return {
            key: inner if type(inner) in _PLAIN else _as_written(inner, grain)
            for key, inner in value.items()
            if inner is not None
        }
    if isinstance(value, list):
        return [inner if type(inner) in _PLAIN else _as_written(inner, grain) for inner in value]
    if isinstance(value, datetime):
        return value.replace(microsecond=value.microsecond // grain * grain)
    return value
