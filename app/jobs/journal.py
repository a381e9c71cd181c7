"""The journal in Postgres: moves of many steps share a commit, and only the newest fence writes.

A move waits for its commit. Where Postgres restarts meanwhile, the lease may run out, and then the
fence refuses what is written again.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils import uuid7

from app.db import Database
from app.execution.journal import Entry, LeaseLost
from app.execution.states import StepState
from app.jobs.models import JobStep
from app.manners.gathering import Gathering
from app.planning.inventory import Json
from app.planning.plan import PlannedStep, StepId

_HOLD = text(
    """
    update jobs set last_event = last_event + :events, last_batch = :batch, progress = cast(:progress as jsonb),
                    version = version + 1
    where id = :job and fence = :fence returning last_event
    """
)
_WRITTEN = text("select 1 from jobs where id = :job and fence = :fence and last_batch = :batch")
_MOVE = text(
    """
    update job_steps s set
        state = m.state,
        result = coalesce(cast(m.result as jsonb), s.result),
        error = cast(m.error as jsonb),
        started_at = case when m.state = 'running' then coalesce(s.started_at, clock_timestamp()) else s.started_at end,
        finished_at = case when m.state in ('succeeded', 'failed', 'skipped', 'undone', 'undo_failed')
                           then clock_timestamp() end
    from unnest(cast(:ids as text[]), cast(:states as text[]), cast(:results as text[]), cast(:errors as text[]))
         as m(step_id, state, result, error)
    where s.job_id = :job and s.step_id = m.step_id
    """
)
_EVENTS = text(
    """
    insert into job_events (job_id, seq, type, data)
    select :job, e.seq, e.type, cast(e.data as jsonb)
    from unnest(cast(:seqs as bigint[]), cast(:types as text[]), cast(:datas as text[])) as e(seq, type, data)
    """
)


@dataclass
class _Batch:
    """What one commit writes; a step that moves twice in it keeps its last line, and both events."""

    lines: dict[StepId, Entry] = field(default_factory=dict)
    events: list[tuple[str, str]] = field(default_factory=list)
    id: str = field(default_factory=lambda: uuid7().hex)


class PostgresJournal:
    """One holder's journal of one job."""

    def __init__(self, database: Database, job_id: str, fence: int) -> None:
        self._database = database
        self._job_id = job_id
        self._fence = fence
        self._lines: dict[StepId, Entry] = {}
        self._states: Counter[str] = Counter()
        self._batches: Gathering[_Batch] = Gathering(_Batch, self._persist)

    async def entries(self) -> dict[StepId, Entry]:
        """Where every step stands, as committed."""
        columns = (JobStep.step_id, JobStep.state, JobStep.attempts, JobStep.result, JobStep.error)
        async with self._database.reading() as session:
            rows = (await session.execute(select(*columns).where(JobStep.job_id == self._job_id))).all()
        self._lines = {row[0]: Entry(row[1], row[2], row[3], row[4]) for row in rows}  # type: ignore[arg-type]
        self._states = Counter(entry.state for entry in self._lines.values())
        return dict(self._lines)

    async def move(
        self,
        step: PlannedStep,
        to: StepState,
        *,
        result: Mapping[str, Json] | None = None,
        error: Mapping[str, Json] | None = None,
    ) -> None:
        """Raises IllegalMove, LeaseLost."""
        old = self._lines[step.id]
        line = self._lines[step.id] = old.moved(to, result, error)
        self._states[old.state] -= 1
        self._states[to] += 1
        data = {"step": step.id, "state": to, **({"error": error} if error else {})}

        def put(batch: _Batch) -> None:
            batch.lines[step.id] = line
            batch.events.append((f"step.{to}", json.dumps(data)))

        await self._batches.add(put)

    @property
    def progress(self) -> dict[str, int]:
        """Counts of steps for a person: total, done, running, waiting (for AWS), failed, undone."""
        states = self._states
        return {
            "total": sum(states.values()),
            "done": states["succeeded"] + states["skipped"],
            "running": states["running"] + states["undoing"],
            "waiting": states["verifying"],
            "failed": states["failed"] + states["undo_failed"],
            "undone": states["undone"],
        }

    async def _persist(self, batch: _Batch) -> None:
        async with self._database.transaction() as session:
            if not await self._is_written(session, batch):
                await self._write(session, batch)

    async def _is_written(self, session: AsyncSession, batch: _Batch) -> bool:
        params = {"job": self._job_id, "fence": self._fence, "batch": batch.id}
        return (await session.execute(_WRITTEN, params)).first() is not None

    async def _write(self, session: AsyncSession, batch: _Batch) -> None:
        held = {
            "job": self._job_id,
            "fence": self._fence,
            "batch": batch.id,
            "events": len(batch.events),
            "progress": json.dumps(self.progress),
        }
        last = (await session.execute(_HOLD, held)).scalar_one_or_none()
        if last is None:
            raise LeaseLost(self._job_id)
        if batch.lines:
            lines = list(batch.lines.values())
            moves = {
                "job": self._job_id,
                "ids": list(batch.lines),
                "states": [line.state for line in lines],
                "results": [_json(line.result) for line in lines],
                "errors": [_json(line.error) for line in lines],
            }
            await session.execute(_MOVE, moves)
        first = last - len(batch.events) + 1
        events = {
            "job": self._job_id,
            "seqs": list(range(first, last + 1)),
            "types": [type_ for type_, _ in batch.events],
            "datas": [data for _, data in batch.events],
        }
        await session.execute(_EVENTS, events)


def _json(value: Mapping[str, Json] | None) -> str | None:
    return None if value is None else json.dumps(value, default=str)
