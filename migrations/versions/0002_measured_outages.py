"""What was measured of a job's outages."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0002"
down_revision: str | Sequence[str] | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.create_table(
        "job_outages",
        sa.Column("job_id", sa.String(length=64, collation="C"), nullable=False),
        sa.Column("flow_id", sa.Text(collation="C"), nullable=False),
        sa.Column("total_seconds", sa.Double(), nullable=False),
        sa.Column("down", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("told_by", sa.Text(collation="C"), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_job_outages_job_id_jobs"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", "flow_id", name=op.f("pk_job_outages")),
    )


def downgrade() -> None:
    """Take this revision back."""
    op.drop_table("job_outages")
