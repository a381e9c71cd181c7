"""/v1/plans/{id}/iam-policy: the least that a role needs for this very plan."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import StringConstraints

from app.accounts import service as accounts
from app.accounts.models import Account
from app.manners.ids import PathId
from app.manners.principals import Role, admits
from app.manners.transactions import Route, Session
from app.planning.plan import PlannedStep
from app.plans import repository, service
from app.plans.iam.grants import Place
from app.plans.iam.roles import Policies, RoleName, policies_for, trust
from app.plans.iam.schemas import IamPolicies, IamPolicy
from app.plans.iam.statements import written
from app.plans.models import Plan
from app.resources import all_kinds

# The trust policy holds the external id, and all of it is what somebody with designs on the account would ask first.
READERS = Depends(admits(Role.PLANNER, Role.APPROVER, Role.OPERATOR))
PrincipalArn = Annotated[
    str, StringConstraints(max_length=2048, pattern=r"^arn:aws[a-z-]*:(iam|sts)::[0-9]{12}:[A-Za-z0-9+=,.@_/-]+$")
]

router = APIRouter(prefix="/v1/plans", tags=["plans"], route_class=Route, dependencies=[READERS])


@router.get("/{plan_id}/iam-policy")
async def get_plan_iam_policy(
    session: Session,
    plan_id: PathId,
    role: Annotated[
        RoleName, Query(description="who looks, who moves and undoes, or who destroys what has moved")
    ] = "migrate",
    document: Annotated[
        Literal["permissions", "trust"], Query(description="what the role may do, or who may take it on")
    ] = "permissions",
    principal: Annotated[
        PrincipalArn | None, Query(description="who this service is in AWS, for the trust policy")
    ] = None,
) -> IamPolicies:
    """The least-privilege IAM policies of one of three roles, made from the steps the plan holds."""
    plan = await service.get(session, plan_id)
    account = await accounts.get(session, plan.account_id)
    place = Place(account.aws_account_id, plan.region)
    if document == "trust":
        found = _trust(account, place, principal)
    else:
        bodies: list[Any] = (await repository.document(session, plan_id)).steps
        regions = [str(region) for region in account.regions]
        found = await asyncio.to_thread(_permissions, role, bodies, place, regions)
    return _shown(plan, role, place, found, "-trust" if document == "trust" else "")


def _permissions(role: RoleName, bodies: Sequence[Mapping[str, Any]], place: Place, regions: Sequence[str]) -> Policies:
    return policies_for(role, [PlannedStep.from_json(body) for body in bodies], all_kinds(), place, regions)


def _trust(account: Account, place: Place, principal: str | None) -> Policies:
    whole_account = f"arn:{place.partition}:iam::{account.aws_account_id}:root"
    notes = ["Set the role's maximum session duration to one hour; longer ones are never asked for."]
    if principal is None:
        notes.append(
            "Whoever in the account may assume roles could take this one on: ask again with `principal`, the ARN of "
            "what this service runs as."
        )
    return Policies([trust(principal or whole_account, account.external_id)], notes)


def _shown(plan: Plan, role: RoleName, place: Place, found: Policies, ending: str) -> IamPolicies:
    several = len(found.documents) > 1
    return IamPolicies(
        plan_id=plan.id,
        plan_hash=plan.plan_hash,
        role=role,
        aws_account_id=place.account,
        region=place.region,
        policies=[
            IamPolicy(
                name=f"landbridge-{role}{ending}" + (f"-{number}" if several else ""),
                characters=written(each),
                document=each,
            )
            for number, each in enumerate(found.documents, 1)
        ],
        notes=found.notes,
    )
