"""A job's report, from its journal and its plan; nothing is kept apart for it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.execution.states import SETTLED, UNTOUCHED
from app.jobs import repository
from app.jobs.models import FINAL_STATUSES, Job, JobCalls, JobStep
from app.jobs.outages import NOT_WATCHED, Measured, measured_in
from app.jobs.report_schemas import AwsCalls, Counterpart, JobReport, Left, OperationCalls, ReportFlow
from app.planning.chain import Span, chain
from app.planning.inventory import Ref
from app.plans import repository as plans
from app.plans.models import PlanDocument
from app.resources import all_kinds

# In these a step's result still says what is there: it was made, and it has not been taken back.
STANDS = frozenset({"succeeded", "undoing", "undo_failed"})
BACKWARDS = frozenset({"undoing", "undone", "undo_failed"})


async def report_of(session: AsyncSession, job: Job, time_scale: float) -> JobReport:
    """The report as things stand; `time_scale` is how many of AWS's seconds pass in one of ours."""
    document = await plans.document(session, job.plan_id)
    steps = await steps_of(session, job.id)
    mover = job
    if job.action == "finalize":
        mover = await repository.moved_by(session, job.plan_id) or job
    moving = steps if mover is job else await steps_of(session, mover.id)
    pairs = counterparts(moving)
    # A dry run interrupts nobody, whatever its steps' times say.
    timed = {} if job.action == "dry_run" else {step.step_id: step for step in moving}
    return JobReport(
        job_id=job.id,
        plan_id=job.plan_id,
        action=job.action,
        status=job.status,
        done=job.status in FINAL_STATUSES,
        started_at=job.started_at,
        finished_at=job.finished_at,
        duration_seconds=duration(job),
        steps=dict(sorted(Counter(step.state for step in steps).items())),
        counterparts=[Counterpart(source=source, counterpart=twin) for source, twin in pairs.items()],
        flows=flows(document, timed, time_scale, await measured_in(session, mover.id)),
        aws_calls=await calls(session, job.id),
        left=left(job, steps, pairs),
    )


async def steps_of(session: AsyncSession, job_id: str) -> Sequence[JobStep]:
    """The job's steps in the plan's order."""
    return (await session.scalars(select(JobStep).where(JobStep.job_id == job_id).order_by(JobStep.seq))).all()


def counterparts(steps: Iterable[JobStep]) -> dict[str, str]:
    """Source -> counterpart, from every standing result that names one; of the source's kind unless it says which."""
    found: dict[str, str] = {}
    for step in steps:
        result: Mapping[str, Any] = step.result or {}
        if step.state in STANDS and result.get("counterpart"):
            kind = result.get("counterpart_kind") or Ref.parse(step.subject).kind
            found.setdefault(step.subject, f"{kind}:{result['counterpart']}")
    return found


def flows(
    document: PlanDocument, steps: Mapping[str, JobStep], time_scale: float, watched: Mapping[str, Measured]
) -> list[ReportFlow]:
    """The plan's flows, each with what was foretold and what it was, as far as its steps have come."""
    planned: Any = document.steps
    held = {step["id"]: float(step["hold_seconds"] - step["lingering_seconds"]) for step in planned}
    needs = {step["id"]: step["needs"] for step in planned}
    spans = {id_: span for id_, step in steps.items() if (span := span_of(step, held[id_], time_scale))}
    bodies: Any = document.flows
    told = [watched.get(flow["id"], NOT_WATCHED) for flow in bodies]
    return [
        ReportFlow.model_validate(
            {
                **flow,
                "predicted_seconds": flow.get("outage_seconds", 0.0),
                "measured_seconds": seen.seconds,
                "measured_least_in_service": seen.least_in_service,
                "interruptions": [
                    {
                        **gap,
                        "measured_seconds": measured(gap, steps, held, time_scale),
                        "inside": inside(gap, spans, needs),
                    }
                    for gap in flow["interruptions"]
                ],
            }
        )
        for flow, seen in zip(bodies, told, strict=True)
    ]


def span_of(step: JobStep, held: float, time_scale: float) -> Span | None:
    """When the step ran, in AWS's seconds; what it only waited for afterwards is not counted."""
    if step.state != "succeeded" or step.started_at is None or step.finished_at is None:
        return None
    return step.started_at.timestamp() * time_scale, step.finished_at.timestamp() * time_scale - held


def inside(
    gap: Mapping[str, Any], spans: Mapping[str, Span], needs: Mapping[str, Sequence[str]]
) -> list[Mapping[str, Any]]:
    """What ran inside an interruption that has ended."""
    if not {gap["from_step"], gap["to_step"]} <= spans.keys():
        return []
    parts = chain(gap["from_step"], gap["to_step"], spans, needs)
    return [
        {"step": part.step, "seconds": round(part.seconds, 1), "waited_seconds": round(part.waited, 1)}
        for part in parts
    ]


def measured(
    gap: Mapping[str, Any], steps: Mapping[str, JobStep], held: Mapping[str, float], time_scale: float
) -> float | None:
    """AWS's seconds from the start of the first step until the last took effect; None while it has not.

    What the last step only waited for afterwards (`hold_seconds`) is no outage.
    """
    first, last = steps.get(gap["from_step"]), steps.get(gap["to_step"])
    if first is None or last is None or last.state != "succeeded":
        return None
    if first.started_at is None or last.finished_at is None:
        return None
    seconds = (last.finished_at - first.started_at).total_seconds() * time_scale - held.get(last.step_id, 0.0)
    return round(max(seconds, 0.0), 1)


async def calls(session: AsyncSession, job_id: str) -> AwsCalls:
    """How often AWS was called."""
    wanted = select(JobCalls).where(JobCalls.job_id == job_id).order_by(JobCalls.operation)
    rows = (await session.scalars(wanted)).all()
    return AwsCalls(
        made=sum(row.made for row in rows),
        throttled=sum(row.throttled for row in rows),
        failed=sum(row.failed for row in rows),
        by_operation={
            row.operation: OperationCalls(made=row.made, throttled=row.throttled, failed=row.failed) for row in rows
        },
    )


def left(job: Job, steps: Sequence[JobStep], pairs: Mapping[str, str]) -> Left:
    """What is still to be done; on the way back, what is still to be undone."""
    finished = UNTOUCHED if job.status in BACKWARDS else SETTLED
    open_steps = [step.step_id for step in steps if step.state not in finished]
    if job.action != "execute" or job.status in BACKWARDS:
        return Left(steps=open_steps, resources=[])
    makers = {kind.maker for kind in all_kinds().values()}
    wanted = {step.subject for step in steps if step.action in makers}
    return Left(steps=open_steps, resources=sorted(wanted - pairs.keys()))


def duration(job: Job) -> float | None:
    """Seconds of ours from the first start to the end, or until now."""
    if job.started_at is None:
        return None
    return round(((job.finished_at or datetime.now(UTC)) - job.started_at).total_seconds(), 3)
