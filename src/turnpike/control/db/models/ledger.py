"""The ledger: a row for each request, and their sums per day. Written by turnpike.control.drain alone, never changed.

Rows refer to keys, users, providers by id and name, without foreign keys: they outlive what they speak of.
"""

from typing import Any

from sqlalchemy import BigInteger, Boolean, Index, Integer, LargeBinary, SmallInteger, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from turnpike.control.db.base import Base, Document

NAME = 255
MEDIA_COUNTS = (
    "images", "input_image_tokens", "output_image_tokens", "input_audio_ms", "output_audio_ms", "video_ms",
    "characters", "searches", "pages", "file_searches", "code_executions",
)  # fmt: skip
"""What is summed of turnpike.wire.types.usage.MediaUsage."""


class LedgerRow(Base):
    """One request. docs/ledger.md says what each column means.

    Indexes are few, because each costs a write per request: a key is found through its user (each key has one), which
    `ledger_totals` knows.
    """

    __tablename__ = "ledger"
    __table_args__ = (
        Index(None, "started_at_ms"),
        Index(None, "user_id", "started_at_ms"),
        Index(None, "model", "started_at_ms"),
        Index(None, "request_id"),
    )

    event_id: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    started_at_ms: Mapped[int] = mapped_column(BigInteger)
    request_id: Mapped[str] = mapped_column(String(NAME))
    trace_id: Mapped[str | None] = mapped_column(String(64))
    key_id: Mapped[str] = mapped_column(String(36))
    key_name: Mapped[str] = mapped_column(String(NAME))
    user_id: Mapped[str] = mapped_column(String(36))
    department_id: Mapped[str | None] = mapped_column(String(36))
    operation: Mapped[str] = mapped_column(String(64))
    dialect_in: Mapped[str] = mapped_column(String(64))
    dialect_out: Mapped[str | None] = mapped_column(String(64))
    stream: Mapped[bool] = mapped_column(Boolean)
    model_asked: Mapped[str] = mapped_column(String(NAME))
    model: Mapped[str] = mapped_column(String(NAME))
    """The model that served; the one asked for when none did."""
    upstream_model: Mapped[str | None] = mapped_column(String(NAME))
    provider_id: Mapped[str | None] = mapped_column(String(36))
    provider: Mapped[str | None] = mapped_column(String(64))
    deployment_id: Mapped[str | None] = mapped_column(String(36))
    """NULL: nothing was sent to any provider."""
    credential_id: Mapped[str | None] = mapped_column(String(36))
    status: Mapped[int] = mapped_column(SmallInteger)
    outcome: Mapped[int] = mapped_column(SmallInteger)
    """turnpike.contract.events.Outcome."""
    error_code: Mapped[str | None] = mapped_column(String(64))
    input_tokens: Mapped[int] = mapped_column(BigInteger)
    output_tokens: Mapped[int] = mapped_column(BigInteger)
    cache_read_tokens: Mapped[int] = mapped_column(BigInteger)
    cache_write_tokens: Mapped[int] = mapped_column(BigInteger)
    cache_write_1h_tokens: Mapped[int] = mapped_column(BigInteger)
    reasoning_tokens: Mapped[int] = mapped_column(BigInteger)
    input_audio_tokens: Mapped[int] = mapped_column(BigInteger)
    output_audio_tokens: Mapped[int] = mapped_column(BigInteger)
    cache_read_audio_tokens: Mapped[int] = mapped_column(BigInteger)
    billable_requests: Mapped[int] = mapped_column(BigInteger)
    web_searches: Mapped[int] = mapped_column(BigInteger)
    usage_source: Mapped[int] = mapped_column(SmallInteger)
    """turnpike.contract.events.UsageSource."""
    cost_nanousd: Mapped[int | None] = mapped_column(BigInteger)
    priced: Mapped[bool] = mapped_column(Boolean)
    """False: some or all of the request has no price, and the cost is NULL or only a part."""
    price_source: Mapped[str | None] = mapped_column(String(64))
    first_byte_us: Mapped[int] = mapped_column(BigInteger)
    total_us: Mapped[int] = mapped_column(BigInteger)
    attempts: Mapped[int] = mapped_column(Integer)
    abandoned: Mapped[str | None] = mapped_column(Text)
    """JSON: the attempts that were given up. Text, as nothing is ever searched in it."""
    cache: Mapped[str | None] = mapped_column(String(32))
    media: Mapped[dict[str, Any] | None] = mapped_column(Document)
    """What few requests have: the counts of MediaUsage that are not zero, by name. NULL: none."""
    path: Mapped[str | None] = mapped_column(String(NAME))
    """Of a call that was passed through: its path without what the caller chose in it."""
    saved_nanousd: Mapped[int] = mapped_column(BigInteger, server_default="0")
    """What an answer out of the cache had cost when it was made."""
    mirror_of: Mapped[bytes | None] = mapped_column(LargeBinary(16))
    """Of a copy that a route sent: the event of the request that it is a copy of."""
    reason: Mapped[str | None] = mapped_column(String(NAME))
    """Which limit, budget, policy or scope said no."""


