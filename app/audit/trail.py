"""A worker's hand in the trail: intents and outcomes of its calls, many to a commit."""

from collections.abc import Mapping

from app.audit.chain import Line, append
from app.audit.models import INTENT
from app.db import Database, Json
from app.execution.witness import Intent
from app.manners.gathering import Gathering


class AuditedCalls:
    """The witness of one job's calls."""

    def __init__(self, database: Database, job_id: str, holder: str) -> None:
        self._database = database
        self._job_id = job_id
        self._actor = f"worker:{holder}"
        self._lines: Gathering[list[Line]] = Gathering(list, self._write)

    async def before(self, intent: Intent) -> str:
        """Returns once the intent is committed, with its line's id."""
        data: dict[str, Json] = {
            "attempt": intent.attempt,
            "operation": intent.operation,
            "params": dict(intent.params),
        }
        return await self._append(intent, INTENT, data)

    async def after(self, intent: Intent, name: str, outcome: Mapping[str, Json]) -> None:
        """Returns once the outcome is committed."""
        told = {key: value for key, value in outcome.items() if value is not None}
        await self._append(intent, "aws.result", {"intent": name, "operation": intent.operation, **told})

    async def _append(self, intent: Intent, event: str, data: Mapping[str, Json]) -> str:
        line = Line(self._actor, event, dict(data), self._job_id, intent.step)
        await self._lines.add(lambda batch: batch.append(line))
        return line.id

    async def _write(self, lines: list[Line]) -> None:
        async with self._database.transaction() as session:
            await append(session, lines)
