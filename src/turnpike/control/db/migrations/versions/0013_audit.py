"""The audit log, append-only by triggers; networks that may come in; networks that a key may not be used from."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

GENESIS = "0" * 64
REFUSALS = (
    ("audit_entries", "UPDATE", ""),
    ("audit_entries", "DELETE", "NOT EXISTS (SELECT 1 FROM audit_checkpoints WHERE kind = 'cut' AND seq >= OLD.seq)"),
    ("audit_personal", "UPDATE", ""),
    (
        "audit_personal",
        "DELETE",
        "NOT EXISTS (SELECT 1 FROM audit_erasures WHERE seq = OLD.seq) AND"
        " NOT EXISTS (SELECT 1 FROM audit_checkpoints WHERE kind = 'cut' AND seq >= OLD.seq)",
    ),
    ("audit_erasures", "UPDATE", ""),
    (
        "audit_erasures",
        "DELETE",
        "NOT EXISTS (SELECT 1 FROM audit_checkpoints WHERE kind = 'cut' AND seq >= OLD.seq)",
    ),
    ("audit_checkpoints", "UPDATE", ""),
    ("audit_checkpoints", "DELETE", ""),
    ("audit_head", "UPDATE", "NEW.seq <= OLD.seq"),
    ("audit_head", "DELETE", ""),
)
"""What each table refuses, and when; empty: always."""


def upgrade() -> None:
    _tables()
    op.execute(sa.text(f"INSERT INTO audit_head (id, seq, hash) VALUES (1, 0, '{GENESIS}')"))  # noqa: S608 - a constant of ours
    if op.get_bind().dialect.name == "sqlite":
        _sqlite_triggers()
    else:
        _postgres_triggers()
    op.create_table(
        "network_rules",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("network", sa.String(length=64), nullable=False),
        sa.Column("verdict", sa.String(length=8), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=True),
        sa.Column("expires_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("updated_at_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("verdict IN ('allow', 'deny')", name=op.f("ck_network_rules_verdict")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_network_rules")),
        sa.UniqueConstraint("network", "verdict", name=op.f("uq_network_rules_network_verdict")),
    )
    with op.batch_alter_table("api_keys") as batch:
        batch.add_column(sa.Column("denied_networks", sa.JSON(none_as_null=True), nullable=True))


def _tables() -> None:
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_audit_head_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "audit_entries",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("action", sa.String(length=96), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("error_code", sa.String(length=64), nullable=True),
        sa.Column("actor_kind", sa.String(length=16), nullable=False),
        sa.Column("actor_id", sa.String(length=36), nullable=True),
        sa.Column("key_id", sa.String(length=36), nullable=True),
        sa.Column("department_id", sa.String(length=36), nullable=True),
        sa.Column("object_kind", sa.String(length=64), nullable=True),
        sa.Column("object_id", sa.String(length=255), nullable=True),
        sa.Column("request_id", sa.String(length=128), nullable=True),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("changes", sa.Text(), nullable=True),
        sa.Column("commitment", sa.String(length=64), nullable=False),
        sa.Column("previous_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_entries")),
    )
    op.create_index(op.f("ix_audit_entries_at_ms"), "audit_entries", ["at_ms"])
    for column in ("actor_id", "object_id", "action", "department_id"):
        op.create_index(op.f(f"ix_audit_entries_{column}_seq"), "audit_entries", [column, "seq"])
    op.create_table(
        "audit_personal",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("salt", sa.String(length=64), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_personal")),
    )
    op.create_table(
        "audit_erasures",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("erased_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_erasures")),
    )
    op.create_table(
        "audit_checkpoints",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("public_key", sa.String(length=64), nullable=False),
        sa.Column("signature", sa.String(length=128), nullable=False),
        sa.PrimaryKeyConstraint("seq", "kind", name=op.f("pk_audit_checkpoints")),
    )
    op.create_table(
        "audit_waiting",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("refusal", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_waiting")),
    )


def _name(table: str, event: str) -> str:
    return f"{table}_no_{event.lower()}"


def _sqlite_triggers() -> None:
    for table, event, condition in REFUSALS:
        when = f"WHEN {condition}" if condition else ""
        op.execute(
            f"CREATE TRIGGER {_name(table, event)} BEFORE {event} ON {table} FOR EACH ROW {when}"
            f" BEGIN SELECT RAISE(ABORT, '{table} refuses {event}: the audit log is append-only'); END"
        )


def _postgres_triggers() -> None:
    op.execute(
        "CREATE FUNCTION audit_refuses() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " RAISE EXCEPTION '% refuses %: the audit log is append-only', TG_TABLE_NAME, TG_OP"
        " USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    for table, event, condition in REFUSALS:
        # WHEN takes no subquery in PostgreSQL: a condition becomes a function of its own.
        function = "audit_refuses"
        if condition:
            function = f"{_name(table, event)}_unless"
            row = "NEW" if event == "UPDATE" else "OLD"
            op.execute(
                f"CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF {condition} THEN"
                f" RAISE EXCEPTION '{table} refuses {event}: the audit log is append-only'"
                f" USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN {row}; END $$"
            )
        op.execute(
            f"CREATE TRIGGER {_name(table, event)} BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {function}()"
        )
    for table in ("audit_entries", "audit_personal", "audit_erasures", "audit_checkpoints", "audit_head"):
        op.execute(
            f"CREATE TRIGGER {_name(table, 'truncate')} BEFORE TRUNCATE ON {table} FOR EACH STATEMENT"
            " EXECUTE FUNCTION audit_refuses()"
        )


def downgrade() -> None:
    with op.batch_alter_table("api_keys") as batch:
        batch.drop_column("denied_networks")
    op.drop_table("network_rules")
    for table in ("audit_waiting", "audit_checkpoints", "audit_erasures", "audit_personal", "audit_entries"):
        op.drop_table(table)
    op.drop_table("audit_head")
    if op.get_bind().dialect.name != "sqlite":
        for table, event, condition in REFUSALS:
            if condition:
                op.execute(f"DROP FUNCTION {_name(table, event)}_unless()")
        op.execute("DROP FUNCTION audit_refuses()")
