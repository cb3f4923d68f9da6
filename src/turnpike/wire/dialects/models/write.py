"""`GET /v1/models` and `GET /v1/models/{id}` as Turnpike answers them.

OpenAI's form is one list without pages; Anthropic's has pages of `limit` around `before_id` or `after_id`. Both carry
what a gateway knows beyond the form in fields of its own, which the official SDKs let through.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from turnpike.errors import InvalidRequest
from turnpike.wire.prices import Rates

DEFAULT_LIMIT = 20
MAX_LIMIT = 1000

Json = dict[str, Any]


class ModelEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A model as callers see it."""

    name: str
    created_s: int = 0
    owned_by: str = "turnpike"
    display_name: str | None = None
    capabilities: tuple[str, ...] = ()
    context_window: int | None = None
    max_output_tokens: int | None = None
    rates: Rates | None = None
    alias_of: str | None = None
    """The model's own name, where this is another one."""


class Page(msgspec.Struct, frozen=True):
    """What part of a list is asked for."""

    limit: int = DEFAULT_LIMIT
    before_id: str | None = None
    after_id: str | None = None


def read_page(query: Mapping[str, str]) -> Page:
    """From a query's parameters. Raises InvalidRequest for a limit that is none."""
    text = query.get("limit")
    if text is None:
        limit = DEFAULT_LIMIT
    elif text.isascii() and text.isdigit() and 1 <= int(text) <= MAX_LIMIT:
        limit = int(text)
    else:
        raise InvalidRequest(f"`limit` must be a number from 1 to {MAX_LIMIT}.", details={"param": "limit"})
    before, after = query.get("before_id") or None, query.get("after_id") or None
    if before and after:
        raise InvalidRequest("`before_id` and `after_id` exclude each other.", details={"param": "before_id"})
    return Page(limit, before, after)


def _dollars(pico: int) -> str:
    """US dollars for one token, as a plain decimal: the form that OpenRouter made common."""
    whole, rest = divmod(pico, 10**12)
    return f"{whole}.{rest:012d}".rstrip("0").rstrip(".")


def _pricing(rates: Rates) -> Json:
    named = {
        "prompt": rates.input,
        "completion": rates.output,
        "input_cache_read": rates.cache_read,
        "input_cache_write": rates.cache_write,
        "input_cache_write_1h": rates.cache_write_1h,
        "audio": rates.input_audio,
        "request": rates.request or None,
        "web_search": rates.web_search or None,
    }
    return {name: _dollars(pico) for name, pico in named.items() if pico is not None}


def _more(entry: ModelEntry) -> Json:
    more: Json = {"capabilities": list(entry.capabilities)}
    if entry.alias_of is not None:
        more["alias_of"] = entry.alias_of
    if entry.context_window is not None:
        more["context_window"] = entry.context_window
    if entry.max_output_tokens is not None:
        more["max_output_tokens"] = entry.max_output_tokens
    if entry.rates is not None:
        more["pricing"] = _pricing(entry.rates)
    return more


def _openai(entry: ModelEntry) -> Json:
    named = {} if entry.display_name is None else {"display_name": entry.display_name}
    base = {"id": entry.name, "object": "model", "created": entry.created_s, "owned_by": entry.owned_by}
    return {**base, **named, **_more(entry)}


def write_openai_list(entries: Sequence[ModelEntry]) -> bytes:
    return msgspec.json.encode({"object": "list", "data": [_openai(entry) for entry in entries]})


def write_openai_model(entry: ModelEntry) -> bytes:
    return msgspec.json.encode(_openai(entry))


def _anthropic(entry: ModelEntry) -> Json:
    """Anthropic's `capabilities` is an object of another meaning: ours stand under a name of their own."""
    more = _more(entry)
    return {
        "id": entry.name,
        "type": "model",
        "display_name": entry.display_name or entry.name,
        "created_at": datetime.fromtimestamp(entry.created_s, UTC).isoformat().replace("+00:00", "Z"),
        "lifecycle": "active",
        "max_input_tokens": entry.context_window,
        "max_tokens": entry.max_output_tokens,
        "owned_by": entry.owned_by,
        "gateway_capabilities": more["capabilities"],
        **{name: more[name] for name in ("pricing", "alias_of") if name in more},
    }


def write_anthropic_list(entries: Sequence[ModelEntry], page: Page) -> bytes:
    """Raises InvalidRequest when `before_id` or `after_id` is no model of the list."""
    start, end = 0, len(entries)
    if page.after_id is not None:
        start = _place(entries, page.after_id, "after_id") + 1
    elif page.before_id is not None:
        end = _place(entries, page.before_id, "before_id")
        start = max(end - page.limit, 0)
    chosen = entries[start:end][: page.limit]
    more = start > 0 if page.before_id is not None else start + len(chosen) < end
    return msgspec.json.encode(
        {
            "data": [_anthropic(entry) for entry in chosen],
            "has_more": more,
            "first_id": chosen[0].name if chosen else None,
            "last_id": chosen[-1].name if chosen else None,
        }
    )


def write_anthropic_model(entry: ModelEntry) -> bytes:
    return msgspec.json.encode(_anthropic(entry))


def _place(entries: Sequence[ModelEntry], name: str, param: str) -> int:
    for place, entry in enumerate(entries):
        if entry.name == name:
            return place
    raise InvalidRequest(f"`{param}` names no model of this list: {name!r}.", details={"param": param})
