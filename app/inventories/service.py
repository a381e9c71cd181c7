"""Asking for an inventory; workers make it."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts import repository as accounts
from app.db import new_id
from app.errors import FieldError, Invalid, NotFound
from app.inventories import repository
from app.inventories.models import Inventory
from app.inventories.schemas import InventoryCreate
from app.manners.doorbell import Doorbell, ring_after_commit
from app.manners.etags import etag


async def ask(session: AsyncSession, wanted: InventoryCreate, doorbell: Doorbell) -> Inventory:
    """Store a pending inventory and ring for a worker; raises Invalid for an account or region that is not ours."""
    # Locked, so that the account is not deleted between this look and the insert.
    account = await accounts.find(session, wanted.account_id, lock=True)
    if account is None:
        detail = f"There is no account {wanted.account_id}; GET /v1/accounts lists those there are."
        raise Invalid(detail, errors=[FieldError("/account_id", "unknown_account", detail)])
    if wanted.region not in account.regions:
        detail = (
            f"{wanted.region} is not a region of {account.id}: choose one of "
            f"{', '.join(map(str, account.regions))}, or add it to the account."
        )
        raise Invalid(detail, errors=[FieldError("/region", "not_a_region_of_the_account", detail)])
    inventory = Inventory(id=new_id("inv"), account_id=account.id, region=wanted.region)
    session.add(inventory)
    await session.flush()
    await session.refresh(inventory)
    ring_after_commit(session, doorbell, "inventory", inventory.id)
    return inventory


async def get(session: AsyncSession, inventory_id: str) -> Inventory:
    """The inventory; raises NotFound."""
    inventory = await repository.find(session, inventory_id)
    if inventory is None:
        raise NotFound(f"There is no inventory {inventory_id}; GET /v1/inventories lists those there are.")
    return inventory


def tag(inventory: Inventory) -> str:
    """The inventory's ETag."""
    return etag(inventory.id, inventory.version)
