"""Drives one job: takes the lease, lets the executor advance or retreat, and settles what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import select, text

from app.accounts.models import Account
from app.accounts.ports import CloudFactory
from app.audit.trail import AuditedCalls
from app.db import Database
from app.execution.attempts import Control
from app.execution.clock import Clock
from app.execution.executor import Executor, Outcome
from app.execution.journal import LeaseLost
from app.execution.pacing import Budget, Calls, PacedCloud
from app.execution.rehearsal import rehearsed, unheld
from app.execution.step import Result, Step
from app.inventories.runner import open_paced
from app.inventories.values import StoredInventories
from app.jobs import outcomes
from app.jobs.drift import drift_of
from app.jobs.guard import DriftGuard
from app.jobs.journal import PostgresJournal
from app.jobs.leases import Lease, LeasedClouds, claim, kept, release
from app.jobs.models import Job, JobStep
from app.planning.inventory import Inventory
from app.planning.plan import PlannedStep
from app.plans.approval import is_live
from app.plans.models import Plan, PlanDocument
from app.resources import all_kinds

log = structlog.get_logger("landbridge.jobs")


@dataclass(frozen=True)
class Terms:
    """How long a silent worker keeps a job, and how often it says that it lives; seconds of ours."""

    holder: str
    lease_seconds: float
    heartbeat_seconds: float


@dataclass(frozen=True)
class _Load:
    """All that a drive needs of the database, read once."""

    job: Job
    plan: Plan
    account: Account
    inventory: Inventory
    planned: list[PlannedStep]  # all of the plan's steps
    steps: list[PlannedStep]  # this job's
    earlier: Mapping[str, Result]


class JobRunner:
    """One process's jobs. `actions`: the steps by action; those of all kinds, unless told otherwise."""

    def __init__(
        self,
        database: Database,
        clouds: CloudFactory,
        budget: Budget,
        clock: Clock,
        terms: Terms,
        actions: Mapping[str, Step] | None = None,
    ) -> None:
        self._database = database
        self._clouds = clouds
        self._budget = budget
        self._clock = clock
        self._terms = terms
        kinds = all_kinds().values()
        self._actions = actions or {step.action: step for kind in kinds for step in kind.steps}

    async def attend(self, job_id: str, control: Control) -> None:
        """Drive the job as far as it goes, unless another worker holds it or there is nothing to do.

        `control` lets the worker stop the drive when it shuts down.
        """
        lease = await claim(self._database, job_id, self._terms.holder, self._terms.lease_seconds)
        if lease is None:
            return
        log.info("job.taken", job=job_id, fence=lease.fence)
        calls = Calls()
        try:
            async with kept(self._database, lease, self._terms.heartbeat_seconds, control):
                while await self._drive(lease, control, calls):
                    log.info("job.goes_on", job=job_id, fence=lease.fence)
        except LeaseLost:
            log.warning("job.lost", job=job_id, fence=lease.fence)
            return
        finally:
            await outcomes.count_calls(self._database, job_id, calls)
        await release(self._database, lease)

    async def _drive(self, lease: Lease, control: Control, calls: Calls) -> bool:
        """One way, forward, waiting at a gate or back, to its end; whether the job goes on another way now."""
        load = await self._load(lease.job_id)
        clouds = LeasedClouds(self._clouds, lease)
        paced = open_paced(clouds, load.account, load.job.region, lease.job_id, self._budget, self._clock)
        paced.calls = calls
        if load.job.status == "undoing":
            outcome = await self._executor(load, lease, control, paced).retreat()
            return _goes_on(await outcomes.settle(self._database, lease, outcome), control)
        if not await outcomes.started(self._database, lease):
            return False
        if refusal := await self._refusal(load, paced):
            await outcomes.refuse(self._database, lease, refusal)
            return False
        executor = self._executor(load, lease, control, paced)
        if load.job.status == "waiting_for_approval":
            control.wait_at_gate(True)
            opened = await executor.keep()
            return _goes_on(await outcomes.left_gate(self._database, lease, opened), control)
        outcome = await executor.advance()
        at_gate = outcomes.AtGate(executor.heard_gates, executor.keeps)
        status = await outcomes.settle(self._database, lease, outcome, at_gate)
        return _goes_on(status, control) and (status != "waiting_for_approval" or at_gate.keeping)

    def _executor(self, load: _Load, lease: Lease, control: Control, paced: PacedCloud) -> Executor:
        actions, steps = self._actions, load.steps
        guard = None
        if load.job.action == "dry_run":
            actions, steps = rehearsed(actions), unheld(steps)
        else:
            accepted: Any = load.job.accepted_drift
            guard = DriftGuard(load.inventory, load.planned, actions, all_kinds(), paced, accepted)
        control.approved_gates |= {str(gate) for gate in load.job.approved_gates}
        return Executor(
            job_id=load.job.id,
            steps=steps,
            actions=actions,
            journal=PostgresJournal(self._database, load.job.id, lease.fence),
            cloud=paced,
            clock=self._clock,
            gates=[] if load.job.action == "dry_run" else [str(gate) for gate in load.job.gates],
            control=control,
            earlier=load.earlier,
            witness=AuditedCalls(self._database, load.job.id, self._terms.holder),
            guard=guard,
        )

    async def _refusal(self, load: _Load, paced: PacedCloud) -> dict[str, Any] | None:
        """Why this job must not change anything: no live approval of this very plan, or drift."""
        if load.job.action == "dry_run":
            return None
        begun = await self._begun(load.job.id)
        # An approval that expires in the middle of a cutover must not stop it there.
        approved = load.plan.approved_hash == load.plan.plan_hash if begun else await self._approved(load.plan)
        if not approved:
            return {
                "code": "not_approved",
                "detail": "The plan's approval is void or has expired: approve the plan as it is now, then resume "
                "the job.",
            }
        if load.job.action == "execute" and not begun:
            return await drift_of(load.inventory, load.steps, paced)
        return None

    async def _approved(self, plan: Plan) -> bool:
        async with self._database.reading() as session:
            return await is_live(session, plan)

    async def _begun(self, job_id: str) -> bool:
        async with self._database.reading() as session:
            touched = select(JobStep.step_id).where(JobStep.job_id == job_id, JobStep.state != "pending").limit(1)
            return (await session.execute(touched)).first() is not None

    async def _load(self, job_id: str) -> _Load:
        async with self._database.reading() as session:
            job = await session.get_one(Job, job_id)
            plan = await session.get_one(Plan, job.plan_id)
            account = await session.get_one(Account, job.account_id)
            document = await session.get_one(PlanDocument, job.plan_id)
            mine = select(JobStep.step_id).where(JobStep.job_id == job_id)
            wanted = set((await session.execute(mine)).scalars())
            earlier = await _earlier(session, job) if job.action == "finalize" else {}
            inventory = await StoredInventories().load(session, plan.inventory_id)
        bodies: Any = document.steps
        planned = [PlannedStep.from_json(body) for body in bodies]
        return _Load(job, plan, account, inventory, planned, [step for step in planned if step.id in wanted], earlier)


def _goes_on(status: str | None, control: Control) -> bool:
    """Whether there is more to do in this status. What a person's wish has stopped goes on backwards."""
    if status == "undoing":
        control.stopping.clear()
    return status in ("undoing", "running", "waiting_for_approval")


async def _earlier(session: Any, job: Job) -> dict[str, Result]:
    """Results of the job that moved what this one finalizes."""
    rows = await session.execute(
        text(
            """
            select s.step_id, s.result from job_steps s
            where s.result is not null and s.job_id = (
                select id from jobs where plan_id = :plan and action = 'execute' and status = 'succeeded'
                order by created_at desc limit 1)
            """
        ),
        {"plan": job.plan_id},
    )
    return {row.step_id: row.result for row in rows}


__all__ = ["JobRunner", "Outcome", "Terms"]
