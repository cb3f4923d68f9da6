"""Budgets, their counters, what is lent of them, their alerts."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "budgets",
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("amount_nanousd", sa.BigInteger(), nullable=False),
        sa.Column("period", sa.String(length=16), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("length_ms", sa.BigInteger(), nullable=False),
        sa.Column("hard", sa.Boolean(), nullable=False),
        sa.Column("alerts", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("flat_nanousd", sa.BigInteger(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("deleted_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("short_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("source", sa.String(length=64), nullable=True),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("updated_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_budgets")),
    )
    op.create_index(op.f("ix_budgets_kind_subject"), "budgets", ["kind", "subject"])
    op.create_index(op.f("ix_budgets_short_at_ms"), "budgets", ["short_at_ms"])
    op.create_table(
        "budget_counters",
        sa.Column("budget_id", sa.String(length=36), nullable=False),
        sa.Column("start_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("spent_nanousd", sa.BigInteger(), nullable=False),
        sa.Column("changed_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("budget_id", "start_ms", name=op.f("pk_budget_counters")),
    )
    op.create_index(op.f("ix_budget_counters_changed_at_ms"), "budget_counters", ["changed_at_ms"])
    op.create_table(
        "budget_slices",
        sa.Column("budget_id", sa.String(length=36), nullable=False),
        sa.Column("start_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("holder", sa.String(length=80), nullable=False),
        sa.Column("home", sa.String(length=36), nullable=False),
        sa.Column("granted_nanousd", sa.BigInteger(), nullable=False),
        sa.Column("settled_nanousd", sa.BigInteger(), nullable=False),
        sa.Column("asked", sa.BigInteger(), nullable=False),
        sa.Column("fresh", sa.BigInteger(), nullable=False),
        sa.Column("base_nanousd", sa.BigInteger(), nullable=False),
        sa.Column("seen_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("budget_id", "start_ms", "holder", name=op.f("pk_budget_slices")),
    )
    op.create_index(op.f("ix_budget_slices_holder"), "budget_slices", ["holder"])
    op.create_index(op.f("ix_budget_slices_home"), "budget_slices", ["home"])
    op.create_table(
        "budget_alerts",
        sa.Column("budget_id", sa.String(length=36), nullable=False),
        sa.Column("start_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("percent", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("spent_nanousd", sa.BigInteger(), nullable=False),
        sa.Column("amount_nanousd", sa.BigInteger(), nullable=False),
        sa.Column("raised_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("budget_id", "start_ms", "percent", name=op.f("pk_budget_alerts")),
    )
    op.create_index(op.f("ix_budget_alerts_raised_at_ms"), "budget_alerts", ["raised_at_ms"])
    op.add_column("owned_objects", sa.Column("charged", sa.JSON(none_as_null=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("owned_objects") as batch:
        batch.drop_column("charged")
    for table in ("budget_alerts", "budget_slices", "budget_counters", "budgets"):
        op.drop_table(table)
