"""Making jobs: what must be true before one is queued, and what it is made of."""

from typing import Literal

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts import repository as accounts
from app.db import JsonList, new_id
from app.errors import Code, Conflict, FieldError, Invalid, NotFound
from app.jobs import repository
from app.jobs.changes import add_event, conflict, holder, recount, taken
from app.jobs.models import Job
from app.manners.doorbell import Doorbell, ring_after_commit
from app.manners.etags import etag
from app.plans import approval
from app.plans import repository as plans
from app.plans.models import Plan

Action = Literal["dry_run", "execute", "finalize"]
FINALIZING = "before:finalize"

# Postgres carries the steps over: a plan of tens of thousands is not read here to be written back.
_SNAPSHOT = text(
    """
    insert into job_steps (job_id, step_id, seq, action, subject, phase, state, attempts)
    select :job, e ->> 'id', row_number() over (order by n), e ->> 'action', e ->> 'subject', e ->> 'phase',
           'pending', 1
    from plan_documents, jsonb_array_elements(steps) with ordinality as t(e, n)
    where plan_id = :plan and (e ->> 'phase' = 'finalize') = :finalizing
    """
)


async def create(session: AsyncSession, plan_id: str, action: Action, by: str, doorbell: Doorbell) -> Job:
    """Queue a run of the plan and ring for a worker. Raises Invalid or Conflict, and says what to do."""
    plan = await locked_plan(session, plan_id)
    if action != "dry_run":
        await check_may_change(session, plan, action)
    account_id, region = plan.account_id, plan.region
    job = Job(
        id=new_id("job"),
        plan_id=plan.id,
        account_id=account_id,
        region=region,
        action=action,
        gates=gates_of(plan, action),
        # What finalizing destroys cannot be had back: going back from the middle of it would only look like an undo.
        on_failure="halt" if action == "finalize" else plan.settings.get("on_failure", "halt"),
        created_by=by,
        last_event=0,
        version=1,
    )
    try:
        # A savepoint: where two jobs are made at once, the one that lost names the one that won.
        async with session.begin_nested():
            session.add(job)
            await session.flush()
    except IntegrityError as error:
        raise await taken(session, account_id, region, error) from error
    await session.execute(_SNAPSHOT, {"job": job.id, "plan": plan.id, "finalizing": action == "finalize"})
    await recount(session, job)
    await add_event(session, job, "job.queued", {"by": by, "action": action})
    await session.refresh(job)
    ring_after_commit(session, doorbell, "job", job.id)
    return job


async def locked_plan(session: AsyncSession, plan_id: str) -> Plan:
    """The plan, which nobody changes or deletes meanwhile; the account is locked first, as its deletion does."""
    plan = await plans.find(session, plan_id)
    if plan is not None:
        await accounts.find(session, plan.account_id, lock=True)
        plan = await plans.find(session, plan_id, lock=True)
    if plan is None:
        detail = f"There is no plan {plan_id}; GET /v1/plans lists those there are."
        raise Invalid(detail, errors=[FieldError("/plan_id", "unknown_plan", detail)])
    return plan


async def check_may_change(session: AsyncSession, plan: Plan, action: Action) -> None:
    """Raises Conflict unless the plan is approved as it is, its turn has come, and the account is free."""
    await approval.require(session, plan)
    other = await holder(session, plan.account_id, plan.region)
    if other is not None:
        raise conflict(other, plan.account_id, plan.region)
    moved = await repository.moved_by(session, plan.id)
    if action == "finalize" and moved is None:
        raise Conflict("There is nothing to finalize: no execute job of this plan has succeeded.", code=Code.JOB_STATE)
    if action == "execute" and moved is not None:
        raise Conflict(
            f"Job {moved.id} has carried this plan out: finalize it, or undo that job first.", code=Code.JOB_STATE
        )


def gates_of(plan: Plan, action: Action) -> JsonList:
    """The plan's gates that this job comes to; a dry run changes nothing and stops nowhere."""
    gates = plan.settings.get("gates", [])
    if action == "dry_run" or not isinstance(gates, list):
        return []
    return [gate for gate in gates if (gate == FINALIZING) == (action == "finalize")]


async def get(session: AsyncSession, job_id: str) -> Job:
    """The job; raises NotFound."""
    job = await repository.find(session, job_id)
    if job is None:
        raise NotFound(f"There is no job {job_id}; GET /v1/jobs lists those there are.")
    return job


def tag(job: Job) -> str:
    """The job's ETag."""
    return etag(job.id, job.version)
