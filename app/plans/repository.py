"""Reading and writing plans; nothing here decides anything."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.db import CHANGING
from app.manners.pages import Window, fetch
from app.manners.positions import cut, position
from app.plans.models import Plan, PlanDocument

PARTS = frozenset({"steps", "findings", "flows"})


async def find(session: AsyncSession, plan_id: str, *, lock: bool = False) -> Plan | None:
    """The plan; with `lock`, as it is now, and nobody else changes it until the transaction ends."""
    return await session.get(Plan, plan_id, with_for_update=CHANGING if lock else None, populate_existing=lock)


async def document(session: AsyncSession, plan_id: str) -> PlanDocument:
    """All of a plan's steps, findings and flows; raises NoResultFound."""
    return await session.get_one(PlanDocument, plan_id, populate_existing=True)


async def page(
    session: AsyncSession, window: Window, account_id: str | None, inventory_id: str | None
) -> tuple[Sequence[Plan], str | None]:
    """A page of plans, newest first, and the next cursor."""
    wanted = select(Plan)
    if account_id is not None:
        wanted = wanted.where(Plan.account_id == account_id)
    if inventory_id is not None:
        wanted = wanted.where(Plan.inventory_id == inventory_id)
    return await fetch(session, wanted, Plan.id, window, newest_first=True)


async def part(
    session: AsyncSession, plan_id: str, name: str, window: Window, equal: Mapping[str, str | None]
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of the document's `name` (one of PARTS) whose fields are `equal`, and the next cursor.

    Postgres cuts the page out, so that a document of megabytes is not carried here for fifty steps.
    """
    if name not in PARTS:
        raise LookupError(name)
    asked = {key: value for key, value in equal.items() if value is not None}
    conditions = "".join(f" and e ->> '{key}' = :is_{key}" for key in sorted(asked))
    statement = text(
        f"""
        select n, e from plan_documents, jsonb_array_elements({name}) with ordinality as t(e, n)
        where plan_id = :plan and n > :after{conditions} order by n limit :limit
        """  # noqa: S608 - names of ours; values are bound
    )
    values = {f"is_{key}": value for key, value in asked.items()}
    bound = {"plan": plan_id, "after": position(window), "limit": window.limit + 1, **values}
    rows = (await session.execute(statement, bound)).all()
    return cut(window, [(row.n, row.e) for row in rows])
