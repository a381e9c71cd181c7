"""What becomes of a job when its drive ends: one transaction that also hears what a person asked meanwhile."""

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.db import Database
from app.execution.executor import Outcome
from app.execution.journal import LeaseLost
from app.execution.pacing import Calls
from app.execution.states import JOB_MOVES, check_move
from app.jobs.leases import Lease
from app.jobs.models import FINAL_STATUSES

_LOCK = text(
    """
    select status, requested, on_failure, action, approved_gates from jobs
    where id = :job and fence = :fence for update
    """
)
_HELD = text(
    """
    select status, fence from jobs
    where id = :job and lease_holder = :holder and (status <> 'waiting_for_approval' or wake_at is not null) for update
    """
)
_SET = text(
    """
    update jobs set status = :status, requested = null, error = cast(:error as jsonb), version = version + 1,
        last_event = last_event + 1,
        wake_at = case when cast(:keeping as boolean) then clock_timestamp() end,
        started_at = coalesce(started_at, clock_timestamp()),
        finished_at = case when cast(:final as boolean) then clock_timestamp() end
    where id = :job returning last_event
    """
)
_EVENT = text("insert into job_events (job_id, seq, type, data) values (:job, :seq, :type, cast(:data as jsonb))")
_COUNT = text(
    """
    insert into job_calls as c (job_id, operation, made, throttled, failed)
    values (:job, :operation, :made, :throttled, :failed)
    on conflict (job_id, operation) do update set made = c.made + excluded.made,
        throttled = c.throttled + excluded.throttled, failed = c.failed + excluded.failed
    """
)
_FAILED = text(
    """
    select step_id, error from job_steps where job_id = :job and state in ('failed', 'undo_failed')
    order by seq limit 5
    """
)


@dataclass(frozen=True, slots=True)
class AtGate:
    """What a drive that ends at a gate says of it: the approved gates it had `heard` of, and whether steps go
    on `keeping` what they made true, for which a worker is wanted while the job waits."""

    heard: frozenset[str]
    keeping: bool


async def started(database: Database, lease: Lease) -> bool:
    """Put the job into running; False where a person has paused or cancelled it before it began."""
    async with database.transaction() as session:
        row = await _locked(session, lease)
        if row.requested in ("pause", "cancel", "undo"):
            await _move(session, lease, row.status, _wish(row.requested), None)
            return False
        if row.status == "queued":
            await _move(session, lease, row.status, "running", None, event="job.started")
    return True


async def refuse(database: Database, lease: Lease, error: dict[str, Any]) -> None:
    """Halt before anything was changed."""
    async with database.transaction() as session:
        row = await _locked(session, lease)
        await _move(session, lease, row.status, "halted", error)


async def settle(database: Database, lease: Lease, outcome: Outcome, at_gate: AtGate | None = None) -> str | None:
    """Write the end of a drive: the job's new status, or None where the job stays as it is for the next worker
    because this one is shutting down. `running`: a gate was approved just as the drive came to it."""
    async with database.transaction() as session:
        row = await _locked(session, lease)
        status = _status(outcome, row.requested, row.on_failure)
        if status is None:
            return None
        waits = at_gate if status == "waiting_for_approval" else None
        if waits and not waits.heard.issuperset(row.approved_gates):
            return str(row.status)
        error = await _error(session, lease, status)
        await _move(session, lease, row.status, status, error, keeping=waits is not None and waits.keeping)
    return status


async def left_gate(database: Database, lease: Lease, opened: bool) -> str | None:
    """Write why keeping at a gate ended: the job's status, or None where this worker is shutting down.

    Nothing is written where the gate has opened: who approves it puts the job into running with it.
    """
    async with database.transaction() as session:
        row = await _locked(session, lease)
        if row.requested in ("pause", "cancel", "undo"):
            status = _wish(row.requested)
            await _move(session, lease, row.status, status, None)
            return status
    return str(row.status) if opened else None


def _status(outcome: Outcome, requested: str | None, on_failure: str) -> str | None:
    """The job's next status: what happened, then what a person asked for, then the plan's own policy."""
    if outcome in ("undone", "undo_failed"):
        return outcome
    if outcome == "succeeded":
        return "undoing" if requested == "undo" else "succeeded"
    if requested in ("pause", "cancel", "undo"):
        # A halted job that is asked to pause stays halted: that is the stronger word.
        return "halted" if outcome == "halted" and requested == "pause" else _wish(requested)
    if outcome == "halted":
        return "undoing" if on_failure == "undo" else "halted"
    return "waiting_for_approval" if outcome == "waiting_for_approval" else None


def _wish(requested: str) -> str:
    return {"pause": "paused", "cancel": "cancelled", "undo": "undoing"}[requested]


async def _locked(session: AsyncSession, lease: Lease) -> Any:
    row = (await session.execute(_LOCK, {"job": lease.job_id, "fence": lease.fence})).first()
    if row is None:
        raise LeaseLost(lease.job_id)
    return row


async def _move(
    session: AsyncSession,
    lease: Lease,
    old: str,
    new: str,
    error: dict[str, Any] | None,
    *,
    event: str | None = None,
    keeping: bool = False,
) -> None:
    check_move(JOB_MOVES, old, new)
    values = {
        "keeping": keeping,
        "job": lease.job_id,
        "status": new,
        "error": json.dumps(error) if error else None,
        "final": new in FINAL_STATUSES,
    }
    seq = (await session.execute(_SET, values)).scalar_one()
    data = json.dumps({"status": new, **({"error": error} if error else {})})
    params = {"job": lease.job_id, "seq": seq, "type": event or f"job.{new}", "data": data}
    await session.execute(_EVENT, params)


async def _error(session: AsyncSession, lease: Lease, status: str) -> dict[str, Any] | None:
    """Which steps stand in the way, for somebody who reads nothing but the job."""
    if status not in ("halted", "undo_failed"):
        return None
    rows = (await session.execute(_FAILED, {"job": lease.job_id})).all()
    if not rows:
        return None
    first = rows[0]
    return {
        "code": "step_failed" if status == "halted" else "undo_failed",
        "detail": f"{first.step_id}: {first.error.get('detail', '')}",
        "steps": [row.step_id for row in rows],
    }


async def crashed(database: Database, job_id: str, holder: str) -> None:
    """A bug of ours ended the drive: the job asks for a person instead of crashing worker after worker.

    Quiet where `holder` holds the job no more: what went wrong here says nothing of whoever drives it now.
    """
    async with database.transaction() as session:
        row = (await session.execute(_HELD, {"job": job_id, "holder": holder})).first()
        if row is None:
            return
        detail = "The worker met a bug. The job is safe to resume; report it with the job's id and the log."
        status = "undo_failed" if row.status == "undoing" else "halted"
        if status in JOB_MOVES[row.status]:
            lease = Lease(job_id, row.fence, 0, 0)
            await _move(session, lease, row.status, status, {"code": "internal_error", "detail": detail})


async def count_calls(database: Database, job_id: str, calls: Calls) -> None:
    """Add a drive's calls to the job's."""
    rows = [
        {
            "job": job_id,
            "operation": operation,
            "made": made,
            "throttled": calls.throttled[operation],
            "failed": calls.failed[operation],
        }
        for operation, made in sorted(calls.made.items())
    ]
    if rows:
        async with database.transaction() as session:
            await session.execute(_COUNT, rows)
