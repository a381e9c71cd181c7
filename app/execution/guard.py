"""What an executor asks right before a step begins: whether the account is still as the plan takes it to be."""

from collections.abc import Callable
from typing import Protocol

from app.planning.plan import PlannedStep, StepId


class Guard(Protocol):
    """Made for one job's drive."""

    async def look(self, step: PlannedStep, begun: Callable[[StepId], bool]) -> None:
        """Look at what the step relies on. `begun` tells whether a step has been begun when it is asked, by this job
        or the one before it: what such steps change is no drift.

        Raises StepBroken where the step must not begin, CloudError where nothing could be seen.
        """
