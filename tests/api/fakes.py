"""Whole fakes of the API's ports."""

from collections.abc import AsyncIterator
from typing import Any

from app.accounts.models import Account
from app.cloud import Cloud, CloudError, DryRunPassed


class FakeDoorbell:
    """Remembers who was rung; `answers` False is a queue that cannot be reached."""

    def __init__(self) -> None:
        self.rung: list[tuple[str, str]] = []
        self.answers = True

    async def ring(self, kind: str, id: str) -> None:
        self.rung.append((kind, id))

    async def ping(self) -> bool:
        return self.answers

    async def close(self) -> None:
        self.answers = False


class FakeCloud:
    """Answers with what was put into `answers`, by operation; an error put there is raised."""

    def __init__(self, region: str, answers: dict[str, dict[str, Any] | CloudError]) -> None:
        self.region = region
        self.answers = answers
        self.calls: list[str] = []

    async def call(self, operation: str, /, **params: Any) -> dict[str, Any]:
        self.calls.append(operation)
        answer = self.answers.get(operation, {})
        if isinstance(answer, CloudError):
            raise answer
        if params.get("DryRun"):
            raise DryRunPassed(operation, "DryRunOperation", "Request would have succeeded")
        return answer

    async def pages(self, operation: str, /, **params: Any) -> AsyncIterator[dict[str, Any]]:
        yield await self.call(operation, **params)


class FakeClouds:
    """Opens fake clouds; `answers` go for all regions, `in_region` overrides them for one."""

    def __init__(self) -> None:
        self.answers: dict[str, dict[str, Any] | CloudError] = {}
        self.in_region: dict[str, dict[str, dict[str, Any] | CloudError]] = {}

    def open(self, account: Account, region: str, name: str) -> Cloud:
        return FakeCloud(region, self.answers | self.in_region.get(region, {}))
