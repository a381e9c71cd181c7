"""The tables of a plan: what lists and approvals need, and apart from it the large document."""

from sqlalchemy import ForeignKey, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Created, Id, JsonItems, JsonMap, Moment, Name, PrimaryId, Updated, Version


class Plan(Base):
    """What would happen; `status` is draft or approved."""

    __tablename__ = "plans"

    id: Mapped[PrimaryId]
    inventory_id: Mapped[Id] = mapped_column(ForeignKey("inventories.id", ondelete="CASCADE"), index=True)
    account_id: Mapped[Id] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    region: Mapped[Name]
    name: Mapped[Name]
    strategy: Mapped[Name]
    status: Mapped[Name] = mapped_column(server_default="draft")
    scope: Mapped[JsonMap | None]
    target: Mapped[JsonMap]
    settings: Mapped[JsonMap] = mapped_column(server_default=text("'{}'"))
    overrides: Mapped[JsonMap] = mapped_column(server_default=text("'{}'"))
    plan_hash: Mapped[Name]
    version: Mapped[Version]
    counts: Mapped[JsonMap]
    estimate: Mapped[JsonMap]
    author: Mapped[Name]
    # Whoever made or changed it, {"id", "name"} each; `author` is the last of them.
    authors: Mapped[JsonItems] = mapped_column(server_default=text("'[]'"))
    approved_by: Mapped[Name | None]
    approved_at: Mapped[Moment | None]
    approval_expires_at: Mapped[Moment | None]
    # Equal to plan_hash or void: an approval is of one plan, not of whatever it became later.
    approved_hash: Mapped[Name | None]
    created_at: Mapped[Created]
    updated_at: Mapped[Updated]


class PlanDocument(Base):
    """The plan's steps, findings and flows: megabytes for a large account, so never read by a list."""

    __tablename__ = "plan_documents"

    plan_id: Mapped[Id] = mapped_column(ForeignKey("plans.id", ondelete="CASCADE"), primary_key=True)
    steps: Mapped[JsonItems]
    findings: Mapped[JsonItems]
    flows: Mapped[JsonItems]
