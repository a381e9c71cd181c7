"""Four eyes: a plan is approved as it is now, by somebody other than its author."""

from typing import Any

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import Code, Conflict, Forbidden
from app.manners.etags import check_match
from app.plans.models import Plan
from app.plans.service import get, tag


async def approve(
    session: AsyncSession, plan_id: str, if_match: str | None, approver: str, *, authors_may: bool
) -> Plan:
    """Bind an approval to the plan's hash. Raises Forbidden for the author, Conflict for a plan with blockers."""
    plan = await get(session, plan_id, lock=True)
    check_match(if_match, tag(plan), required=True)
    if approver == plan.author and not authors_may:
        raise Forbidden("You made this plan: have somebody else look at it and approve it.", code=Code.SELF_APPROVAL)
    findings: Any = plan.counts.get("findings", {})
    if blockers := findings.get("blocker", 0):
        raise Conflict(
            f"The plan has {blockers} blocker(s): read /v1/plans/{plan.id}/findings?level=blocker, do what they "
            "say, and plan anew.",
            code=Code.PLAN_BLOCKED,
        )
    if plan.approved_hash != plan.plan_hash:
        plan.status, plan.approved_by, plan.approved_hash = "approved", approver, plan.plan_hash
        plan.approved_at = await session.scalar(func.now().select())
        plan.version += 1
        await session.flush()
        await session.refresh(plan)
    return plan