class LedgerTotal(Base):
    """Sums of rows that share a day, key, deployment and operation. Missing departments and providers are empty
    text here, because a primary key takes no NULL."""

    __tablename__ = "ledger_totals"
    __table_args__: Any = (
        Index(None, "key_id"),
        # Room on each page for the next version of its rows: they change with every batch.
        {"sqlite_with_rowid": False, "postgresql_with": {"fillfactor": 70}},
    )

    day: Mapped[str] = mapped_column(String(10), primary_key=True)
    """UTC, `2026-05-30`."""
    user_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    key_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    department_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    model: Mapped[str] = mapped_column(String(NAME), primary_key=True)
    provider: Mapped[str] = mapped_column(String(64), primary_key=True)
    deployment_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    operation: Mapped[str] = mapped_column(String(64), primary_key=True)
    key_name: Mapped[str] = mapped_column(String(NAME))
    """As the latest of the rows has it."""
    requests: Mapped[int] = mapped_column(BigInteger)
    succeeded: Mapped[int] = mapped_column(BigInteger)
    unpriced: Mapped[int] = mapped_column(BigInteger)
    estimated: Mapped[int] = mapped_column(BigInteger)
    input_tokens: Mapped[int] = mapped_column(BigInteger)
    output_tokens: Mapped[int] = mapped_column(BigInteger)
    cache_read_tokens: Mapped[int] = mapped_column(BigInteger)
    cache_write_tokens: Mapped[int] = mapped_column(BigInteger)
    cache_write_1h_tokens: Mapped[int] = mapped_column(BigInteger)
    reasoning_tokens: Mapped[int] = mapped_column(BigInteger)
    input_audio_tokens: Mapped[int] = mapped_column(BigInteger)
    output_audio_tokens: Mapped[int] = mapped_column(BigInteger)
    cache_read_audio_tokens: Mapped[int] = mapped_column(BigInteger)
    billable_requests: Mapped[int] = mapped_column(BigInteger)
    web_searches: Mapped[int] = mapped_column(BigInteger)
    images: Mapped[int] = mapped_column(BigInteger)
    input_image_tokens: Mapped[int] = mapped_column(BigInteger)
    output_image_tokens: Mapped[int] = mapped_column(BigInteger)
    input_audio_ms: Mapped[int] = mapped_column(BigInteger)
    output_audio_ms: Mapped[int] = mapped_column(BigInteger)
    video_ms: Mapped[int] = mapped_column(BigInteger)
    characters: Mapped[int] = mapped_column(BigInteger)
    searches: Mapped[int] = mapped_column(BigInteger)
    pages: Mapped[int] = mapped_column(BigInteger)
    file_searches: Mapped[int] = mapped_column(BigInteger)
    code_executions: Mapped[int] = mapped_column(BigInteger)
    cost_nanousd: Mapped[int] = mapped_column(BigInteger)
    """Of what has a price."""
    saved_nanousd: Mapped[int] = mapped_column(BigInteger, server_default="0")
