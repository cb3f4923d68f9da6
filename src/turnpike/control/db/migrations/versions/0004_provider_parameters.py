"""Values of vendors' parameters: an account, a resource's name, a region."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The default fills the rows that there are; the models give every new row its own value.
    op.add_column("providers", sa.Column("parameters", sa.JSON(), nullable=False, server_default="{}"))
    with op.batch_alter_table("providers") as table:
        table.alter_column("parameters", existing_type=sa.JSON(), server_default=None)
