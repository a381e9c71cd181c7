"""Dry run: the same plan and the same executor, over steps that stop at their first change.

EC2 answers DryRun with a permission check (not capacity, quota or state); services that have no
DryRun are not called at all (aws-facts, "DryRun").
"""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from app.cloud import Cloud, DryRunPassed
from app.execution.calls import Calls
from app.execution.pacing import is_read
from app.execution.step import Result, Run, Step
from app.planning.context import Context
from app.planning.inventory import Resource
from app.planning.plan import Draft, PlannedStep

# aws-facts: of the changing EC2 calls we need, only these take no DryRun.
WITHOUT_DRY_RUN = {
    "ec2.modify_vpc_attribute",
    "ec2.modify_subnet_attribute",
    "ec2.enable_vpc_classic_link_dns_support",
    "ec2.disable_vpc_classic_link_dns_support",
}


class _WouldChange(Exception):
    """The first changing call of a step; `checked` where AWS said that it would be allowed."""

    def __init__(self, operation: str, checked: bool) -> None:
        super().__init__(operation)
        self.operation = operation
        self.checked = checked


class _ReadingCloud:
    """Passes reads on and turns the first change into a DryRun."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    @property
    def region(self) -> str:
        return self._cloud.region

    async def call(self, operation: str, /, **params: Any) -> dict[str, Any]:
        if is_read(operation):
            return await self._cloud.call(operation, **params)
        if not operation.startswith("ec2.") or operation in WITHOUT_DRY_RUN:
            raise _WouldChange(operation, checked=False)
        with suppress(DryRunPassed):
            await self._cloud.call(operation, **params, DryRun=True)
        raise _WouldChange(operation, checked=True)

    def pages(self, operation: str, /, **params: Any) -> AsyncIterator[dict[str, Any]]:
        return self._cloud.pages(operation, **params)


class Rehearsed(Step):
    """A step whose do() finds out what it would change, and changes nothing."""

    subject = "any"
    phase = "prepare"

    def __init__(self, step: Step) -> None:
        self._step = step

    @property
    def action(self) -> str:  # type: ignore[override]
        return self._step.action

    @property
    def calls(self) -> Calls:  # type: ignore[override]
        return self._step.calls

    def plan(self, resource: Resource, ctx: Context) -> Draft | None:
        return self._step.plan(resource, ctx)

    async def do(self, run: Run) -> Result:
        """{"would_call", "allowed"}: allowed is "yes", or "not asked" where only doing it would tell."""
        if _incomplete(run.params):
            return {"allowed": "not asked", "why": "needs what earlier steps will have made"}
        await self._step.check(run)
        try:
            await self._step.do(replace(run, cloud=_ReadingCloud(run.cloud)))
        except _WouldChange as found:
            return {"would_call": found.operation, "allowed": "yes" if found.checked else "not asked"}
        return {"allowed": "yes", "why": "nothing to change"}

    async def undo(self, run: Run, result: Result | None) -> None:
        """Nothing was changed."""


def rehearsed(actions: Mapping[str, Step]) -> dict[str, Step]:
    return {action: Rehearsed(step) for action, step in actions.items()}


def unheld(steps: Iterable[PlannedStep]) -> list[PlannedStep]:
    """The steps without the time they hold: where nothing was changed there is nothing to wait out."""
    return [replace(step, hold_seconds=0.0) for step in steps]


def _incomplete(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_incomplete(inner) for inner in value.values())
    if isinstance(value, list):
        return any(_incomplete(inner) for inner in value)
    return value is None
