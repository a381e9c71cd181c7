"""The tables of a job: its row and lease, and the journal of its steps, events and calls."""

from sqlalchemy import Double, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Count, Created, Id, JsonItems, JsonMap, Moment, Name, PrimaryId, Version

# In these the job holds its account and region no more. A succeeded job may still be undone: that
# takes the hold again, and the index below refuses it while another job has it.
FINAL_STATUSES = frozenset({"succeeded", "cancelled", "undone", "undo_failed"})

HOLDS_ITS_ACCOUNT = text("action <> 'dry_run' and status not in ('succeeded', 'cancelled', 'undone', 'undo_failed')")


class Job(Base):
    """One run of a plan. Only the holder of the newest `fence` writes its journal."""

    __tablename__ = "jobs"
    __table_args__ = (
        Index("uq_jobs_holder", "account_id", "region", unique=True, postgresql_where=HOLDS_ITS_ACCOUNT),
        Index(None, "lease_expires_at", postgresql_where=text("finished_at is null")),
    )

    id: Mapped[PrimaryId]
    plan_id: Mapped[Id] = mapped_column(ForeignKey("plans.id", ondelete="CASCADE"), index=True)
    account_id: Mapped[Id] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    region: Mapped[Name]
    action: Mapped[Name]
    status: Mapped[Name] = mapped_column(server_default="queued")
    # What a person asked for and the worker has not taken up yet: pause, resume, cancel, undo.
    requested: Mapped[Name | None]
    gates: Mapped[JsonItems] = mapped_column(server_default=text("'[]'"))
    approved_gates: Mapped[JsonItems] = mapped_column(server_default=text("'[]'"))
    # What a person has said yes to of what changed since the plan was made: by ref and fact, the digest of what is
    # there now.
    accepted_drift: Mapped[JsonMap] = mapped_column(server_default=text("'{}'"))
    progress: Mapped[JsonMap] = mapped_column(server_default=text("'{}'"))
    error: Mapped[JsonMap | None]
    on_failure: Mapped[Name] = mapped_column(server_default="halt")
    fence: Mapped[Count]
    # The newest event's number, and the journal's newest batch: a commit whose answer was lost is
    # known by it and not written twice.
    last_event: Mapped[Count]
    last_batch: Mapped[Name | None]
    lease_holder: Mapped[Name | None]
    lease_expires_at: Mapped[Moment | None]
    # From when on a worker is wanted although the job waits for a person: it keeps what steps made true.
    wake_at: Mapped[Moment | None]
    created_by: Mapped[Name]
    created_at: Mapped[Created]
    started_at: Mapped[Moment | None]
    finished_at: Mapped[Moment | None]
    version: Mapped[Version]


class JobStep(Base):
    """Where one step of a job stands; `seq` is its place in the plan, `result` what its do() returned."""

    __tablename__ = "job_steps"
    __table_args__ = (Index(None, "job_id", "seq"), Index(None, "job_id", "state", "seq"))

    job_id: Mapped[Id] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    step_id: Mapped[Name] = mapped_column(primary_key=True)
    seq: Mapped[int]
    action: Mapped[Name]
    subject: Mapped[Name]
    phase: Mapped[Name]
    state: Mapped[Name] = mapped_column(server_default="pending")
    attempts: Mapped[Count]
    result: Mapped[JsonMap | None]
    error: Mapped[JsonMap | None]
    started_at: Mapped[Moment | None]
    finished_at: Mapped[Moment | None]


class JobEvent(Base):
    """Something that happened; `seq` has no gaps within a job."""

    __tablename__ = "job_events"

    job_id: Mapped[Id] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    type: Mapped[Name]
    at: Mapped[Created]
    data: Mapped[JsonMap] = mapped_column(server_default=text("'{}'"))


class JobCalls(Base):
    """How many AWS calls a job made, by operation."""

    __tablename__ = "job_calls"

    job_id: Mapped[Id] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    operation: Mapped[Name] = mapped_column(primary_key=True)
    made: Mapped[Count]
    throttled: Mapped[Count]
    failed: Mapped[Count]


class JobOutage(Base):
    """How long a flow of the plan was down while the job ran, in AWS's seconds, as somebody measured it; and of a load
    balancer's flow, how many of its targets were in service at least."""

    __tablename__ = "job_outages"

    job_id: Mapped[Id] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    flow_id: Mapped[Name] = mapped_column(primary_key=True)
    total_seconds: Mapped[float] = mapped_column(Double)
    least_in_service: Mapped[int | None]
    down: Mapped[JsonItems]
    told_by: Mapped[Name]
    told_at: Mapped[Created]


class Pacing(Base):
    """One API bucket shared by all workers: the theoretical arrival time of its next call (GCRA)."""

    __tablename__ = "pacing"

    key: Mapped[Name] = mapped_column(primary_key=True)
    tat: Mapped[float] = mapped_column(Double)
