"""Objects made at a provider and their owners; the path of a call in the ledger."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "owned_objects",
        sa.Column("provider_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("object_id", sa.String(length=255), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("key_id", sa.String(length=36), nullable=False),
        sa.Column("key_name", sa.String(length=255), nullable=False),
        sa.Column("department_id", sa.String(length=36), nullable=True),
        sa.Column("credential_id", sa.String(length=36), nullable=True),
        sa.Column("batch", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("usage_due_ms", sa.BigInteger(), nullable=True),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["provider_id"], ["providers.id"], name=op.f("fk_owned_objects_provider_id_providers"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("kind", "object_id", "provider_id", name=op.f("pk_owned_objects")),
    )
    op.create_index(op.f("ix_owned_objects_provider_id"), "owned_objects", ["provider_id"])
    op.create_index(op.f("ix_owned_objects_user_id_kind"), "owned_objects", ["user_id", "kind"])
    op.create_index(op.f("ix_owned_objects_usage_due_ms"), "owned_objects", ["usage_due_ms"])
    op.add_column("ledger", sa.Column("path", sa.String(length=255), nullable=True))


def downgrade() -> None:
    op.drop_column("ledger", "path")
    op.drop_table("owned_objects")
