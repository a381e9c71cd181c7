"""The audit trail: append-only, chained by hashes, written by one function alone."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | Sequence[str] | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# A line's hash is SHA-256 over the hash before it and its fields, each with its length in front, so that no two
# lines read alike. app/audit/chain.py works it out again. The row of audit_head is locked until the transaction
# ends: numbers have no gaps. An id that is there already was appended before, by a commit whose answer was lost.
APPEND = """
create function audit_append(p_id text, p_actor text, p_event text, p_job text, p_step text, p_data text)
returns bigint language plpgsql security definer set search_path from current as $$
declare
    head audit_head%rowtype;
    known bigint;
    moment timestamptz := clock_timestamp();
    parts text[];
    part text;
    body text := '';
    link bytea;
begin
    select * into strict head from audit_head for update;
    select seq into known from audit_log where id = p_id;
    if found then
        return known;
    end if;
    parts := array[
        (head.seq + 1)::text, p_id, to_char(moment at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        p_actor, p_event, coalesce(p_job, ''), coalesce(p_step, ''), p_data
    ];
    foreach part in array parts loop
        body := body || octet_length(part) || ':' || part || ',';
    end loop;
    link := sha256(head.hash || convert_to(body, 'UTF8'));
    insert into audit_log (seq, id, at, actor, event, job_id, step_id, data, hash)
    values (head.seq + 1, p_id, moment, p_actor, p_event, p_job, p_step, p_data, link);
    update audit_head set seq = head.seq + 1, hash = link;
    return head.seq + 1;
end
$$
"""
REFUSE = """
create function audit_refuse() returns trigger language plpgsql as $$
begin
    raise exception 'the audit trail is append-only' using errcode = 'insufficient_privilege';
end
$$
"""
GUARDS = (
    "create trigger audit_log_keeps before update or delete on audit_log for each row execute function audit_refuse()",
    "create trigger audit_log_stays before truncate on audit_log for each statement execute function audit_refuse()",
    "create trigger audit_head_keeps before delete on audit_head for each row execute function audit_refuse()",
    "create trigger audit_head_stays before truncate on audit_head for each statement execute function audit_refuse()",
)


def upgrade() -> None:
    """Bring the schema to this revision."""
    op.create_table(
        "audit_log",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.String(length=64, collation="C"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(collation="C"), nullable=False),
        sa.Column("event", sa.Text(collation="C"), nullable=False),
        sa.Column("job_id", sa.String(length=64, collation="C"), nullable=True),
        sa.Column("step_id", sa.Text(collation="C"), nullable=True),
        sa.Column("data", sa.Text(collation="C"), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_log")),
        sa.UniqueConstraint("id", name=op.f("uq_audit_log_id")),
    )
    op.create_index(op.f("ix_audit_log_job_id_seq"), "audit_log", ["job_id", "seq"], unique=False)
    op.create_index(op.f("ix_audit_log_actor_seq"), "audit_log", ["actor", "seq"], unique=False)
    op.create_table(
        "audit_head",
        sa.Column("single", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("seq", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.CheckConstraint("single", name=op.f("ck_audit_head_one_row")),
        sa.PrimaryKeyConstraint("single", name=op.f("pk_audit_head")),
    )
    op.execute("insert into audit_head (seq, hash) values (0, decode(repeat('00', 32), 'hex'))")
    op.execute(APPEND)
    op.execute("revoke all on function audit_append from public")
    op.execute(REFUSE)
    for guard in GUARDS:
        op.execute(guard)


def downgrade() -> None:
    """Take this revision back, and the trail with it."""
    op.drop_table("audit_log")
    op.drop_table("audit_head")
    op.execute("drop function audit_append")
    op.execute("drop function audit_refuse")
