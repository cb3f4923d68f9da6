"""The ledger and its totals."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TOKENS = (
    "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "cache_write_1h_tokens",
    "reasoning_tokens", "input_audio_tokens", "output_audio_tokens", "cache_read_audio_tokens", "billable_requests",
    "web_searches",
)  # fmt: skip


def _counts(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger(), nullable=False) for name in names]


def upgrade() -> None:
    _rows()
    _totals()


def _rows() -> None:
    op.create_table(
        "ledger",
        sa.Column("event_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("started_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("request_id", sa.String(length=255), nullable=False),
        sa.Column("trace_id", sa.String(length=64), nullable=True),
        sa.Column("key_id", sa.String(length=36), nullable=False),
        sa.Column("key_name", sa.String(length=255), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("department_id", sa.String(length=36), nullable=True),
        sa.Column("operation", sa.String(length=64), nullable=False),
        sa.Column("dialect_in", sa.String(length=64), nullable=False),
        sa.Column("dialect_out", sa.String(length=64), nullable=True),
        sa.Column("stream", sa.Boolean(), nullable=False),
        sa.Column("model_asked", sa.String(length=255), nullable=False),
        sa.Column("model", sa.String(length=255), nullable=False),
        sa.Column("upstream_model", sa.String(length=255), nullable=True),
        sa.Column("provider_id", sa.String(length=36), nullable=True),
        sa.Column("provider", sa.String(length=64), nullable=True),
        sa.Column("deployment_id", sa.String(length=36), nullable=True),
        sa.Column("credential_id", sa.String(length=36), nullable=True),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("outcome", sa.SmallInteger(), nullable=False),
        sa.Column("error_code", sa.String(length=64), nullable=True),
        *_counts(*TOKENS),
        sa.Column("usage_source", sa.SmallInteger(), nullable=False),
        sa.Column("cost_nanousd", sa.BigInteger(), nullable=True),
        sa.Column("priced", sa.Boolean(), nullable=False),
        sa.Column("price_source", sa.String(length=64), nullable=True),
        *_counts("first_byte_us", "total_us"),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("abandoned", sa.Text(), nullable=True),
        sa.Column("cache", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_ledger")),
    )
    op.create_index(op.f("ix_ledger_started_at_ms"), "ledger", ["started_at_ms"])
    op.create_index(op.f("ix_ledger_user_id_started_at_ms"), "ledger", ["user_id", "started_at_ms"])
    op.create_index(op.f("ix_ledger_model_started_at_ms"), "ledger", ["model", "started_at_ms"])
    op.create_index(op.f("ix_ledger_request_id"), "ledger", ["request_id"])


def _totals() -> None:
    keys = {"day": 10, "user_id": 36, "key_id": 36, "department_id": 36, "model": 255, "provider": 64}
    op.create_table(
        "ledger_totals",
        *(sa.Column(name, sa.String(length=length), nullable=False) for name, length in keys.items()),
        sa.Column("deployment_id", sa.String(length=36), nullable=False),
        sa.Column("key_name", sa.String(length=255), nullable=False),
        *_counts("requests", "succeeded", "unpriced", "estimated", *TOKENS, "cost_nanousd"),
        sa.PrimaryKeyConstraint(*keys, "deployment_id", name=op.f("pk_ledger_totals")),
        sqlite_with_rowid=False,
        postgresql_with={"fillfactor": 70},
    )
    op.create_index(op.f("ix_ledger_totals_key_id"), "ledger_totals", ["key_id"])


def downgrade() -> None:
    op.drop_table("ledger_totals")
    op.drop_table("ledger")
