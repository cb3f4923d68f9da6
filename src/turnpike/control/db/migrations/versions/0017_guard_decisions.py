"""Guards' decisions by department."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_INDEX = "ix_guard_decisions_department_id_at_ms"


def upgrade() -> None:
    op.create_index(_INDEX, "guard_decisions", ["department_id", "at_ms"])


def downgrade() -> None:
    op.drop_index(_INDEX, table_name="guard_decisions")
