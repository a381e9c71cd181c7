"""A Cloud that asks before each call whether it may still be made."""

from collections.abc import AsyncIterator, Callable
from typing import Any

from app.cloud import Cloud


class CheckedCloud:
    """`check` raises what is to be raised instead of the call; pages are asked for one by one."""

    def __init__(self, cloud: Cloud, check: Callable[[], None]) -> None:
        self._cloud = cloud
        self._check = check

    @property
    def region(self) -> str:
        return self._cloud.region

    async def call(self, operation: str, /, **params: Any) -> dict[str, Any]:
        """Raises what `check` raises besides CloudError."""
        self._check()
        return await self._cloud.call(operation, **params)

    async def pages(self, operation: str, /, **params: Any) -> AsyncIterator[dict[str, Any]]:
        self._check()
        async for page in self._cloud.pages(operation, **params):
            yield page
            self._check()
