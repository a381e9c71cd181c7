"""The tokens table."""

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped

from app.db import Base, Created, Digest, Moment, Name, PrimaryId


class Token(Base):
    """A bearer token, of which only the SHA-256 is kept; `prefix` lets a person recognise it."""

    __tablename__ = "tokens"
    __table_args__ = (UniqueConstraint("hash"),)

    id: Mapped[PrimaryId]
    name: Mapped[Name]
    role: Mapped[Name]
    hash: Mapped[Digest]
    prefix: Mapped[Name]
    expires_at: Mapped[Moment | None]
    revoked_at: Mapped[Moment | None]
    created_by: Mapped[Name]
    created_at: Mapped[Created]
    last_used_at: Mapped[Moment | None]
