"""/v1/plans: making, reading, changing, approving."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response, status

from app.manners.etags import IfMatch, IfNoneMatch, is_current, not_modified
from app.manners.formats import JSON, MARKDOWN, PLAIN, Accept, chosen, texts
from app.manners.idempotency import Idempotent
from app.manners.ids import PathId
from app.manners.pages import AskedWindow, announce
from app.manners.principals import EVERYONE, Caller, Role, admits
from app.manners.transactions import Route, Session, take_down_too
from app.plans import approval, irreversible, repository, service
from app.plans.models import Plan as PlanRow
from app.plans.schemas import Plan, PlanList
from app.plans.service import Planner
from app.plans.summary import summary
from app.plans.wanted import PlanCreate, PlanUpdate
from app.settings import Settings

router = APIRouter(prefix="/v1/plans", tags=["plans"], route_class=Route)

READERS = Depends(admits(*EVERYONE))
PLANNERS = Depends(admits(Role.PLANNER))
APPROVERS = Depends(admits(Role.APPROVER))


def planner_of(request: Request) -> Planner:
    """Makes plans, with what the composition root gave it."""
    planner: Planner = request.app.state.planner
    return planner


def settings_of(request: Request) -> Settings:
    """The process's settings."""
    settings: Settings = request.app.state.settings
    return settings


ThePlanner = Annotated[Planner, Depends(planner_of)]


@router.post("", status_code=status.HTTP_201_CREATED, dependencies=[PLANNERS, Idempotent])
async def create_plan(
    session: Session, response: Response, wanted: PlanCreate, planner: ThePlanner, caller: Caller
) -> Plan:
    """Plan a move. Nothing is changed: the plan is a draft until somebody else approves it."""
    plan = await planner.create(session, wanted, caller)
    response.headers["Location"] = f"/v1/plans/{plan.id}"
    return await shown(session, response, plan)


@router.get("", dependencies=[READERS])
async def list_plans(
    session: Session,
    response: Response,
    window: AskedWindow,
    account_id: Annotated[str | None, Query(description="for this account alone")] = None,
    inventory_id: Annotated[str | None, Query(description="made from this inventory alone")] = None,
) -> PlanList:
    """All plans, newest first."""
    found, next_cursor = await repository.page(session, window, account_id, inventory_id)
    announce(response, window, next_cursor)
    return PlanList(items=[Plan.of(row) for row in found], next_cursor=next_cursor)


@router.get(
    "/{plan_id}", response_model=Plan, dependencies=[READERS], responses=texts(PLAIN, MARKDOWN, description="The plan")
)
async def get_plan(
    session: Session, response: Response, plan_id: PathId, accept: Accept = None, if_none_match: IfNoneMatch = None
) -> Plan | Response:
    """One plan; as text/plain or text/markdown, a summary fit for a chat message."""
    plan = await service.get(session, plan_id)
    media_type = chosen(accept, (JSON, PLAIN, MARKDOWN))
    if media_type != JSON:
        return Response(summary(plan, media_type), media_type=media_type, headers={"Vary": "Accept"})
    if is_current(if_none_match, service.tag(plan)):
        return not_modified(service.tag(plan))
    response.headers["Vary"] = "Accept"
    return await shown(session, response, plan)


@router.patch("/{plan_id}", dependencies=[PLANNERS])
async def update_plan(  # noqa: PLR0917 - FastAPI gives these by name
    session: Session,
    response: Response,
    plan_id: PathId,
    wanted: PlanUpdate,
    planner: ThePlanner,
    caller: Caller,
    if_match: IfMatch = None,
) -> Plan:
    """Plan anew with what is named; what is left out stays as it is. An approval is void."""
    return await shown(session, response, await planner.change(session, plan_id, wanted, if_match, caller))


@router.delete("/{plan_id}", status_code=status.HTTP_204_NO_CONTENT, dependencies=[PLANNERS])
async def delete_plan(session: Session, plan_id: PathId, planner: ThePlanner, if_match: IfMatch = None) -> None:
    """Forget a plan with its jobs; refused while one runs or could still be undone."""
    await planner.remove(session, plan_id, if_match)


@router.post("/{plan_id}/approve", dependencies=[APPROVERS, Idempotent])
async def approve_plan(  # noqa: PLR0917 - FastAPI gives these by name
    request: Request,
    session: Session,
    response: Response,
    plan_id: PathId,
    caller: Caller,
    settings: Annotated[Settings, Depends(settings_of)],
    if_match: IfMatch = None,
) -> Plan:
    """Approve the plan as it is now (If-Match): it may then be executed, for a while. Its author may not.

    The answer's `irreversible` goes into the audit trail: what whoever approved was told.
    """
    plan = await approval.approve(
        session,
        plan_id,
        if_match,
        caller.id,
        name=caller.name,
        authors_may=settings.allow_self_approval,
        hours=settings.approval_hours,
    )
    answer = await shown(session, response, plan)
    # The plan may be deleted some day; what its approver was told stays.
    told = answer.model_dump(mode="json", include={"plan_hash", "irreversible"})
    take_down_too(request, {**told, "irreversible_counts": plan.counts.get("irreversible")})
    return answer


async def shown(session: Session, response: Response, plan: PlanRow) -> Plan:
    """The plan as its readers see it, with its ETag."""
    response.headers["ETag"] = service.tag(plan)
    return Plan.of(plan, await irreversible.first(session, plan.id))
