"""Refusals: which rule said no, in the ledger; how far they were taken over from journals and spools."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("ledger", sa.Column("reason", sa.String(length=255), nullable=True))
    op.create_table(
        "audit_marks",
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_audit_marks")),
    )


def downgrade() -> None:
    op.drop_table("audit_marks")
    op.drop_column("ledger", "reason")
