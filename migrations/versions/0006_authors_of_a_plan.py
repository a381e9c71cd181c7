"""Everybody who made or changed a plan is remembered with it: none of them may approve it."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0006"
down_revision: str | Sequence[str] | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Bring the schema to this revision; of plans made before, the last author is known, by id alone."""
    column = sa.Column("authors", postgresql.JSONB(none_as_null=True), server_default=sa.text("'[]'"), nullable=False)
    op.add_column("plans", column)
    op.execute("update plans set authors = jsonb_build_array(jsonb_build_object('id', author, 'name', ''))")


def downgrade() -> None:
    """Take this revision back."""
    op.drop_column("plans", "authors")
