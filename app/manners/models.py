"""The table of first answers to POSTs that carried an Idempotency-Key."""

from sqlalchemy import Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Created, Digest, JsonMap, Name


class IdempotencyKey(Base):
    """One key of one principal; written in the transaction that made what it answers."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index(None, "created_at"),)

    principal: Mapped[Name] = mapped_column(primary_key=True)
    key: Mapped[Name] = mapped_column(primary_key=True)
    method: Mapped[Name]
    path: Mapped[Name]
    request_hash: Mapped[Digest]
    status: Mapped[int]
    headers: Mapped[JsonMap]
    body: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[Created]
