"""Four eyes: a plan is approved as it is now, by somebody other than its author."""

from typing import Any

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import Code, Conflict, FieldError, Forbidden
from app.manners.etags import check_match
from app.plans.models import Plan, PlanDocument
from app.plans.service import get, tag

SHOWN = 20  # blockers told in the refusal itself


async def approve(
    session: AsyncSession, plan_id: str, if_match: str | None, approver: str, *, authors_may: bool
) -> Plan:
    """Bind an approval to the plan's hash. Raises Forbidden for the author, Conflict for a plan with blockers."""
    plan = await get(session, plan_id, lock=True)
    check_match(if_match, tag(plan), required=True)
    if approver == plan.author and not authors_may:
        raise Forbidden("You made this plan: have somebody else look at it and approve it.", code=Code.SELF_APPROVAL)
    if blockers := await _blockers(session, plan):
        raise Conflict(
            f"The plan has {len(blockers)} blocker(s): do what errors say and plan anew. All of them are at "
            f"/v1/plans/{plan.id}/findings?level=blocker.",
            code=Code.PLAN_BLOCKED,
            errors=blockers[:SHOWN],
        )
    if plan.approved_hash != plan.plan_hash:
        plan.status, plan.approved_by, plan.approved_hash = "approved", approver, plan.plan_hash
        plan.approved_at = await session.scalar(func.now().select())
        plan.version += 1
        await session.flush()
        await session.refresh(plan)
    return plan


async def _blockers(session: AsyncSession, plan: Plan) -> list[FieldError]:
    """The findings that forbid approval; each points at the resource it is about."""
    counted: Any = plan.counts.get("findings", {})
    if not counted.get("blocker", 0):
        return []
    document = await session.get_one(PlanDocument, plan.id)
    findings: Any = document.findings
    return [
        FieldError(finding["subject"], finding["code"], finding["message"])
        for finding in findings
        if finding["level"] == "blocker"
    ]
