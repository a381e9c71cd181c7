"""Gates and single steps: what a person decides while a job stands still."""

from typing import Any, Literal

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import Code, Conflict, NotFound
from app.execution.states import DRIFTED, STEP_MOVES, check_move
from app.jobs.changes import add_event, locked, move, recount
from app.jobs.models import FINAL_STATUSES, Job, JobStep
from app.manners.doorbell import Doorbell, ring_after_commit
from app.resources.drift import GONE

Decision = Literal["retry", "skip", "accept-drift"]
# While a worker drives the job it knows its steps by heart: they are changed only where none does. One that
# keeps at a gate writes no step, and reads them anew when the gate opens.
STANDING: dict[Decision, tuple[str, ...]] = {
    "retry": ("halted",),
    "accept-drift": ("halted",),
    "skip": ("halted", "paused", "waiting_for_approval"),
}
FROM: dict[Decision, tuple[str, ...]] = {
    "retry": ("failed",),
    "skip": ("failed", "pending"),
    "accept-drift": ("failed",),
}
TO: dict[Decision, str] = {"retry": "pending", "skip": "skipped", "accept-drift": "pending"}
EVENTS: dict[Decision, str] = {
    "retry": "step.retried",
    "skip": "step.skipped",
    "accept-drift": "step.drift_accepted",
}

DONE: dict[Decision, str] = {"retry": "retried", "skip": "skipped", "accept-drift": "let off its drift"}


async def approve_gate(session: AsyncSession, job_id: str, gate: str, by: str, doorbell: Doorbell) -> Job:
    """Let the job through a gate, now or when it comes to it; approving again changes nothing.

    Raises NotFound for a gate the job has not got, Conflict for a job that is over.
    """
    job = await locked(session, job_id)
    if gate not in job.gates:
        known = ", ".join(map(str, job.gates)) or "none"
        raise NotFound(f"The job has no gate {gate}; it has these: {known}.")
    if job.status in FINAL_STATUSES:
        raise Conflict(f"The job is {job.status}: it comes to no gate any more.", code=Code.JOB_STATE)
    if gate not in job.approved_gates:
        job.approved_gates = [*job.approved_gates, gate]
        await add_event(session, job, "gate.approved", {"by": by, "gate": gate})
    # Where a worker keeps at the gate and was asked for something else, that comes first.
    if job.status == "waiting_for_approval" and job.requested is None:
        await move(session, job, "running")
        await add_event(session, job, "job.resumed", {"by": by, "status": job.status})
        ring_after_commit(session, doorbell, "job", job.id)
    await session.refresh(job)
    return job


async def decide(session: AsyncSession, job_id: str, step_id: str, decision: Decision, by: str) -> JobStep:
    """Have a failed step tried again, also with the drift that it halted for, or left out; the job goes on when it
    is resumed.

    Raises NotFound, and Conflict where the job or the step does not admit it.
    """
    job = await locked(session, job_id)
    step = await session.get(JobStep, (job_id, step_id), with_for_update=True, populate_existing=True)
    if step is None:
        raise NotFound(f"The job has no step {step_id}; GET /v1/jobs/{job_id}/steps lists those it has.")
    if job.status not in STANDING[decision]:
        raise Conflict(
            f"The job is {job.status}; a step can be {DONE[decision]} while it is {' or '.join(STANDING[decision])}.",
            code=Code.JOB_STATE,
        )
    if step.state not in FROM[decision]:
        raise Conflict(
            f"The step is {step.state}; to {decision} it, it must be {' or '.join(FROM[decision])}.",
            code=Code.JOB_STATE,
        )
    if decision == "accept-drift":
        _accept(job, step)
    check_move(STEP_MOVES, step.state, TO[decision])
    step.state = TO[decision]
    if decision != "skip":
        step.attempts += 0 if _drifted(step) else 1  # what had not begun is not tried a second time
        step.error = step.started_at = step.finished_at = None
    else:
        step.finished_at = await session.scalar(select(func.clock_timestamp()))
    await session.flush()
    await recount(session, job)
    await add_event(session, job, EVENTS[decision], {"by": by, "step": step_id, "state": step.state})
    await session.refresh(step)
    return step


def _drifted(step: JobStep) -> bool:
    return step.error is not None and step.error.get("code") == DRIFTED


def _accept(job: Job, step: JobStep) -> None:
    """Remember the very state that the step's error tells of. Raises Conflict where it tells of none."""
    error: Any = step.error
    if not _drifted(step):
        raise Conflict("The step did not halt for drift: retry or skip it.", code=Code.JOB_STATE)
    known: Any = job.accepted_drift
    accepted: Any = {ref: dict(facts) for ref, facts in known.items()}
    for each in error["changed"]:
        accepted.setdefault(each["ref"], {})[each.get("fact", GONE)] = each["digest"]
    job.accepted_drift = accepted
