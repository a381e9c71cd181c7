"""Measured outages, kept beside the job whose report shows them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import FieldError, Invalid
from app.jobs.models import Job, JobOutage
from app.jobs.outage_schemas import MeasuredOutage
from app.plans import repository as plans


@dataclass(frozen=True, slots=True)
class Measured:
    """How many of AWS's seconds a flow was down, and the fewest targets in service; None: nobody told."""

    seconds: float | None = None
    least_in_service: int | None = None


NOT_WATCHED = Measured()


async def measured_in(session: AsyncSession, job_id: str) -> Mapping[str, Measured]:
    """By flow id, as far as somebody watched it."""
    columns = (JobOutage.flow_id, JobOutage.total_seconds, JobOutage.least_in_service)
    rows = (await session.execute(select(*columns).where(JobOutage.job_id == job_id))).all()
    return {flow: Measured(seconds, least) for flow, seconds, least in rows}


async def check_flows(session: AsyncSession, job: Job, told: Sequence[MeasuredOutage]) -> None:
    """Raises Invalid for flows that the plan has not got, and for one told twice."""
    document = await plans.document(session, job.plan_id)
    bodies: Any = document.flows
    known = {flow["id"] for flow in bodies}
    errors = []
    for index, each in enumerate(told):
        if each.flow not in known:
            detail = f"The plan has no flow of this id; GET /v1/plans/{job.plan_id}/flows lists those it has."
            errors.append(FieldError(f"/outages/{index}/flow", "unknown_flow", detail))
        known.discard(each.flow)
    if errors:
        raise Invalid("Each outage is of one flow of the job's plan, told once.", errors=errors)


async def keep(session: AsyncSession, job: Job, told: Sequence[MeasuredOutage], by: str) -> None:
    rows = [
        {
            "job_id": job.id,
            "flow_id": each.flow,
            "total_seconds": each.total_seconds,
            "least_in_service": each.least_in_service,
            "down": [span.model_dump(mode="json", by_alias=True, exclude_none=True) for span in each.down],
            "told_by": by,
        }
        for each in told
    ]
    new = insert(JobOutage).values(rows)
    changed = {name: new.excluded[name] for name in ("total_seconds", "least_in_service", "down", "told_by")}
    await session.execute(
        new.on_conflict_do_update(index_elements=["job_id", "flow_id"], set_=changed | {"told_at": func.now()})
    )
