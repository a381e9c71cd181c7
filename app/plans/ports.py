"""What plans need of others, given by the composition root."""

from collections.abc import Sequence
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from app.planning.inventory import Inventory


class InventoryState(Protocol):
    """An inventory as far as plans care before they load it."""

    @property
    def account_id(self) -> str: ...
    @property
    def region(self) -> str: ...
    @property
    def status(self) -> str: ...


class Inventories(Protocol):
    """Knows what was discovered."""

    async def find(self, session: AsyncSession, inventory_id: str) -> InventoryState | None:
        """Whose it is and how far it is."""
        ...

    async def size(self, session: AsyncSession, inventory_id: str) -> int:
        """How many resources it holds."""
        ...

    async def load(self, session: AsyncSession, inventory_id: str) -> Inventory:
        """All of it, as a value."""
        ...


class PlanHolds(Protocol):
    """Knows what a plan is needed for."""

    async def jobs_built_on(self, session: AsyncSession, plan_id: str) -> Sequence[str]:
        """The jobs whose journal means nothing without the plan as it is: it must not be planned anew."""
        ...

    async def jobs_in_need_of(self, session: AsyncSession, plan_id: str) -> Sequence[str]:
        """The jobs that run, or that could still be undone: the plan must not go."""
        ...
