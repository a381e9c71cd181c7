"""The trail's tables. Only the function `audit_append` writes them: see the migration that made it."""

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id, Moment, Name

HASH_BYTES = 32
INTENT = "aws.intent"  # the event of a changing call, committed before it goes out


class AuditEntry(Base):
    """One line of the trail. `data` is JSON as text, so that it is hashed to the byte as it was written."""

    __tablename__ = "audit_log"
    __table_args__ = (Index(None, "job_id", "seq"), Index(None, "actor", "seq"))

    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    id: Mapped[Id] = mapped_column(unique=True)
    at: Mapped[Moment]
    actor: Mapped[Name]
    event: Mapped[Name]
    job_id: Mapped[Id | None]
    step_id: Mapped[Name | None]
    data: Mapped[Name]
    hash: Mapped[bytes] = mapped_column(LargeBinary(HASH_BYTES))


class AuditHead(Base):
    """The last line's number and hash: one row, whose lock puts those who append in line."""

    __tablename__ = "audit_head"
    __table_args__ = (CheckConstraint("single", name="one_row"),)

    single: Mapped[bool] = mapped_column(Boolean, primary_key=True, server_default=text("true"))
    seq: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    hash: Mapped[bytes] = mapped_column(LargeBinary(HASH_BYTES))
