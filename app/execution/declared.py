"""Holding calls against what was declared: permissions are made from declarations, so one that lacks a call would
fail a move in an account where the role may do no more than it needs.

Here the call is made all the same and told: whoever is in the middle of a cutover is not to suffer for our bug.
Tests refuse it instead.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from typing import Any

import structlog

from app.cloud import Cloud
from app.execution.step import Judge, Step, Watch
from app.planning.inventory import Json

log = structlog.get_logger("landbridge.calls")

Undeclared = Callable[[str, str], None]  # who calls (an action, a kind), and which operation
Wait = Callable[[Watch, Judge], Awaitable[Mapping[str, Json]]]


def tell(caller: str, operation: str) -> None:
    """Leave a warning behind."""
    log.warning("calls.undeclared", caller=caller, operation=operation)


class UndeclaredCall(Exception):
    """A step or kind calls what it does not declare."""


def refuse(caller: str, operation: str) -> None:
    """Raises UndeclaredCall."""
    raise UndeclaredCall(f"{caller} calls {operation}, which it does not declare: add it to its declaration.")


class DeclaredCloud:
    """One caller's Cloud: whatever it calls and has not declared goes to `undeclared` first."""

    def __init__(self, cloud: Cloud, caller: str, declared: Collection[str], undeclared: Undeclared) -> None:
        self._cloud = cloud
        self._caller = caller
        self._declared = declared
        self._undeclared = undeclared

    @property
    def region(self) -> str:
        return self._cloud.region

    async def call(self, operation: str, /, **params: Any) -> dict[str, Any]:
        """Raises CloudError."""
        self._hold(operation)
        return await self._cloud.call(operation, **params)

    def pages(self, operation: str, /, **params: Any) -> AsyncIterator[dict[str, Any]]:
        self._hold(operation)
        return self._cloud.pages(operation, **params)

    def _hold(self, operation: str) -> None:
        if operation not in self._declared:
            self._undeclared(self._caller, operation)


class Declarations:
    """What a job's steps declare. The watcher's reads are made for a step and count as its own."""

    def __init__(self, actions: Mapping[str, Step], undeclared: Undeclared = tell) -> None:
        self._actions = actions
        self._undeclared = undeclared

    def cloud(self, action: str, cloud: Cloud) -> Cloud:
        return DeclaredCloud(cloud, action, self._actions[action].calls, self._undeclared)

    def watches(self, action: str, watch: Watch) -> None:
        """The step is about to have something looked at."""
        if watch.operation not in self._actions[action].calls:
            self._undeclared(action, watch.operation)

    def waiting(self, action: str, wait: Wait) -> Wait:
        """`wait` for that step."""

        async def held(watch: Watch, judge: Judge) -> Mapping[str, Json]:
            self.watches(action, watch)
            return await wait(watch, judge)

        return held
