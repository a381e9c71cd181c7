"""The accounts table."""

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped

from app.db import Base, Created, JsonItems, Name, PrimaryId, Updated, Version


class Account(Base):
    """An AWS account we hold a role in, or reach with the process's own credentials (no role_arn)."""

    __tablename__ = "accounts"
    __table_args__ = (UniqueConstraint("name"),)

    id: Mapped[PrimaryId]
    name: Mapped[Name]
    aws_account_id: Mapped[Name]
    role_arn: Mapped[Name | None]
    # AWS hands it back at AssumeRole: it keeps another customer of ours from naming this role (the
    # confused deputy), so it is made by us and never taken from a request.
    external_id: Mapped[Name]
    regions: Mapped[JsonItems]
    created_at: Mapped[Created]
    updated_at: Mapped[Updated]
    version: Mapped[Version]
