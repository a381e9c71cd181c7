"""Runs a discovery: reads the account through AWS and stores what it held, at once and whole."""

import asyncio
from collections import Counter
from dataclasses import asdict
from typing import Any

import structlog
from sqlalchemy import insert, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.models import Account
from app.accounts.ports import CloudFactory
from app.cloud import CloudError
from app.db import Database
from app.execution.clock import Clock
from app.execution.pacing import Budget, PacedCloud
from app.inventories.models import Inventory, InventoryFlow, InventoryResource
from app.planning import inventory as planning
from app.planning.flows import derive
from app.resources import all_kinds
from app.resources.discovery import discover

log = structlog.get_logger("landbridge.inventories")

# A discovery changes nothing, so one that died is simply read again by whoever finds it.
LEASE_SECONDS = 15.0
HEARTBEAT_SECONDS = 5.0
TRIES = 3
ROWS_PER_INSERT = 1_000

_CLAIM = text(
    """
    update inventories set status = 'running', attempts = attempts + 1, lease_holder = :holder, version = version + 1,
        started_at = coalesce(started_at, clock_timestamp()),
        lease_expires_at = clock_timestamp() + make_interval(secs => :seconds)
    where id = :id and status in ('pending', 'running')
      and (lease_expires_at is null or lease_expires_at < clock_timestamp())
    returning attempts
    """
)
_RENEW = text(
    """
    update inventories set lease_expires_at = clock_timestamp() + make_interval(secs => :seconds)
    where id = :id and lease_holder = :holder and status = 'running'
    """
)


class DiscoveryRunner:
    """One process's discoveries."""

    def __init__(self, database: Database, clouds: CloudFactory, budget: Budget, clock: Clock, holder: str) -> None:
        self._database = database
        self._clouds = clouds
        self._budget = budget
        self._clock = clock
        self._holder = holder

    async def attend(self, inventory_id: str) -> None:
        """Run the discovery unless somebody else does, or it is over."""
        attempt = await self._claim(inventory_id)
        if attempt is None:
            return
        if attempt > TRIES:
            await self._fail(inventory_id, "gave_up", "Workers died while reading this account: discover again.")
            return
        async with self._database.reading() as session:
            found = await session.get_one(Inventory, inventory_id)
            account = await session.get_one(Account, found.account_id)
        heart = asyncio.create_task(self._beat(inventory_id))
        try:
            await self._read(found, account)
        except CloudError as error:
            detail = f"{error.operation} was refused ({error.code}). POST /v1/accounts/{account.id}/verify says more."
            await self._fail(inventory_id, "aws_refused", detail)
        finally:
            heart.cancel()
            await asyncio.gather(heart, return_exceptions=True)

    async def _beat(self, inventory_id: str) -> None:
        """Keep the lease while the account is read, so that a dead worker's discovery is taken over soon."""
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            params = {"id": inventory_id, "holder": self._holder, "seconds": LEASE_SECONDS}
            try:
                async with self._database.transaction() as session:
                    await session.execute(_RENEW, params)
            except (DBAPIError, OSError) as error:
                log.warning("inventory.unreachable", inventory=inventory_id, error=type(error).__name__)

    async def _claim(self, inventory_id: str) -> int | None:
        async with self._database.transaction() as session:
            params = {"id": inventory_id, "holder": self._holder, "seconds": LEASE_SECONDS}
            attempt: int | None = (await session.execute(_CLAIM, params)).scalar_one_or_none()
        return attempt

    async def _read(self, row: Inventory, account: Account) -> None:
        cloud = open_paced(self._clouds, account, row.region, row.id, self._budget, self._clock)
        who = await cloud.call("sts.get_caller_identity")
        if who["Account"] != account.aws_account_id:
            # aws-facts, complaint 15: the wrong account is noticed before anything is believed of it.
            await self._fail(
                row.id,
                "wrong_account",
                f"The credentials lead into {who['Account']}, not {account.aws_account_id}: correct the account.",
            )
            return
        found = await discover(cloud, all_kinds())
        await self._store(row.id, found)

    async def _store(self, inventory_id: str, found: planning.Inventory) -> None:
        flows = [
            {"inventory_id": inventory_id, "id": flow.id, "body": flow.as_json()} for flow in derive(found, all_kinds())
        ]
        counts: dict[str, Any] = {
            "resources": len(found.resources),
            "flows": len(flows),
            "kinds": dict(sorted(Counter(r.kind for r in found.resources).items())),
            "platforms": dict(sorted(Counter(str(r.platform) for r in found.resources).items())),
        }
        errors = [{k: v for k, v in asdict(gap).items() if v is not None} for gap in found.gaps]
        async with self._database.transaction() as session:
            if not await self._end(session, inventory_id, status="ready", counts=counts, errors=errors):
                return
            for rows, table in ((_rows(inventory_id, found), InventoryResource), (flows, InventoryFlow)):
                for start in range(0, len(rows), ROWS_PER_INSERT):
                    await session.execute(insert(table), rows[start : start + ROWS_PER_INSERT])
        log.info("inventory.ready", inventory=inventory_id, resources=len(found.resources), gaps=len(found.gaps))

    async def _fail(self, inventory_id: str, code: str, detail: str) -> None:
        log.warning("inventory.failed", inventory=inventory_id, code=code)
        async with self._database.transaction() as session:
            await self._end(session, inventory_id, status="failed", error={"code": code, "detail": detail})

    async def _end(self, session: AsyncSession, inventory_id: str, **values: Any) -> bool:
        """Write how it ended and give the lease back; False, and nothing written, where somebody else has it now."""
        ended = (
            update(Inventory)
            .where(Inventory.id == inventory_id, Inventory.lease_holder == self._holder)
            .values(
                finished_at=text("clock_timestamp()"),
                lease_holder=None,
                lease_expires_at=None,
                version=Inventory.version + 1,
                **values,
            )
            .returning(Inventory.id)
        )
        mine = (await session.execute(ended)).first() is not None
        if not mine:
            log.warning("inventory.lost", inventory=inventory_id)
        return mine


def open_paced(
    clouds: CloudFactory, account: Account, region: str, name: str, budget: Budget, clock: Clock
) -> PacedCloud:
    """The account's cloud within the budget it shares with all workers; its session is called `name`."""
    scope = f"{account.aws_account_id}/{region}"
    return PacedCloud(clouds.open(account, region, name), budget, clock, scope)


def _rows(inventory_id: str, found: planning.Inventory) -> list[dict[str, Any]]:
    return [
        {
            "inventory_id": inventory_id,
            "ref": str(resource.ref),
            "kind": resource.kind,
            "name": resource.name,
            "platform": resource.platform,
            "facts": dict(resource.facts),
            "refers_to": sorted(map(str, resource.refers_to)),
        }
        for resource in found.resources
    ]
