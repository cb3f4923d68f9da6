"""Rows of the tables to what people read: the same fields in an answer, a line of NDJSON and a row of CSV."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec

from turnpike.contract.events import UsageSource
from turnpike.control.db.models.ledger import MEDIA_COUNTS
from turnpike.control.domains.ledger.repository import Row
from turnpike.control.domains.ledger.schemas import OUTCOME_NAMES, USAGE_SOURCES, RowView, SumsView, TokensView
from turnpike.kit.clock import from_ms, rfc3339
from turnpike.kit.money import cents_from_nanousd, usd_text

_AS_THEY_ARE = (
    "request_id", "trace_id", "key_id", "key_name", "user_id", "department_id", "operation", "dialect_in",
    "dialect_out", "model_asked", "upstream_model", "provider_id", "provider", "deployment_id", "credential_id",
    "status", "error_code", "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens",
    "cache_write_1h_tokens", "reasoning_tokens", "input_audio_tokens", "output_audio_tokens",
    "cache_read_audio_tokens", "billable_requests", "web_searches", "cost_nanousd", "price_source", "first_byte_us",
    "total_us", "attempts", "cache", "saved_nanousd", "path", "reason",
)  # fmt: skip
_CERTAIN = (UsageSource.REPORTED, UsageSource.NONE)
_TOKENS = tuple(TokensView.model_fields)
_OTHERS = tuple(name for name in RowView.model_fields if name not in _TOKENS)
_BEFORE = _OTHERS.index("usage_source")
FIELDS: tuple[str, ...] = (*_OTHERS[:_BEFORE], *_TOKENS, *_OTHERS[_BEFORE:])
"""In the order of every export."""


def row_fields(row: Row) -> dict[str, Any]:
    """JSON-ready."""
    cost, served = row["cost_nanousd"], row["deployment_id"] is not None
    found: dict[str, Any] = {name: row[name] for name in _AS_THEY_ARE}
    found.update(
        event_id=str(UUID(bytes=bytes(row["event_id"]))),
        started_at=rfc3339(from_ms(row["started_at_ms"])),
        stream=bool(row["stream"]),
        model_served=row["model"] if served else None,
        outcome=OUTCOME_NAMES.get(row["outcome"], "failed"),
        usage_source=USAGE_SOURCES.get(row["usage_source"], "unknown"),
        cost_usd=None if cost is None else usd_text(cost),
        cost_cents=None if cost is None else float(cents_from_nanousd(cost)),
        priced=bool(row["priced"]),
        estimated=row["usage_source"] not in _CERTAIN or bool(row["abandoned"]),
        abandoned=msgspec.json.decode(row["abandoned"]) if row["abandoned"] else [],
        media=row["media"],
        mirror_of=None if row["mirror_of"] is None else str(UUID(bytes=bytes(row["mirror_of"]))),
    )
    return {name: found[name] for name in FIELDS}


def view_row(row: Row) -> RowView:
    return RowView.model_validate(row_fields(row))


def sums_fields(sums: Mapping[str, Any]) -> dict[str, Any]:
    """Sums come as None from an empty set, and as decimals from PostgreSQL."""
    found: dict[str, Any] = {name: int(value or 0) for name, value in sums.items()}
    cost = found["cost_nanousd"]
    found["tokens"] = found["input_tokens"] + found["output_tokens"]
    media = {name: found.pop(name) for name in MEDIA_COUNTS}
    return {**found, "media": media, "cost_usd": usd_text(cost), "cost_cents": float(cents_from_nanousd(cost))}


def view_sums(sums: Mapping[str, Any]) -> SumsView:
    return SumsView.model_validate(sums_fields(sums))
