"""Stored inventories as planning knows them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.inventories import repository
from app.inventories.models import Inventory, InventoryResource
from app.planning import inventory as planning

Table = InventoryResource


class StoredInventories:
    """The inventories' side of what plans ask of them."""

    async def find(self, session: AsyncSession, inventory_id: str) -> Inventory | None:
        """The inventory's row."""
        return await repository.find(session, inventory_id)

    async def size(self, session: AsyncSession, inventory_id: str) -> int:
        """How many resources it holds."""
        counted = select(func.count()).select_from(Table).where(Table.inventory_id == inventory_id)
        return int(await session.scalar(counted) or 0)

    async def load(self, session: AsyncSession, inventory_id: str) -> planning.Inventory:
        """The whole inventory as a value; raises NoResultFound for an unknown id."""
        row = await session.get_one(Inventory, inventory_id)
        columns = (Table.ref, Table.name, Table.platform, Table.facts, Table.refers_to)
        rows = (await session.execute(select(*columns).where(Table.inventory_id == inventory_id))).all()
        return value(row, rows)


def value(row: Inventory, rows: Sequence[Any]) -> planning.Inventory:
    """The value of a row and of (ref, name, platform, facts, refers_to) of its resources."""
    resources = tuple(
        planning.Resource(
            planning.Ref.parse(ref), name or "", platform, facts, frozenset(map(planning.Ref.parse, refers_to))
        )
        for ref, name, platform, facts, refers_to in rows
    )
    errors: Sequence[Any] = row.errors
    gaps = tuple(planning.Gap(**{"ref": None, **error}) for error in errors)
    return planning.Inventory(row.region, resources, gaps)
