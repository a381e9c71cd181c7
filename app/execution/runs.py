"""Makes the Run a step is handed: promises filled, token derived, tags set."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from app.cloud import Cloud
from app.execution.declared import Declarations
from app.execution.step import Judge, Result, Run, Watch
from app.execution.witness import Witness, WitnessedCloud
from app.planning.inventory import SOURCE_TAG, Json, Ref
from app.planning.plan import PlannedStep, StepId, promises


def token_of(job_id: str, step: StepId, attempt: int) -> str:
    """64 characters, the same for the same job, step and attempt: a ClientToken that survives a crash."""
    return hashlib.sha256(f"{job_id}/{step}/{attempt}".encode()).hexdigest()


def fill(value: Json, result_of: Callable[[StepId], Result | None]) -> Any:
    """`value` with every promise replaced by what it promised; None where there is no such result."""
    if isinstance(value, Mapping):
        if "$from" in value:
            found: Any = result_of(value["$from"])
            for key in value["$key"].split(".") if found is not None else ():
                found = found.get(key) if isinstance(found, Mapping) else None
            return found
        return {key: fill(inner, result_of) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [fill(inner, result_of) for inner in value]
    return value


class RunFactory:
    """One per job. `wait` and `consistency` are what a Run offers; the latter sleeps whenever it is called."""

    def __init__(
        self,
        job_id: str,
        cloud: Cloud,
        wait: Callable[[Watch, Judge], Awaitable[Mapping[str, Json]]],
        consistency: Callable[[], Awaitable[None]],
        result_of: Callable[[StepId], Result | None],
        witness: Witness | None = None,
        *,
        declarations: Declarations | None = None,
    ) -> None:
        self._witness = witness
        self._declarations = declarations
        self._job_id = job_id
        self._cloud = cloud
        self._wait = wait
        self._consistency = consistency
        self._result_of = result_of

    def make(self, step: PlannedStep, attempt: int, *, recovering: bool) -> Run:
        cloud, wait = self._cloud, self._wait
        if self._witness:
            cloud = WitnessedCloud(cloud, self._witness, step.id, attempt)
        if self._declarations:
            cloud = self._declarations.cloud(step.action, cloud)
            wait = self._declarations.waiting(step.action, wait)
        return Run(
            job_id=self._job_id,
            step_id=step.id,
            subject=Ref.parse(step.subject),
            params=fill(step.params, self._result_of),
            attempt=attempt,
            recovering=recovering,
            fresh=any(True for _ in promises(step.params)) or recovering,
            cloud=cloud,
            token=token_of(self._job_id, step.id, attempt),
            tags=(
                ("landbridge:job", self._job_id),
                ("landbridge:step", step.id),
                (SOURCE_TAG, step.subject),
            ),
            result_of=self._result_of,
            wait=wait,
            consistency=self._consistency if recovering else _nothing_to_wait_for,
        )


async def _nothing_to_wait_for() -> None:
    """A first try made nothing that could still be invisible."""
