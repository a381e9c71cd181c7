"""Reading and writing inventories; nothing here decides anything."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.inventories.models import Inventory, InventoryFlow, InventoryResource
from app.manners.pages import Window, fetch


@dataclass(frozen=True, slots=True)
class Sought:
    """Which resources of an inventory; `q` is looked for in refs and names."""

    kind: str | None = None
    platform: str | None = None
    q: str | None = None


async def find(session: AsyncSession, inventory_id: str) -> Inventory | None:
    """The inventory of this id, as it is now."""
    return await session.get(Inventory, inventory_id)


async def page(session: AsyncSession, window: Window, account_id: str | None) -> tuple[Sequence[Inventory], str | None]:
    """A page of inventories, newest first, and the next cursor."""
    wanted = select(Inventory)
    if account_id is not None:
        wanted = wanted.where(Inventory.account_id == account_id)
    return await fetch(session, wanted, Inventory.id, window, newest_first=True)


async def resources(
    session: AsyncSession, inventory_id: str, window: Window, sought: Sought
) -> tuple[Sequence[InventoryResource], str | None]:
    """A page of resources by ref, and the next cursor."""
    wanted = select(InventoryResource).where(InventoryResource.inventory_id == inventory_id)
    if sought.kind is not None:
        wanted = wanted.where(InventoryResource.kind == sought.kind)
    if sought.platform is not None:
        wanted = wanted.where(InventoryResource.platform == sought.platform)
    if sought.q:
        contains = [
            column.icontains(sought.q, autoescape=True) for column in (InventoryResource.ref, InventoryResource.name)
        ]
        wanted = wanted.where(or_(*contains))
    return await fetch(session, wanted, InventoryResource.ref, window)


async def flows(session: AsyncSession, inventory_id: str, window: Window) -> tuple[Sequence[InventoryFlow], str | None]:
    """A page of flows by id, and the next cursor."""
    wanted = select(InventoryFlow).where(InventoryFlow.inventory_id == inventory_id)
    return await fetch(session, wanted, InventoryFlow.id, window)
