"""What the audit endpoints answer."""

import json
from datetime import datetime
from typing import Self

from pydantic import BaseModel, Field, JsonValue

from app.audit.chain import Checked
from app.audit.models import AuditEntry as EntryRow
from app.manners.pages import Page


class AuditEntry(BaseModel):
    """One line of the trail: who asked or called, and what came back."""

    seq: int = Field(description="without gaps from 1 on")
    at: datetime
    actor: str = Field(description="a token's id, an issuer's subject, or `worker:<holder>`")
    event: str = Field(description="such as `api.create_job`, `aws.intent`, `aws.result`")
    job_id: str | None = None
    step_id: str | None = None
    data: dict[str, JsonValue]
    hash: str = Field(description="SHA-256 over the line and the hash before it, in hex")

    @classmethod
    def of(cls, row: EntryRow) -> Self:
        """A line as its readers see it."""
        return cls(
            seq=row.seq,
            at=row.at,
            actor=row.actor,
            event=row.event,
            job_id=row.job_id,
            step_id=row.step_id,
            data=json.loads(row.data),
            hash=row.hash.hex(),
        )


class AuditList(Page[AuditEntry]):
    """A page of the trail, oldest first."""


class AuditVerification(BaseModel):
    """Whether every line is there and is as it was written."""

    verified: bool
    lines: int = Field(description="how many lines are good, from the first on")
    head: str = Field(description="the hash of the last of them: keep it elsewhere to know the trail by")
    broken_at: int | None = Field(default=None, description="the first line that is not as it was written")
    reason: str | None = None

    @classmethod
    def of(cls, checked: Checked) -> Self:
        """What a verification found."""
        broken = checked.broken
        return cls(
            verified=broken is None,
            lines=checked.lines,
            head=checked.head.hex(),
            broken_at=broken.seq if broken else None,
            reason=broken.reason if broken else None,
        )
