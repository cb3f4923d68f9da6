"""What is counted in other units than tokens, and totals by operation.

The totals are made anew from the rows, in one statement: on a large ledger that takes a while, and it is done once.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TOKENS = (
    "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "cache_write_1h_tokens",
    "reasoning_tokens", "input_audio_tokens", "output_audio_tokens", "cache_read_audio_tokens", "billable_requests",
    "web_searches",
)  # fmt: skip
MEDIA = (
    "images", "input_image_tokens", "output_image_tokens", "input_audio_ms", "output_audio_ms", "video_ms",
    "characters", "searches", "pages", "file_searches", "code_executions",
)  # fmt: skip
KEYS = {
    "day": 10, "user_id": 36, "key_id": 36, "department_id": 36, "model": 255, "provider": 64, "deployment_id": 36,
}  # fmt: skip
_DAY = {
    "sqlite": "strftime('%Y-%m-%d', started_at_ms / 1000, 'unixepoch')",
    "postgresql": "to_char(to_timestamp(started_at_ms / 1000) AT TIME ZONE 'UTC', 'YYYY-MM-DD')",
}


def upgrade() -> None:
    op.add_column("ledger", sa.Column("media", sa.JSON(none_as_null=True), nullable=True))
    op.drop_table("ledger_totals")
    _totals(by_operation=True)
    _fill(by_operation=True)


def downgrade() -> None:
    op.drop_table("ledger_totals")
    _totals(by_operation=False)
    _fill(by_operation=False)
    with op.batch_alter_table("ledger") as ledger:
        ledger.drop_column("media")


def _totals(*, by_operation: bool) -> None:
    keys = {**KEYS, "operation": 64} if by_operation else KEYS
    counts = ("requests", "succeeded", "unpriced", "estimated", *TOKENS, *(MEDIA if by_operation else ()))
    op.create_table(
        "ledger_totals",
        *(sa.Column(name, sa.String(length=length), nullable=False) for name, length in keys.items()),
        sa.Column("key_name", sa.String(length=255), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in (*counts, "cost_nanousd")),
        sa.PrimaryKeyConstraint(*keys, name=op.f("pk_ledger_totals")),
        sqlite_with_rowid=False,
        postgresql_with={"fillfactor": 70},
    )
    op.create_index(op.f("ix_ledger_totals_key_id"), "ledger_totals", ["key_id"])


def _fill(*, by_operation: bool) -> None:
    """Rows that came before this migration have no media: their sums are zero."""
    day = _DAY[op.get_bind().dialect.name]
    keys = f"{day}, user_id, key_id, COALESCE(department_id, ''), model, COALESCE(provider, ''), "
    keys += "COALESCE(deployment_id, '')"
    names = [*KEYS, "key_name", "requests", "succeeded", "unpriced", "estimated", *TOKENS, "cost_nanousd"]
    sums = [
        "MAX(key_name)", "COUNT(*)", "SUM(CASE WHEN outcome = 0 THEN 1 ELSE 0 END)",
        "SUM(CASE WHEN priced THEN 0 ELSE 1 END)",
        "SUM(CASE WHEN usage_source NOT IN (0, 3) OR abandoned IS NOT NULL THEN 1 ELSE 0 END)",
        *(f"SUM({name})" for name in TOKENS), "SUM(COALESCE(cost_nanousd, 0))",
    ]  # fmt: skip
    groups = keys
    if by_operation:
        names += ["operation", *MEDIA]
        sums += ["operation", *("0" for _ in MEDIA)]
        groups += ", operation"
    # Of our own columns' names and nothing else.
    op.execute(
        f"INSERT INTO ledger_totals ({', '.join(names)}) SELECT {keys}, {', '.join(sums)} FROM ledger GROUP BY {groups}"  # noqa: S608 - our own columns' names
    )
