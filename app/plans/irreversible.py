"""What an undo does not put back: told before anything happens, by the plan, an approval's answer and the trail."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.manners.pages import Window
from app.manners.positions import cut, position
from app.planning.plan import PlannedStep
from app.plans.irreversible_schemas import Irreversible

SHOWN = 100  # in a plan itself; all of them are in the reading

# Postgres picks them out, so that a document of megabytes is not carried here for a few of its steps.
_PART = text(
    """
    select n, e from plan_documents, jsonb_array_elements(steps) with ordinality as t(e, n)
    where plan_id = :plan and n > :after and (e ->> 'reversible' = 'false' or e ->> 'not_undone' <> '')
    order by n limit :limit
    """
)


async def part(session: AsyncSession, plan_id: str, window: Window) -> tuple[list[Irreversible], str | None]:
    """A page of what an undo does not put back, in the plan's order, and the next cursor."""
    found, next_cursor = cut(window, await _rows(session, plan_id, position(window), window.limit + 1))
    return found, next_cursor


async def first(session: AsyncSession, plan_id: str) -> list[Irreversible]:
    """As many as a plan itself shows."""
    return [item for _, item in await _rows(session, plan_id, 0, SHOWN)]


async def _rows(session: AsyncSession, plan_id: str, after: int, limit: int) -> Sequence[tuple[int, Irreversible]]:
    rows = await session.execute(_PART, {"plan": plan_id, "after": after, "limit": limit})
    return [(row.n, Irreversible.of(PlannedStep.from_json(row.e))) for row in rows]
