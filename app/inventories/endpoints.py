"""/v1/inventories."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response, status

from app.inventories import repository, service
from app.inventories.models import FINAL_STATUSES
from app.inventories.models import Inventory as InventoryRow
from app.inventories.repository import Sought
from app.inventories.schemas import (
    Inventory,
    InventoryCreate,
    InventoryFlow,
    InventoryFlowList,
    InventoryList,
    Resource,
    ResourceList,
)
from app.manners.doorbell import TheDoorbell
from app.manners.etags import IfNoneMatch, is_current, not_modified
from app.manners.idempotency import Idempotent
from app.manners.ids import PathId
from app.manners.pages import AskedWindow, announce
from app.manners.principals import EVERYONE, Role, admits
from app.manners.transactions import Route, Session, TheDatabase
from app.manners.waiting import Patience, hold

router = APIRouter(prefix="/v1/inventories", tags=["inventories"], route_class=Route)

READERS = Depends(admits(*EVERYONE))
PLANNERS = Depends(admits(Role.PLANNER))

RETRY_AFTER_SECONDS = "2"


def sought(
    kind: Annotated[str | None, Query(description="of this kind alone, for example `instance`")] = None,
    platform: Annotated[str | None, Query(description="on this platform alone: classic, vpc, unknown")] = None,
    q: Annotated[str | None, Query(max_length=200, description="what a ref or name must contain")] = None,
) -> Sought:
    """Which resources were asked for."""
    return Sought(kind, platform, q)


@router.post("", status_code=status.HTTP_202_ACCEPTED, dependencies=[PLANNERS, Idempotent])
async def create_inventory(
    session: Session, response: Response, wanted: InventoryCreate, doorbell: TheDoorbell
) -> Inventory:
    """Have a worker read what an account holds in a region. Look at it, or wait for it, until it is `done`."""
    inventory = await service.ask(session, wanted, doorbell)
    response.headers["Location"] = f"/v1/inventories/{inventory.id}"
    return shown(response, inventory)


@router.get("", dependencies=[READERS])
async def list_inventories(
    session: Session,
    response: Response,
    window: AskedWindow,
    account_id: Annotated[str | None, Query(description="of this account alone")] = None,
) -> InventoryList:
    """All inventories, newest first."""
    found, next_cursor = await repository.page(session, window, account_id)
    announce(response, window, next_cursor)
    return InventoryList(items=[Inventory.of(row) for row in found], next_cursor=next_cursor)


@router.get("/{inventory_id}", response_model=Inventory, dependencies=[READERS])
async def get_inventory(
    database: TheDatabase,
    response: Response,
    inventory_id: PathId,
    patience: Patience,
    if_none_match: IfNoneMatch = None,
) -> Inventory | Response:
    """One inventory: `done` when it is ready or failed."""

    async def load() -> InventoryRow:
        async with database.reading() as session:
            return await service.get(session, inventory_id)

    inventory = await hold(load, lambda row: row.status in FINAL_STATUSES, patience)
    if is_current(if_none_match, service.tag(inventory)):
        return not_modified(service.tag(inventory))
    return shown(response, inventory)


@router.get("/{inventory_id}/resources", dependencies=[READERS])
async def list_inventory_resources(
    session: Session,
    response: Response,
    inventory_id: PathId,
    window: AskedWindow,
    sought: Annotated[Sought, Depends(sought)],
) -> ResourceList:
    """What was found, by ref; empty until the inventory is ready."""
    await service.get(session, inventory_id)
    found, next_cursor = await repository.resources(session, inventory_id, window, sought)
    announce(response, window, next_cursor)
    return ResourceList(items=[Resource.of(row) for row in found], next_cursor=next_cursor)


@router.get("/{inventory_id}/flows", dependencies=[READERS])
async def list_inventory_flows(
    session: Session, response: Response, inventory_id: PathId, window: AskedWindow
) -> InventoryFlowList:
    """Who must be able to call whom, by id."""
    await service.get(session, inventory_id)
    found, next_cursor = await repository.flows(session, inventory_id, window)
    announce(response, window, next_cursor)
    return InventoryFlowList(items=[InventoryFlow.model_validate(row.body) for row in found], next_cursor=next_cursor)


def shown(response: Response, inventory: InventoryRow) -> Inventory:
    """The inventory as its readers see it, with its ETag, and when to look again."""
    response.headers["ETag"] = service.tag(inventory)
    if inventory.status not in FINAL_STATUSES:
        response.headers["Retry-After"] = RETRY_AFTER_SECONDS
    return Inventory.of(inventory)
