"""Four eyes: a plan is approved as it is now, by somebody other than its author, and not for ever."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import Code, Conflict, FieldError, Forbidden
from app.manners.etags import check_match
from app.plans.authors import is_author
from app.plans.models import Plan, PlanDocument
from app.plans.service import get, tag

SHOWN = 20  # blockers told in the refusal itself


async def approve(
    session: AsyncSession,
    plan_id: str,
    if_match: str | None,
    approver: str,
    *,
    name: str = "",
    authors_may: bool,
    hours: float,
) -> Plan:
    """Bind an approval to the plan's hash, for so many hours; `approver` is a principal's id, `name` its name.

    Raises Forbidden for whoever made or changed the plan, Conflict for a plan with blockers.
    """
    plan = await get(session, plan_id, lock=True)
    check_match(if_match, tag(plan), required=True)
    if not authors_may and is_author(plan, approver, name):
        raise Forbidden(
            "You, or somebody of your name, made or changed this plan: have somebody else look at it and approve it.",
            code=Code.SELF_APPROVAL,
        )
    if blockers := await _blockers(session, plan):
        raise Conflict(
            f"The plan has {len(blockers)} blocker(s): do what errors say and plan anew. All of them are at "
            f"/v1/plans/{plan.id}/findings?level=blocker.",
            code=Code.PLAN_BLOCKED,
            errors=blockers[:SHOWN],
        )
    if not await is_live(session, plan):
        plan.status, plan.approved_by, plan.approved_hash = "approved", approver, plan.plan_hash
        plan.approved_at = now = (await session.execute(select(func.now()))).scalar_one()
        plan.approval_expires_at = now + timedelta(hours=hours)
        plan.version += 1
        await session.flush()
        await session.refresh(plan)
    return plan


async def is_live(session: AsyncSession, plan: Plan) -> bool:
    """Whether there is an approval of just this plan that has not expired, by the database's clock."""
    if plan.approved_hash != plan.plan_hash or plan.approval_expires_at is None:
        return False
    now: datetime = (await session.execute(select(func.now()))).scalar_one()
    return now < plan.approval_expires_at


async def require(session: AsyncSession, plan: Plan) -> None:
    """Raises Conflict where there is no live approval."""
    if await is_live(session, plan):
        return
    expired = plan.approved_hash == plan.plan_hash
    why = "is not approved any more: its approval has expired" if expired else "is not approved as it now is"
    raise Conflict(f"Plan {plan.id} {why}. Have it approved, or ask for a dry_run.", code=Code.PLAN_NOT_APPROVED)


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
