"""A job in a real database, from the account's discovery on, carried out by the worker's own runner."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, select, text
from sqlalchemy.dialects.postgresql import JSONB

from app.accounts.models import Account
from app.cloud import Cloud
from app.db import Base, Database, new_id
from app.execution.attempts import Control
from app.execution.pacing import MemoryBudget
from app.inventories.models import Inventory
from app.inventories.runner import DiscoveryRunner
from app.inventories.values import StoredInventories
from app.jobs import control, service
from app.jobs.holds import JobHolds
from app.jobs.models import Job
from app.jobs.runner import JobRunner, Terms
from app.manners.doorbell import Doorbell
from app.manners.principals import Principal, Role
from app.plans import approval
from app.plans.models import Plan
from app.plans.service import Planner, tag
from app.plans.wanted import PlanCreate, PlanSettings, PlanTarget
from landbridge.in_process import target_in
from sandbox.world import ACCOUNT_ID, World
from tests.api.fakes import FakeDoorbell
from tests.kit.database_time import PacedWorldClock

AUTHOR, APPROVER = Principal("ann", "Ann", Role.ADMIN), "bob"
GATE = "waiting_for_approval"
# Not the job's: made anew, or of no use without who made it.
LEFT_OUT = ("audit_", "api_tokens", "idempotency", "pacing")
_JSON = bindparam("row", type_=JSONB)


class _Opened:
    """Every account is this one."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def open(self, account: Account, region: str, name: str) -> Cloud:
        return self._cloud


class House:
    """One account and what Landbridge does with it, on the world's time."""

    def __init__(self, world: World, database: Database) -> None:
        self.database = database
        self.clock = PacedWorldClock(world)
        self.doorbell: Doorbell = FakeDoorbell()

    async def plan(self, cloud: Cloud, strategy: Any, create_cidr: str | None, gates: Sequence[str]) -> str:
        """Discover the account, plan, and have it approved; the plan's id."""
        account_id, inventory_id = new_id("acct"), new_id("inv")
        async with self.database.transaction() as session:
            account = {"name": "old", "aws_account_id": ACCOUNT_ID, "external_id": "e", "regions": ["us-east-1"]}
            session.add(Account(id=account_id, **account))
            await session.flush()
            session.add(Inventory(id=inventory_id, account_id=account_id, region="us-east-1"))
        runner = DiscoveryRunner(self.database, _Opened(cloud), MemoryBudget(), self.clock, "worker-0")
        await runner.attend(inventory_id)
        inventories = StoredInventories()
        async with self.database.transaction() as session:
            found = target_in(await inventories.load(session, inventory_id))
            there = {"vpc_id": found.vpc_id, "subnets": found.subnets, "db_subnet_group": found.db_subnet_group}
            target = {"create": {"cidr": create_cidr}} if create_cidr else there
            wanted = PlanCreate(
                inventory_id=inventory_id,
                name="old",
                strategy=strategy,
                target=PlanTarget.model_validate(target),
                settings=PlanSettings(gates=list(gates)),
            )
            plan = await Planner(inventories, JobHolds(), 1_000).create(session, wanted, AUTHOR)
        await self.approve(plan.id)
        return plan.id

    async def approve(self, plan_id: str) -> None:
        """As it is now, for a day."""
        async with self.database.transaction() as session:
            plan = await session.get_one(Plan, plan_id)
            await approval.approve(session, plan_id, tag(plan), APPROVER, authors_may=False, hours=24)

    async def job(self, plan_id: str, action: service.Action) -> str:
        async with self.database.transaction() as session:
            return (await service.create(session, plan_id, action, AUTHOR.id, self.doorbell)).id

    async def ask(self, job_id: str, wish: str) -> None:
        async with self.database.transaction() as session:
            await control.ask(session, job_id, wish, AUTHOR.id, self.doorbell)

    async def attend(self, job_id: str, cloud: Cloud, holder: str = "worker-1") -> str:
        """One worker drives the job; it is gone when the job ends, or waits at a gate. The job's status then."""
        terms = Terms(holder, lease_seconds=3_600.0, heartbeat_seconds=600.0)
        runner = JobRunner(self.database, _Opened(cloud), MemoryBudget(), self.clock, terms)
        task = asyncio.create_task(runner.attend(job_id, Control()))
        while not task.done() and await self.status(job_id) != GATE:
            await asyncio.wait({task}, timeout=1.0)
        if not task.done():  # it keeps at the gate what steps made true
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        else:
            await task
        return await self.status(job_id)

    async def status(self, job_id: str) -> str:
        async with self.database.reading() as session:
            return (await session.execute(select(Job.status).where(Job.id == job_id))).scalar_one()

    async def rows(self) -> dict[str, list[dict[str, Any]]]:
        """All that is stored of the job, as Postgres shows it in JSON: by table, parents first."""
        found = {}
        async with self.database.reading() as session:
            for table in Base.metadata.sorted_tables:
                if not table.name.startswith(LEFT_OUT):
                    order = ", ".join(column.name for column in table.primary_key)
                    rows = await session.scalars(text(f"select to_jsonb(t) from {table.name} t order by {order}"))  # noqa: S608
                    found[table.name] = list(rows)
        return {name: rows for name, rows in found.items() if rows}

    async def put(self, rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        """Store rows of this schema or, before a migration, of an earlier one."""
        async with self.database.transaction() as session:
            for table, found in rows.items():
                for row in found:
                    columns = ", ".join(row)
                    await session.execute(
                        text(
                            f"insert into {table} ({columns}) select {columns} "  # noqa: S608
                            f"from jsonb_populate_record(null::{table}, :row)"
                        ).bindparams(_JSON),
                        {"row": dict(row)},
                    )
