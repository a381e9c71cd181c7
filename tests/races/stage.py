"""The API in this process and its database, for one machine after another; and how things stand there."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

import httpx2
from pydantic import SecretStr
from sqlalchemy import text

from app.db import Database
from app.inventories.runner import DiscoveryRunner
from app.main import create_app
from app.manners.etags import etag
from app.manners.principals import Role
from app.settings import Settings
from app.tokens import service
from app.tokens.schemas import TokenCreate
from sandbox.ec2.vpcs import Vpc
from tests.api.fakes import FakeClouds, FakeDoorbell
from tests.races.aws import Handle, HurriedClock, Shop
from tests.races.model import Ask, JobNow, Now, PlanNow
from tests.races.valve import Valve, ValvedBudget

T = TypeVar("T")

SOON_SECONDS = 30.0  # whoever takes longer waits for somebody who will not come
GATES = ["before:instances", "before:finalize"]
_PLANS = text(
    """
    select id, version, coalesce(approved_hash = plan_hash and approval_expires_at > clock_timestamp(), false) as live
    from plans where account_id = :account
    """
)
_JOBS = text(
    """
    select j.id, plan_id, j.action, status, requested, gates, approved_gates,
           exists (select from job_steps s
                   where s.job_id = j.id and (
                       s.state in ('running', 'verifying', 'succeeded')
                       or exists (select from audit_log a
                                  where a.job_id = s.job_id and a.step_id = s.step_id and a.event = 'aws.intent')
                   )) as begun,
           status = 'waiting_for_approval' and wake_at is not null as keeps,
           coalesce(lease_expires_at > clock_timestamp(), false) as held,
           (select jsonb_object_agg(step_id, state order by seq) from job_steps s where s.job_id = j.id) as steps
    from jobs j where account_id = :account order by j.id
    """
)
_GAPS = text(
    """
    select j.id, j.last_event, count(e.seq) as told, coalesce(max(e.seq), 0) as newest, coalesce(min(e.seq), 1) as first
    from jobs j left join job_events e on e.job_id = j.id where account_id = :account
    group by j.id having not (count(e.seq) = j.last_event and coalesce(max(e.seq), 0) = j.last_event)
    """
)
# Whoever wants any of these rows waits: the account first, as the service does.
_BAR = (
    "select id from accounts where id = :account for update",
    "select id from plans where account_id = :account order by id for update",
    "select id from jobs where account_id = :account order by id for update",
)
_BARRED = text("select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'")


class Stage:
    """One event loop, one API and one pool of connections; every machine gets an account of its own."""

    def __init__(self, database_url: str) -> None:
        self._runner = asyncio.Runner()
        self._settings = Settings(database_url=SecretStr(database_url), rate_per_second=1e6, rate_burst=10**6)
        self.shop: Shop
        self.run(self._open())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run to its end in this stage's loop; what else is in it goes on meanwhile. Raises TimeoutError."""

        async def soon() -> T:
            async with asyncio.timeout(SOON_SECONDS):
                return await work

        return self._runner.run(soon())

    async def _open(self) -> None:
        self.database = Database(self._settings.database_url.get_secret_value(), pool_size=12)
        self._app = create_app(self._settings, FakeDoorbell(), FakeClouds())
        self.author = await self._client(Role.ADMIN)
        self.approver = await self._client(Role.APPROVER)

    async def _client(self, role: Role) -> httpx2.AsyncClient:
        async with self.database.transaction() as session:
            _, secret = await service.issue(session, TokenCreate(name=f"the {role}", role=role), "tests")
        return httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=self._app, raise_app_exceptions=False),
            base_url="http://landbridge.test",
            headers={"Authorization": f"Bearer {secret}"},
        )

    def close(self) -> None:
        """Give everything back."""
        self.run(self._close())
        self._runner.close()

    async def _close(self) -> None:
        await self.author.aclose()
        await self.approver.aclose()
        await self._app.state.database.close()
        await self.database.close()

    async def begin(self, number: int) -> None:
        """A new account with a shop in it, discovered."""
        self.shop = Shop(self.database)
        names = {"name": f"shop {number}", "aws_account_id": "123456789012", "regions": ["us-east-1"]}
        self.account = (await self._made(self.author.post("/v1/accounts", json=names)))["id"]
        wanted = {"account_id": self.account, "region": "us-east-1"}
        self._inventory = (await self._made(self.author.post("/v1/inventories", json=wanted)))["id"]
        valve = Valve()
        handle, clock = Handle(self.shop, "reader", "", False, valve), HurriedClock(self.shop.world)
        await DiscoveryRunner(self.database, handle, ValvedBudget(valve), clock, "reader").attend(self._inventory)

    async def plan(self) -> str:
        """A draft of the shop's move; its id."""
        wanted = {
            "inventory_id": self._inventory,
            "name": "move",
            "strategy": "incremental",
            "target": {"vpc_id": next(iter(self.shop.world.place().table(Vpc)))},
            "settings": {"gates": GATES},
        }
        plan = await self._made(self.author.post("/v1/plans", json=wanted))
        assert not plan["counts"]["findings"].get("blocker"), plan
        return str(plan["id"])

    async def _made(self, asking: Coroutine[Any, Any, httpx2.Response]) -> dict[str, Any]:
        made = await asking
        assert made.status_code in (201, 202), made.text
        body: dict[str, Any] = made.json()
        return body

    async def ask(self, ask: Ask, key: str | None = None) -> httpx2.Response:
        """Send one request of the machine's."""
        headers = {} if key is None else {"Idempotency-Key": key}
        if ask.what in ("approve", "change"):
            headers["If-Match"] = etag(ask.whom, *ask.more)
        if ask.what == "change":
            # Every change is another plan: the version goes into its name.
            body = {"name": f"after {ask.more[0]}", "settings": {"gates": GATES, "soak_seconds": float(ask.more[0])}}
            return await self.author.patch(f"/v1/plans/{ask.whom}", json=body, headers=headers)
        if ask.what == "approve":
            return await self.approver.post(f"/v1/plans/{ask.whom}/approve", headers=headers)
        if ask.what == "create":
            wanted = {"plan_id": ask.whom, "action": ask.more[0]}
            return await self.author.post("/v1/jobs", json=wanted, headers=headers)
        return await self.author.post(f"/v1/jobs/{ask.whom}/{_path(ask)}", headers=headers)

    async def now(self) -> Now:
        """How things stand, as committed."""
        async with self.database.transaction() as session:
            plans = (await session.execute(_PLANS, {"account": self.account})).all()
            jobs = (await session.execute(_JOBS, {"account": self.account})).all()
        return Now(
            {row.id: PlanNow(row.version, row.live) for row in plans},
            {
                row.id: JobNow(
                    row.plan_id,
                    row.action,
                    row.status,
                    row.requested,
                    row.held,
                    row.keeps,
                    row.begun,
                    frozenset(row.gates),
                    frozenset(row.approved_gates),
                    dict(row.steps or {}),
                )
                for row in jobs
            },
        )

    async def gaps(self) -> Sequence[Any]:
        """Jobs whose events are not numbered from 1 on without gaps."""
        async with self.database.reading() as session:
            return [tuple(row) for row in (await session.execute(_GAPS, {"account": self.account})).all()]

    async def expire(self, plan: str) -> None:
        """The approval's time is over."""
        async with self.database.transaction() as session:
            statement = "update plans set approval_expires_at = now() - interval '1 second' where id = :plan"
            await session.execute(text(statement), {"plan": plan})

    async def together(self, asks: Sequence[Ask], keys: Sequence[str | None], barred: bool) -> list[httpx2.Response]:
        """Send requests at once. `barred`: each has come to the rows it wants before the first gets them."""
        async with self.database.transaction() as session:
            for lock in _BAR if barred else ():
                await session.execute(text(lock), {"account": self.account})
            sent = [asyncio.create_task(self.ask(ask, key)) for ask, key in zip(asks, keys, strict=True)]
            while barred and not await self._all_wait(sent):  # noqa: ASYNC110 - Postgres tells nobody who waits
                await asyncio.sleep(0.001)
        return list(await asyncio.gather(*sent))

    async def _all_wait(self, sent: Sequence["asyncio.Task[httpx2.Response]"]) -> bool:
        async with self.database.reading() as session:
            waiting = await session.scalar(_BARRED)
        return int(waiting or 0) >= sum(not task.done() for task in sent)


def _path(ask: Ask) -> str:
    if ask.what == "gate":
        return f"gates/{ask.more[0]}/approve"
    if ask.what == "decide":
        return f"steps/{ask.more[0]}/{ask.more[1]}"
    return str(ask.more[0])
