"""Making plans, making them anew, and letting them go."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.db import JsonObject, new_id
from app.errors import Code, Conflict, FieldError, Invalid, NotFound, TooLarge
from app.manners.etags import check_match, etag
from app.manners.principals import Principal
from app.planning.inventory import Inventory
from app.plans import repository
from app.plans.authors import signed
from app.plans.making import Made, made, request_of
from app.plans.models import Plan, PlanDocument
from app.plans.ports import Inventories, InventoryState, PlanHolds
from app.plans.targets import settled
from app.plans.wanted import PlanCreate, PlanTarget, PlanUpdate


class Planner:
    """Plans for what `inventories` hold, of `max_resources` at most."""

    def __init__(self, inventories: Inventories, holds: PlanHolds, max_resources: int) -> None:
        self._inventories = inventories
        self._holds = holds
        self._max_resources = max_resources

    async def create(self, session: AsyncSession, wanted: PlanCreate, author: Principal) -> Plan:
        """Make a plan and store it as a draft; raises Invalid, Conflict or TooLarge, and says what to do."""
        state = await self._ready(session, wanted.inventory_id)
        plan = Plan(
            id=new_id("plan"),
            inventory_id=wanted.inventory_id,
            account_id=state.account_id,
            region=state.region,
            name=wanted.name,
            strategy=wanted.strategy,
            scope=None if wanted.scope is None else stored(wanted.scope),
            settings=stored(wanted.settings),
            overrides=dict(wanted.overrides),
            author=author.id,
            authors=signed([], author),
        )
        document = PlanDocument(plan_id=plan.id)
        await self._plan(session, plan, document, wanted.target)
        session.add(plan)
        await session.flush()
        session.add(document)
        await session.flush()
        await session.refresh(plan)
        return plan

    async def change(
        self, session: AsyncSession, plan_id: str, wanted: PlanUpdate, if_match: str | None, author: Principal
    ) -> Plan:
        """Plan anew with what `wanted` names; the approval is void, and the author is who changed it."""
        plan = await get(session, plan_id, lock=True)
        check_match(if_match, tag(plan), required=True)
        if jobs := await self._holds.jobs_built_on(session, plan_id):
            raise Conflict(
                f"The plan is what {', '.join(jobs[:5])} is built on: make a new plan, or undo the job first.",
                code=Code.WRONG_STATE,
            )
        target = await self._changed(session, plan, wanted)
        document = await repository.document(session, plan_id)
        await self._plan(session, plan, document, target)
        plan.author, plan.authors = author.id, signed(plan.authors, author)
        plan.status = "draft"
        plan.approved_by = plan.approved_at = plan.approval_expires_at = plan.approved_hash = None
        plan.version += 1
        await session.flush()
        await session.refresh(plan)
        return plan

    async def remove(self, session: AsyncSession, plan_id: str, if_match: str | None) -> None:
        """Delete the plan with its finished jobs; raises Conflict while a job needs it."""
        plan = await get(session, plan_id, lock=True)
        check_match(if_match, tag(plan), required=False)
        if jobs := await self._holds.jobs_in_need_of(session, plan_id):
            raise Conflict(
                f"The plan is needed by {', '.join(jobs[:5])}: wait for them, and undo those that succeeded.",
                code=Code.WRONG_STATE,
            )
        await session.delete(plan)

    async def _ready(self, session: AsyncSession, inventory_id: str) -> InventoryState:
        state = await self._inventories.find(session, inventory_id)
        if state is None:
            detail = f"There is no inventory {inventory_id}; GET /v1/inventories lists those there are."
            raise Invalid(detail, errors=[FieldError("/inventory_id", "unknown_inventory", detail)])
        if state.status != "ready":
            todo = "discover again" if state.status == "failed" else "wait until it is ready"
            raise Conflict(f"The inventory is {state.status}: {todo}.", code=Code.INVENTORY_NOT_READY)
        size = await self._inventories.size(session, inventory_id)
        if size > self._max_resources:
            raise TooLarge(
                f"The inventory holds {size} resources, and this service plans for {self._max_resources} at most: "
                "have LANDBRIDGE_MAX_PLAN_RESOURCES raised."
            )
        return state

    async def _changed(self, session: AsyncSession, plan: Plan, wanted: PlanUpdate) -> PlanTarget:
        """Put what `wanted` names into the row; returns the target, old or new."""
        if wanted.inventory_id is not None:
            state = await self._ready(session, wanted.inventory_id)
            if (state.account_id, state.region) != (plan.account_id, plan.region):
                detail = f"Name an inventory of {plan.account_id} in {plan.region}, or make a new plan."
                raise Invalid(detail, errors=[FieldError("/inventory_id", "other_account_or_region", detail)])
            plan.inventory_id = wanted.inventory_id
        if "scope" in wanted.model_fields_set:
            plan.scope = None if wanted.scope is None else stored(wanted.scope)
        plan.name = wanted.name or plan.name
        plan.strategy = wanted.strategy or plan.strategy
        plan.settings = plan.settings if wanted.settings is None else stored(wanted.settings)
        plan.overrides = plan.overrides if wanted.overrides is None else dict(wanted.overrides)
        return wanted.target or PlanTarget.model_validate(plan.target)

    async def _plan(self, session: AsyncSession, plan: Plan, document: PlanDocument, target: PlanTarget) -> None:
        inventory: Inventory = await self._inventories.load(session, plan.inventory_id)
        plan.target = stored(settled(target, inventory))
        write(plan, document, await made(inventory, request_of(plan)))


def write(plan: Plan, document: PlanDocument, result: Made) -> None:
    """Put what was made into its rows."""
    plan.plan_hash, plan.counts, plan.estimate = result.plan_hash, result.counts, result.estimate
    document.steps, document.findings, document.flows = result.steps, result.findings, result.flows


async def get(session: AsyncSession, plan_id: str, *, lock: bool = False) -> Plan:
    """The plan; raises NotFound."""
    plan = await repository.find(session, plan_id, lock=lock)
    if plan is None:
        raise NotFound(f"There is no plan {plan_id}; GET /v1/plans lists those there are.")
    return plan


def tag(plan: Plan) -> str:
    """The plan's ETag."""
    return etag(plan.id, plan.version)


def stored(wanted: Any) -> JsonObject:
    """A part of a request as its column holds it: what is absent is left out."""
    kept: JsonObject = wanted.model_dump(mode="json", exclude_none=True)
    return kept
