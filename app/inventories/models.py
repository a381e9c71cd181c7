"""The tables of an inventory: one row for itself, one per resource, one per flow."""

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Count, Created, Id, JsonItems, JsonMap, Moment, Name, PrimaryId, Version

FINAL_STATUSES = frozenset({"ready", "failed"})


class Inventory(Base):
    """What one account and region held when we looked; `status` is pending, running, ready or failed."""

    __tablename__ = "inventories"
    __table_args__ = (Index(None, "lease_expires_at", postgresql_where=text("finished_at is null")),)

    id: Mapped[PrimaryId]
    account_id: Mapped[Id] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    region: Mapped[Name]
    status: Mapped[Name] = mapped_column(server_default="pending")
    # What could not be read: a describe that failed makes entries here and `unknown` resources.
    errors: Mapped[JsonItems] = mapped_column(server_default=text("'[]'"))
    counts: Mapped[JsonMap] = mapped_column(server_default=text("'{}'"))
    error: Mapped[JsonMap | None]
    attempts: Mapped[Count]
    lease_holder: Mapped[Name | None]
    lease_expires_at: Mapped[Moment | None]
    created_at: Mapped[Created]
    started_at: Mapped[Moment | None]
    finished_at: Mapped[Moment | None]
    version: Mapped[Version]


class InventoryResource(Base):
    """One thing found; `platform` is classic, vpc or unknown."""

    __tablename__ = "inventory_resources"
    __table_args__ = (
        Index(None, "inventory_id", "kind", "ref"),
        Index(None, "inventory_id", "platform", "ref"),
    )

    inventory_id: Mapped[Id] = mapped_column(ForeignKey("inventories.id", ondelete="CASCADE"), primary_key=True)
    ref: Mapped[Name] = mapped_column(primary_key=True)
    kind: Mapped[Name]
    name: Mapped[Name | None]
    platform: Mapped[Name]
    facts: Mapped[JsonMap]
    refers_to: Mapped[JsonItems]


class InventoryFlow(Base):
    """One rule that lets members of one set call members of another."""

    __tablename__ = "inventory_flows"

    inventory_id: Mapped[Id] = mapped_column(ForeignKey("inventories.id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[Name] = mapped_column(primary_key=True)
    body: Mapped[JsonMap]
