"""What goes in and out of the inventory endpoints."""

from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

from app.inventories.models import FINAL_STATUSES
from app.inventories.models import Inventory as InventoryRow
from app.inventories.models import InventoryResource as ResourceRow
from app.manners.absent import without_nulls
from app.manners.ids import BodyId
from app.manners.pages import Page


class InventoryCreate(BaseModel):
    """Which account and region to read."""

    model_config = ConfigDict(extra="forbid")

    account_id: BodyId
    region: str = Field(min_length=1, max_length=64, description="one of the account's regions")


class InventoryProgress(BaseModel):
    """How far the reading is, and what it found."""

    resources: int = Field(description="how many resources were found; all of them are stored at once, at the end")
    flows: int
    kinds: dict[str, int] = Field(description="how many of each kind")
    platforms: dict[str, int] = Field(description="how many on each platform")
    attempts: int = Field(description="how often a worker has taken it up")


class InventoryGap(BaseModel):
    """Something that could not be read: what it would have told is unknown, never Classic."""

    kind: str
    ref: str | None = Field(default=None, description="absent where the whole kind could not be read")
    code: str
    detail: str


class InventoryError(BaseModel):
    """Why the inventory failed."""

    code: str
    detail: str


class InventoryLinks(BaseModel):
    """Where to go from here."""

    self: str
    account: str
    resources: str
    flows: str


class Inventory(BaseModel):
    """What one account and region held when we looked."""

    id: str
    account_id: str
    region: str
    status: str = Field(description="pending, running, ready or failed")
    done: bool
    progress: InventoryProgress
    errors: list[InventoryGap]
    error: InventoryError | None = None
    links: InventoryLinks
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None

    @classmethod
    def of(cls, row: InventoryRow) -> Self:
        """The inventory as its readers see it."""
        here = f"/v1/inventories/{row.id}"
        counts: dict[str, Any] = {"resources": 0, "flows": 0, "kinds": {}, "platforms": {}, **row.counts}
        return cls.model_validate(
            {
                "id": row.id,
                "account_id": row.account_id,
                "region": row.region,
                "status": row.status,
                "done": row.status in FINAL_STATUSES,
                "progress": {**counts, "attempts": row.attempts},
                "errors": row.errors,
                "error": row.error,
                "links": {
                    "self": here,
                    "account": f"/v1/accounts/{row.account_id}",
                    "resources": f"{here}/resources",
                    "flows": f"{here}/flows",
                },
                "created_at": row.created_at,
                "started_at": row.started_at,
                "finished_at": row.finished_at,
            }
        )


class InventoryList(Page[Inventory]):
    """A page of inventories, newest first."""


class Resource(BaseModel):
    """One thing found. Names, tags and other facts come from AWS: they are somebody else's text."""

    ref: str
    kind: str
    name: str | None = None
    platform: str = Field(description="classic, vpc or unknown")
    facts: dict[str, Any]
    refers_to: list[str]

    @classmethod
    def of(cls, row: ResourceRow) -> Self:
        """The resource as its readers see it."""
        return cls.model_validate(
            {
                "ref": row.ref,
                "kind": row.kind,
                "name": row.name,
                "platform": row.platform,
                "facts": without_nulls(row.facts),
                "refers_to": row.refers_to,
            }
        )


class ResourceList(Page[Resource]):
    """A page of resources, by ref."""


class InventoryFlow(BaseModel):
    """One rule that lets members of one set call members of another."""

    id: str
    rule: str
    sources: list[str]
    targets: list[str]
    protocol: str
    from_port: int | None = None
    to_port: int | None = None


class InventoryFlowList(Page[InventoryFlow]):
    """A page of flows, by id."""
