"""Measured outages, kept beside the job whose report shows them."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import FieldError, Invalid
from app.jobs.models import Job, JobOutage
from app.jobs.outage_schemas import MeasuredOutage
from app.plans import repository as plans


async def measured_in(session: AsyncSession, job_id: str) -> Mapping[str, float]:
    """By flow id: how many of AWS's seconds it was down, as far as somebody watched it."""
    wanted = select(JobOutage.flow_id, JobOutage.total_seconds).where(JobOutage.job_id == job_id)
    return {row[0]: row[1] for row in (await session.execute(wanted)).all()}


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
            "down": [span.model_dump(mode="json", by_alias=True, exclude_none=True) for span in each.down],
            "told_by": by,
        }
        for each in told
    ]
    new = insert(JobOutage).values(rows)
    changed = {name: new.excluded[name] for name in ("total_seconds", "down", "told_by")}
    await session.execute(
        new.on_conflict_do_update(index_elements=["job_id", "flow_id"], set_=changed | {"told_at": func.now()})
    )
