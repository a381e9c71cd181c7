"""Drift that a person has accepted."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0005"
down_revision: str | Sequence[str] | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    column = sa.Column("accepted_drift", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False)
    op.add_column("jobs", column)


def downgrade() -> None:
    """Take this revision back."""
    op.drop_column("jobs", "accepted_drift")
