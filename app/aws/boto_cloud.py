"""A Cloud on boto3: each call once, in a thread, with its error translated."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Executor
from typing import Any, TypeVar

from app.aws.errors import FOREIGN, translate

T = TypeVar("T")

PAGE = 100  # items a page: within what every paginated describe we use takes

Clients = Callable[[str], Any]  # service -> boto3 client


class BotoCloud:
    """`clients` gives one kept client per service; with `threads` None calls run in the caller's thread."""

    def __init__(self, region: str, clients: Clients, threads: Executor | None) -> None:
        self._region = region
        self._clients = clients
        self._threads = threads

    @property
    def region(self) -> str:
        return self._region

    async def call(self, operation: str, /, **params: Any) -> dict[str, Any]:
        """Raises CloudError."""
        return await self._off_loop(lambda: self._call(operation, params))

    async def pages(self, operation: str, /, **params: Any) -> AsyncIterator[dict[str, Any]]:
        """Raises CloudError. A call that knows no pages is its own only page."""
        pages = await self._off_loop(lambda: self._pages(operation, params))
        while (page := await self._off_loop(lambda: self._next(operation, pages))) is not None:
            yield page

    async def _off_loop(self, work: Callable[[], T]) -> T:
        if self._threads is None:
            return work()
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _method(self, operation: str) -> tuple[Any, str]:
        service, _, name = operation.partition(".")
        return self._clients(service), name

    def _call(self, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        try:
            client, name = self._method(operation)
            answer: dict[str, Any] = getattr(client, name)(**params)
        except FOREIGN as error:
            # Without botocore's own: a log would tell what it says, and it may repeat a secret.
            raise translate(operation, error, params) from None
        return _told(answer)

    def _pages(self, operation: str, params: dict[str, Any]) -> Iterator[dict[str, Any]]:
        try:
            client, name = self._method(operation)
        except FOREIGN as error:
            raise translate(operation, error) from None
        if not client.can_paginate(name):
            return iter([self._call(operation, params)])
        # EC2 refuses MaxResults beside a list of ids.
        by_id = any(key.endswith("Ids") for key in params)
        config = {} if by_id else {"PageSize": PAGE}
        return iter(client.get_paginator(name).paginate(**params, PaginationConfig=config))

    def _next(self, operation: str, pages: Iterator[dict[str, Any]]) -> dict[str, Any] | None:
        try:
            page = next(pages, None)
        except FOREIGN as error:
            raise translate(operation, error) from None
        return None if page is None else _told(page)


def _told(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer, with AWS's request id and its own time of all that boto3 tells of the exchange."""
    told = answer.get("ResponseMetadata", {})
    date = told.get("Date") or told.get("HTTPHeaders", {}).get("date")
    return {**answer, "ResponseMetadata": {"RequestId": told.get("RequestId"), "Date": date}}
