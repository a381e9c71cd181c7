"""The operations the sandbox knows, found by walking the service folders."""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import sandbox
from sandbox.world import Place

Handler = Callable[[Place, Mapping[str, Any]], dict[str, Any]]

Preparation = Callable[[Place], None]

_preparations: list[Preparation] = []
_handlers: dict[tuple[str, str], Handler] = {}


def operation(service: str, name: str) -> Callable[[Handler], Handler]:
    """Register a handler for `service`'s operation `name` (botocore's names).

    A handler takes the place and the request as boto3 would have it and returns the response as
    boto3 would show it; it raises AwsError to refuse.
    """

    def register(handler: Handler) -> Handler:
        _handlers[service, name] = handler
        return handler

    return register


@cache
def handlers() -> Mapping[tuple[str, str], Handler]:
    """All handlers by (service, operation), after loading every module of every service folder."""
    for package in pkgutil.iter_modules(sandbox.__path__, "sandbox."):
        if package.ispkg:
            module = importlib.import_module(package.name)
            for inner in pkgutil.iter_modules(module.__path__, package.name + "."):
                importlib.import_module(inner.name)
    return _handlers


@cache
def services() -> frozenset[str]:
    """The services that have operations here, by botocore's names."""
    return frozenset(service for service, _ in handlers())


def in_every_place(preparation: Preparation) -> Preparation:
    """Register what AWS itself puts into every account and region: run once, before the first request."""
    _preparations.append(preparation)
    return preparation


def prepare(place: Place) -> None:
    """Run the preparations, unless that was done."""
    if not place.prepared:
        place.prepared = True
        handlers()
        for preparation in _preparations:
            preparation(place)
