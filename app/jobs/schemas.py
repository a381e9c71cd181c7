"""What goes in and out of the job endpoints."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

from app.jobs.control import allowed
from app.jobs.models import FINAL_STATUSES
from app.jobs.models import Job as JobRow
from app.jobs.models import JobEvent as EventRow
from app.jobs.models import JobStep as StepRow
from app.jobs.service import Action
from app.manners.absent import without_nulls
from app.manners.ids import BodyId
from app.manners.pages import Page
from app.plans.schemas import PlanEstimate


class JobCreate(BaseModel):
    """Which plan to run, and how far: rehearse it, carry it out, or destroy the sources of what moved."""

    model_config = ConfigDict(extra="forbid")

    plan_id: BodyId
    action: Action


class JobProgress(BaseModel):
    """How many steps are how far."""

    total: int = 0
    done: int = 0
    running: int = 0
    waiting: int = Field(default=0, description="waiting for AWS")
    failed: int = 0
    undone: int = 0


class JobError(BaseModel):
    """What stands in the way, and what to do; may say more."""

    model_config = ConfigDict(extra="allow")

    code: str
    detail: str


class JobGate(BaseModel):
    """A point where the job waits for a person."""

    gate: str
    approved: bool


class JobLinks(BaseModel):
    """Where to go from here; what may be asked of the job now has a link, to POST to."""

    self: str
    plan: str
    steps: str
    events: str
    report: str
    pause: str | None = None
    resume: str | None = None
    cancel: str | None = None
    undo: str | None = None
    undo_preview: str = Field(description="to GET: what an undo would do now, and what it would not put back")
    approve_gate: str | None = Field(default=None, description="of the gate the job waits at")


class Job(BaseModel):
    """One run of a plan."""

    id: str
    plan_id: str
    account_id: str
    region: str
    action: str = Field(description="dry_run, execute or finalize")
    status: str = Field(
        description="queued, running, paused, waiting_for_approval, halted, succeeded, cancelled, undoing, undone "
        "or undo_failed"
    )
    done: bool = Field(description="nothing more happens by itself, and the account is free for another job")
    requested: str | None = Field(default=None, description="what was asked for and not taken up yet")
    progress: JobProgress
    error: JobError | None = None
    gates: list[JobGate]
    on_failure: str
    estimate: PlanEstimate | None = Field(default=None, description="for an execute job")
    links: JobLinks
    created_by: str
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None

    @classmethod
    def of(cls, row: JobRow, estimates: Mapping[str, Any]) -> Self:
        """The job as its readers see it; `estimates` are plans' by id."""
        columns = {name: getattr(row, name) for name in cls.model_fields if hasattr(row, name)}
        shown = {
            "done": row.status in FINAL_STATUSES,
            "gates": [{"gate": gate, "approved": gate in row.approved_gates} for gate in row.gates],
            "estimate": estimates.get(row.plan_id) if row.action == "execute" else None,
            "links": links(row),
        }
        return cls.model_validate({**columns, **shown})


def links(row: JobRow) -> dict[str, str]:
    """Where a job's readings are, and what may be asked of it now."""
    here = f"/v1/jobs/{row.id}"
    found = {"self": here, "plan": f"/v1/plans/{row.plan_id}"}
    found |= {name: f"{here}/{name}" for name in ("steps", "events", "report", *allowed(row))}
    found["undo_preview"] = f"{here}/undo"
    closed = [gate for gate in row.gates if gate not in row.approved_gates]
    if row.status == "waiting_for_approval" and closed:
        found["approve_gate"] = f"{here}/gates/{closed[0]}/approve"
    return found


class JobList(Page[Job]):
    """A page of jobs, newest first."""


class JobStep(BaseModel):
    """Where one step of a job stands."""

    id: str
    seq: int
    action: str
    subject: str
    phase: str
    state: str = Field(
        description="pending, running, verifying, succeeded, failed, skipped, undoing, undone or undo_failed"
    )
    attempts: int
    result: dict[str, Any] | None = None
    error: JobError | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None

    @classmethod
    def of(cls, row: StepRow) -> Self:
        """The step as its readers see it."""
        columns = {name: getattr(row, name) for name in cls.model_fields if name != "id"}
        return cls.model_validate({**columns, "id": row.step_id, "result": without_nulls(row.result)})


class JobStepList(Page[JobStep]):
    """A page of a job's steps, in the plan's order."""


class JobEvent(BaseModel):
    """Something that happened; `seq` has no gaps within a job."""

    seq: int
    type: str = Field(description="for example job.started, step.succeeded, gate.reached")
    at: datetime
    data: dict[str, Any]

    @classmethod
    def of(cls, row: EventRow) -> Self:
        """The event as its readers see it."""
        return cls(seq=row.seq, type=row.type, at=row.at, data=row.data)


class JobEventList(Page[JobEvent]):
    """A page of a job's events, in order."""
