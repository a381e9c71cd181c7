"""/v1/jobs/{id}/…: what people ask of a job."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response, status

from app.jobs import control, stepping
from app.jobs.endpoints import OPERATORS, shown
from app.jobs.models import Job as JobRow
from app.jobs.schemas import Job, JobStep
from app.manners.doorbell import TheDoorbell
from app.manners.idempotency import Idempotent
from app.manners.ids import PathId
from app.manners.principals import Caller, Role, admits
from app.manners.transactions import Route, Session

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], route_class=Route)

APPROVERS = Depends(admits(Role.APPROVER))

StepId = Annotated[str, Path(description="a step's id, for example `security_group.create/security_group:sg-1`")]
Gate = Annotated[str, Path(description="for example `before:load_balancers`")]


@router.post("/{job_id}/pause", status_code=status.HTTP_202_ACCEPTED, dependencies=[OPERATORS, Idempotent])
async def pause_job(session: Session, response: Response, job_id: PathId, doorbell: TheDoorbell, caller: Caller) -> Job:
    """Start no further step; those under way come to a safe point."""
    job = await control.ask(session, job_id, "pause", caller.id, doorbell)
    return await asked(session, response, job)


@router.post("/{job_id}/resume", status_code=status.HTTP_202_ACCEPTED, dependencies=[OPERATORS, Idempotent])
async def resume_job(
    session: Session, response: Response, job_id: PathId, doorbell: TheDoorbell, caller: Caller
) -> Job:
    """Go on with a paused or halted job, once what failed has been retried or skipped."""
    job = await control.ask(session, job_id, "resume", caller.id, doorbell)
    return await asked(session, response, job)


@router.post("/{job_id}/cancel", status_code=status.HTTP_202_ACCEPTED, dependencies=[OPERATORS, Idempotent])
async def cancel_job(
    session: Session, response: Response, job_id: PathId, doorbell: TheDoorbell, caller: Caller
) -> Job:
    """End the job where it is. What it has done stays, and can still be undone."""
    job = await control.ask(session, job_id, "cancel", caller.id, doorbell)
    return await asked(session, response, job)


@router.post("/{job_id}/undo", status_code=status.HTTP_202_ACCEPTED, dependencies=[OPERATORS, Idempotent])
async def undo_job(session: Session, response: Response, job_id: PathId, doorbell: TheDoorbell, caller: Caller) -> Job:
    """Take back all that the job has done, latest first; possible until a finalize job has begun."""
    job = await control.ask(session, job_id, "undo", caller.id, doorbell)
    return await asked(session, response, job)


@router.post("/{job_id}/gates/{gate}/approve", dependencies=[APPROVERS, Idempotent])
async def approve_job_gate(
    session: Session, response: Response, job_id: PathId, gate: Gate, doorbell: TheDoorbell, caller: Caller
) -> Job:
    """Let the job through a gate, now or when it comes to it."""
    return await shown(session, response, await stepping.approve_gate(session, job_id, gate, caller.id, doorbell))


# A step's id holds a slash: the converter takes all that stands before the last word.
@router.post("/{job_id}/steps/{step_id:path}/retry", dependencies=[OPERATORS, Idempotent])
async def retry_job_step(session: Session, job_id: PathId, step_id: StepId, caller: Caller) -> JobStep:
    """Have a failed step of a halted job tried again when the job is resumed."""
    return JobStep.of(await stepping.decide(session, job_id, step_id, "retry", caller.id))


@router.post("/{job_id}/steps/{step_id:path}/skip", dependencies=[OPERATORS, Idempotent])
async def skip_job_step(session: Session, job_id: PathId, step_id: StepId, caller: Caller) -> JobStep:
    """Leave a failed or pending step out; what needs its result will not work without it."""
    return JobStep.of(await stepping.decide(session, job_id, step_id, "skip", caller.id))


@router.post("/{job_id}/steps/{step_id:path}/accept-drift", dependencies=[APPROVERS, Idempotent])
async def accept_drift_of_job_step(session: Session, job_id: PathId, step_id: StepId, caller: Caller) -> JobStep:
    """Have a step that halted for drift tried again, with the changes that its error tells of and with no others."""
    return JobStep.of(await stepping.decide(session, job_id, step_id, "accept-drift", caller.id))


async def asked(session: Session, response: Response, job: JobRow) -> Job:
    """The job after a wish that may take a while."""
    response.headers["Location"] = f"/v1/jobs/{job.id}"
    return await shown(session, response, job)
