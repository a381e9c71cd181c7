"""Witnessing: each changing call is told before it goes out, and what came of it afterwards."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from app.cloud import Cloud, CloudError
from app.execution.hiding import hidden
from app.execution.pacing import is_read
from app.planning.inventory import Json
from app.planning.plan import StepId


@dataclass(frozen=True, slots=True)
class Intent:
    """A changing call that is about to be made, with its parameters as a reader may see them."""

    step: StepId
    attempt: int
    operation: str
    params: Mapping[str, Json]


class Witness(Protocol):
    """Takes down what is called."""

    async def before(self, intent: Intent) -> str:
        """Returns once the intent is kept for good, with the name it is kept under."""
        ...

    async def after(self, intent: Intent, name: str, outcome: Mapping[str, Json]) -> None:
        """`outcome`: {"request_id"} of a call that succeeded, and {"error": {"code", "message"}} besides of one
        that did not."""
        ...


class WitnessedCloud:
    """One step's Cloud. A call is not made unless its intent is kept; reads pass unseen.

    A call whose outcome is never told was cut off by a crash: it may have been made or not.
    """

    def __init__(self, cloud: Cloud, witness: Witness, step: StepId, attempt: int) -> None:
        self._cloud = cloud
        self._witness = witness
        self._step = step
        self._attempt = attempt

    @property
    def region(self) -> str:
        return self._cloud.region

    async def call(self, operation: str, /, **params: Any) -> dict[str, Any]:
        """Raises CloudError."""
        if is_read(operation):
            return await self._cloud.call(operation, **params)
        intent = Intent(self._step, self._attempt, operation, hidden(params))
        name = await self._witness.before(intent)
        try:
            answer = await self._cloud.call(operation, **params)
        except CloudError as error:
            refusal = {"code": error.code, "message": error.message}
            await self._witness.after(intent, name, {"request_id": error.request_id, "error": refusal})
            raise
        request_id = answer.get("ResponseMetadata", {}).get("RequestId")
        await self._witness.after(intent, name, {"request_id": request_id})
        return answer

    def pages(self, operation: str, /, **params: Any) -> AsyncIterator[dict[str, Any]]:
        return self._cloud.pages(operation, **params)
