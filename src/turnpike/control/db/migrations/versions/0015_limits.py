"""How limits of tokens count a call when it is admitted; word of counters that were reset."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("limits", sa.Column("counting", sa.String(length=8), nullable=False, server_default="bound"))
    op.create_table(
        "limit_resets",
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("counters", sa.JSON(), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_limit_resets")),
    )


def downgrade() -> None:
    op.drop_table("limit_resets")
    op.drop_column("limits", "counting")
