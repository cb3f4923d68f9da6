"""Departments with more than a name, invitations, provisioning by SCIM, and people who were erased."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

TABLES = ("scim_members", "scim_mappings", "scim_groups", "scim_users", "scim_tokens", "invitations")


def upgrade() -> None:
    op.add_column("departments", sa.Column("code", sa.String(length=64), nullable=True))
    op.add_column("departments", sa.Column("default_tier", sa.String(length=32), nullable=True))
    op.add_column("departments", sa.Column("models", sa.JSON(none_as_null=True), nullable=True))
    op.create_index(op.f("ix_departments_code"), "departments", ["code"], unique=True)
    op.add_column("users", sa.Column("erased_at_ms", sa.BigInteger(), nullable=True))
    _invitations()
    _tokens()
    _provisioned()


def _times() -> list[sa.Column[int]]:
    return [
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("updated_at_ms", sa.BigInteger(), nullable=False),
    ]


def _foreign(table: str, column: str, target: str, ondelete: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{target}")
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=name, ondelete=ondelete)


def _invitations() -> None:
    op.create_table(
        "invitations",
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("department_id", sa.String(length=36), nullable=True),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("invited_by", sa.String(length=36), nullable=True),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("accepted_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("user_id", sa.String(length=36), nullable=True),
        sa.Column("id", sa.String(length=36), nullable=False),
        _foreign("invitations", "department_id", "departments", "SET NULL"),
        _foreign("invitations", "invited_by", "users", "SET NULL"),
        _foreign("invitations", "user_id", "users", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
        sa.UniqueConstraint("digest", name=op.f("uq_invitations_digest")),
    )
    for column in ("created_at_ms", "email", "user_id"):
        op.create_index(op.f(f"ix_invitations_{column}"), "invitations", [column])


def _tokens() -> None:
    op.create_table(
        "scim_tokens",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("prefix", sa.String(length=16), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("created_by", sa.String(length=36), nullable=True),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("last_used_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("id", sa.String(length=36), nullable=False),
        _foreign("scim_tokens", "created_by", "users", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scim_tokens")),
        sa.UniqueConstraint("digest", name=op.f("uq_scim_tokens_digest")),
    )


def _provisioned() -> None:
    op.create_table(
        "scim_users",
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("user_name", sa.String(length=255), nullable=False),
        sa.Column("user_name_key", sa.String(length=255), nullable=False),
        sa.Column("external_id", sa.String(length=255), nullable=True),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("deleted_at_ms", sa.BigInteger(), nullable=True),
        *_times(),
        _foreign("scim_users", "user_id", "users", "CASCADE"),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_scim_users")),
        sa.UniqueConstraint("user_name_key", name=op.f("uq_scim_users_user_name_key")),
    )
    op.create_index(op.f("ix_scim_users_external_id"), "scim_users", ["external_id"])
    op.create_table(
        "scim_groups",
        sa.Column("display_name", sa.String(length=255), nullable=False),
        sa.Column("name_key", sa.String(length=255), nullable=False),
        sa.Column("external_id", sa.String(length=255), nullable=True),
        sa.Column("id", sa.String(length=36), nullable=False),
        *_times(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scim_groups")),
    )
    op.create_index(op.f("ix_scim_groups_name_key"), "scim_groups", ["name_key"])
    op.create_table(
        "scim_members",
        sa.Column("group_id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        _foreign("scim_members", "group_id", "scim_groups", "CASCADE"),
        _foreign("scim_members", "user_id", "users", "CASCADE"),
        sa.PrimaryKeyConstraint("group_id", "user_id", name=op.f("pk_scim_members")),
    )
    op.create_index(op.f("ix_scim_members_user_id"), "scim_members", ["user_id"])
    op.create_table(
        "scim_mappings",
        sa.Column("group_name", sa.String(length=255), nullable=False),
        sa.Column("name_key", sa.String(length=255), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=True),
        sa.Column("department_id", sa.String(length=36), nullable=True),
        sa.Column("id", sa.String(length=36), nullable=False),
        *_times(),
        _foreign("scim_mappings", "department_id", "departments", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scim_mappings")),
        sa.UniqueConstraint("name_key", name=op.f("uq_scim_mappings_name_key")),
    )


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
    op.drop_column("users", "erased_at_ms")
    op.drop_index(op.f("ix_departments_code"), table_name="departments")
    for column in ("models", "default_tier", "code"):
        op.drop_column("departments", column)
