"""Approvals expire."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | Sequence[str] | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Bring the schema to this revision; approvals given before are good for a week from then."""
    op.add_column("plans", sa.Column("approval_expires_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("update plans set approval_expires_at = approved_at + interval '7 days' where approved_at is not null")


def downgrade() -> None:
    """Take this revision back."""
    op.drop_column("plans", "approval_expires_at")
