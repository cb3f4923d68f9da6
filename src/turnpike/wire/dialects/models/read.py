"""A provider's list of models read into rows for the catalog.

One reader for the forms of OpenAI, Anthropic, Gemini, OpenRouter, Mistral, Together, Groq, Ollama, vLLM, LM Studio and
llama.cpp: they agree on a list of objects with an `id` or a name and differ in what more they say, all of it optional
here.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, cast

import msgspec

from turnpike.errors import UpstreamGarbage
from turnpike.wire.dialects.common.reading import decode_answer
from turnpike.wire.dialects.models import details
from turnpike.wire.prices import Rates
from turnpike.wire.profiles.capabilities import guess_capabilities

MAX_MODELS = 20_000
_LISTS = ("data", "models", "result", "endpoints")
"""Where the list stands, in an answer that is an object."""

_decode = msgspec.json.Decoder().decode

Json = dict[str, Any]


class ModelRow(msgspec.Struct, frozen=True, kw_only=True):
    """A model as its provider lists it."""

    id: str
    display_name: str | None = None
    created_s: int = 0
    owned_by: str | None = None
    capabilities: tuple[str, ...] = ()
    context_window: int | None = None
    max_output_tokens: int | None = None
    rates: Rates | None = None
    """From the list itself, where it tells prices (OpenRouter, Together)."""


class ModelList(msgspec.Struct, frozen=True):
    rows: tuple[ModelRow, ...]
    next_after_id: str | None = None
    """To be asked for the rest: with `after_id` (Anthropic's pages) or `pageToken` (Gemini's)."""


def read_models(body: bytes) -> ModelList:
    """Rows in the provider's order, without duplicates. Raises UpstreamGarbage for what is no list of models."""
    decoded = decode_answer(_decode, body, "a list of models")
    items: Any = decoded
    after: str | None = None
    if isinstance(decoded, dict):
        whole = cast("Json", decoded)
        items = next((whole[name] for name in _LISTS if isinstance(whole.get(name), list)), None)
        if whole.get("has_more") is True and isinstance(whole.get("last_id"), str):
            after = whole["last_id"]
        elif isinstance(whole.get("nextPageToken"), str):
            after = whole["nextPageToken"] or None
    if not isinstance(items, list):
        raise UpstreamGarbage("The provider's answer is not a list of models.")
    rows: dict[str, ModelRow] = {}
    for item in cast("list[Any]", items)[:MAX_MODELS]:
        if isinstance(item, dict):
            row = _row(cast("Json", item))
            if row is not None:
                rows.setdefault(row.id, row)
    return ModelList(tuple(rows.values()), after)


def _row(item: Json) -> ModelRow | None:
    # Where a task is told, `id` is a number of the server's own.
    name = _text(item, *(("name", "id") if "task" in item else ("id", "model_id", "name", "model")))
    if name is None:
        return None
    name = name.removeprefix("models/")  # Google's OpenAI-compatible list
    top = _object(item, "top_provider")
    limits = _object(item, "limits")
    shown = _text(item, "display_name", "displayName") or (_text(item, "name") or "").removeprefix("models/")
    return ModelRow(
        id=name,
        display_name=shown if shown and shown != name else None,
        created_s=_created(item),
        owned_by=_text(item, "owned_by", "organization"),
        capabilities=_capabilities(name, item),
        context_window=_count(
            item,
            "context_window",
            "context_length",
            "max_context_length",
            "max_model_len",
            "max_input_tokens",
            "inputTokenLimit",
        )
        or _count(_object(item, "meta"), "n_ctx", "n_ctx_train")
        or _count(limits, "max_context_window_tokens")
        or details.window(item),
        max_output_tokens=_count(item, "max_output_tokens", "max_completion_tokens", "max_tokens", "outputTokenLimit")
        or _count(top, "max_completion_tokens")
        or _count(limits, "max_output_tokens"),
        rates=_rates(_object(item, "pricing")) or details.rates(item),
    )


def _text(item: Mapping[str, Any], *names: str) -> str | None:
    for name in names:
        value = item.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip()
    return None


def _count(item: Mapping[str, Any], *names: str) -> int | None:
    for name in names:
        value = item.get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 1:
            return int(value)
    return None


def _object(item: Mapping[str, Any], name: str) -> Json:
    value = item.get(name)
    return cast("Json", value) if isinstance(value, dict) else {}


def _created(item: Json) -> int:
    seconds = _count(item, "created")
    if seconds is not None:
        return seconds
    text = _text(item, "created_at")
    if text is None:
        return 0
    try:
        return max(int(datetime.fromisoformat(text).timestamp()), 0)
    except ValueError:
        return 0


def _capabilities(name: str, item: Json) -> tuple[str, ...]:
    listed = item.get("capabilities")
    declared: set[str] = set()
    if isinstance(listed, list):
        declared = {word for word in cast("list[Any]", listed) if isinstance(word, str)}
    elif isinstance(listed, dict):
        declared = {word for word, on in cast("Json", listed).items() if on is True}
    methods = item.get("supportedGenerationMethods")
    if isinstance(methods, list):
        declared |= _of_methods(cast("list[Any]", methods), name)
    kind = _text(item, "type")
    if kind is not None and kind not in ("model", "llm", "vlm"):
        declared.add(kind)
    told = details.kinds(item)
    if details.OTHER in told:
        return ()
    declared |= told
    outputs = _object(item, "architecture").get("output_modalities")
    modalities = cast("list[str]", outputs) if isinstance(outputs, list) else []
    return guess_capabilities(name, modalities, declared)


def _of_methods(methods: list[Any], name: str) -> set[str]:
    """Gemini lists what may be called: a model that generates content may still make pictures or speech, which its
    name tells."""
    if "embedContent" in methods or "batchEmbedContents" in methods:
        return {"embeddings"}
    if "generateContent" in methods:
        return set(guess_capabilities(name)) or {"none"}
    if "predict" in methods or "predictLongRunning" in methods:
        return set(guess_capabilities(name)) - {"chat"} or {"none"}
    return {"none"}


def _rates(pricing: Json) -> Rates | None:
    """OpenRouter: US dollars for one token, as text. Together: US dollars for a million tokens, as numbers. None
    where nothing is told, or where the price depends on the model that a router chooses (-1)."""
    per_token = _prices(pricing, ("prompt", "completion"), Decimal(10) ** 12)
    if per_token is not None:
        more = {
            "cache_read": _price(pricing, "input_cache_read", Decimal(10) ** 12),
            "cache_write": _price(pricing, "input_cache_write", Decimal(10) ** 12),
            "request": _price(pricing, "request", Decimal(10) ** 12) or 0,
            "web_search": _price(pricing, "web_search", Decimal(10) ** 12) or 0,
        }
        return msgspec.structs.replace(Rates(*per_token), **more)
    per_million = _prices(pricing, ("input", "output"), Decimal(10) ** 6)
    return None if per_million is None else Rates(*per_million)


def _prices(pricing: Json, names: Iterable[str], factor: Decimal) -> tuple[int, int] | None:
    found = [_price(pricing, name, factor) for name in names]
    return None if found[0] is None or found[1] is None else (found[0], found[1])


def _price(pricing: Json, name: str, factor: Decimal) -> int | None:
    value = pricing.get(name)
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    try:
        price = Decimal(str(value)) * factor
    except InvalidOperation:
        return None
    return int(price.to_integral_value()) if price.is_finite() and price >= 0 else None
