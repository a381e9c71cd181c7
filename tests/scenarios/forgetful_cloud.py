"""A cloud that carries every change out and then loses the answer, once for each different call."""

from collections.abc import AsyncIterator
from typing import Any

from app.cloud import Cloud, UnknownOutcome

READS = ("describe_", "list_", "get_")
OF_ONE_TRY = frozenset({"ClientToken", "DBSnapshotIdentifier"})  # another one when a person has the step tried again


class ForgetfulCloud:
    """Whoever repeats a change blindly makes two of it, or is refused."""

    def __init__(self, inner: Cloud) -> None:
        self._inner = inner
        self._lost: set[str] = set()

    @property
    def region(self) -> str:
        return self._inner.region

    async def call(self, operation: str, /, **params: Any) -> dict[str, Any]:
        answer = await self._inner.call(operation, **params)
        name = operation.partition(".")[2]
        same = {key: value for key, value in params.items() if key not in OF_ONE_TRY}
        once = f"{operation} {sorted(same.items(), key=lambda pair: pair[0])!r}"
        if not name.startswith(READS) and once not in self._lost:
            self._lost.add(once)
            raise UnknownOutcome(operation, "ReadTimeout", "the answer was lost")
        return answer

    def pages(self, operation: str, /, **params: Any) -> AsyncIterator[dict[str, Any]]:
        return self._inner.pages(operation, **params)
