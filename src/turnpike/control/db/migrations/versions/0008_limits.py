"""Limits and tiers, with the three tiers that every gateway begins with."""

import sqlalchemy as sa
from alembic import op

from turnpike.kit.clock import now_ms
from turnpike.kit.ids import new_id

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TIERS = {
    "standard": "The tier of a key that names none: no limits, until they are set.",
    "unlimited": "No limits of its own.",
    "free": "A first try.",
    "pro": "Everyday work.",
    "enterprise": "Whole teams.",
}
LIMITS = {"free": (10, 100, 2), "pro": (100, 1000, 10), "enterprise": (1000, 10000, 50)}
"""Requests a minute, requests an hour, requests at once."""


def upgrade() -> None:
    tiers = op.create_table(
        "tiers",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("description", sa.String(length=500), nullable=True),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("updated_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_tiers")),
    )
    limits = op.create_table(
        "limits",
        sa.Column("subject", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("resource", sa.String(length=16), nullable=False),
        sa.Column("window_s", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("burst", sa.BigInteger(), nullable=False),
        sa.Column("on_unreachable", sa.String(length=8), nullable=False),
        sa.Column("model", sa.String(length=255), nullable=False),
        sa.Column("operation", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("updated_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_limits")),
        sa.UniqueConstraint(
            "subject",
            "name",
            "resource",
            "window_s",
            "model",
            "operation",
            name=op.f("uq_limits_subject_name_resource_window_s_model_operation"),
        ),
    )
    times = {"created_at_ms": now_ms(), "updated_at_ms": now_ms()}
    op.bulk_insert(tiers, [{"name": name, "description": text, **times} for name, text in TIERS.items()])
    rows = [
        ("requests", 60, 0),
        ("requests", 3600, 1),
        ("concurrency", 0, 2),
    ]
    op.bulk_insert(
        limits,
        [
            {
                "id": new_id(),
                "subject": "tier",
                "name": tier,
                "resource": resource,
                "window_s": window_s,
                "amount": numbers[place],
                "burst": 0,
                "on_unreachable": "closed",
                "model": "",
                "operation": "",
                **times,
            }
            for tier, numbers in LIMITS.items()
            for resource, window_s, place in rows
        ],
    )


def downgrade() -> None:
    op.drop_table("limits")
    op.drop_table("tiers")
