"""What lists of models tell beyond OpenAI's form, each server in fields of its own: kinds, windows, prices.

No list is asked whose it is: a field that is there is read. Sources: the references of Cohere (`endpoints`), Cloudflare
(`task`, `properties`), Databricks (`task`), DeepInfra (`metadata`), ElevenLabs (`can_do_text_to_speech`), Fireworks
(`supports_chat`), GitHub Models (`supported_output_modalities`, `limits`), Hugging Face (`providers`), Novita
(`model_type`, `context_size`, `..._price_per_m`), Xinference (`model_type`, `model_ability`).
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, cast

from turnpike.kit.money import picousd_per_unit
from turnpike.wire.prices import Rates

Json = dict[str, Any]

KINDS: Mapping[str, str] = {
    "chat": "chat", "llm": "chat", "llm/v1/chat": "chat", "text generation": "chat", "image-to-text": "chat",
    "embed": "embeddings", "embedding": "embeddings", "embeddings": "embeddings", "llm/v1/embeddings": "embeddings",
    "text embeddings": "embeddings", "embed_image": "embeddings",
    "rerank": "rerank", "image": "image", "text-to-image": "image", "video": "video", "text-to-video": "video",
    "text-to-speech": "audio", "automatic speech recognition": "transcribe",
    "automatic-speech-recognition": "transcribe",
    "speech-to-text": "transcribe", "moderation": "moderation",
}  # fmt: skip
"""Words of lists, in lower case, by what `profiles.capabilities` calls them."""
OTHER = "other"
"""A kind that is told and that is none of those."""
_MILLION = 1_000_000
_NOVITAS_UNIT = 10_000
"""Novita tells prices in ten-thousandths of a dollar for a million tokens."""


def kinds(item: Json) -> set[str]:
    """Empty where the list does not tell."""
    told = [*_texts(item.get("endpoints")), *_texts(item.get("model_type"))]
    told += (word for word in _texts(item.get("supported_output_modalities")) if word != "text")
    task = item.get("task")
    told += _texts(cast("Json", task).get("name") if isinstance(task, dict) else task)
    if item.get("supports_chat") is True:
        told.append("chat")
    if item.get("can_do_text_to_speech") is True:
        told.append("text-to-speech")
    known = {KINDS[word.lower()] for word in told if word.lower() in KINDS}
    return known or ({OTHER} if told and "task" in item else set())


def window(item: Json) -> int | None:
    """The context's tokens, where they are not said in the usual fields."""
    places = (
        item,
        _object(item, "metadata"),
        _object(item, "limits"),
        _properties(item),
        *_objects(item.get("providers")),
    )
    for place in places:
        for name in ("context_length", "context_size", "context_window", "max_input_tokens"):
            found = _whole(place.get(name))
            if found is not None:
                return found
    return None


def rates(item: Json) -> Rates | None:
    """The price of a text model, where it is not told as `pricing`."""
    metadata = _object(_object(item, "metadata"), "pricing")
    if metadata:
        return _per_million(metadata, "input_tokens", "output_tokens", "cache_read_tokens")
    if "input_token_price_per_m" in item:
        return _per_million(item, "input_token_price_per_m", "output_token_price_per_m", None, _NOVITAS_UNIT)
    listed = _properties(item).get("price")
    if isinstance(listed, list):
        return _by_units(cast("list[Any]", listed))
    return None


def _by_units(prices: list[Any]) -> Rates | None:
    """Cloudflare: `{"unit": "per M input tokens", "price": 0.28, "currency": "USD"}`."""
    found: Json = {}
    for price in _objects(prices):
        unit = str(price.get("unit", "")).lower()
        if unit in ("per m input tokens", "per m output tokens") and price.get("currency", "USD") == "USD":
            found[unit] = price.get("price")
    return _per_million(found, "per m input tokens", "per m output tokens", None)


def _per_million(place: Json, fresh: str, made: str, cached: str | None, unit: int = 1) -> Rates | None:
    given = _price(place.get(fresh), unit)
    back = _price(place.get(made), unit)
    if given is None or back is None:
        return None
    read = _price(place.get(cached), unit) if cached is not None else None
    return Rates(given, back) if read is None else Rates(given, back, cache_read=read)


def _price(value: Any, unit: int) -> int | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < float("inf"):
        return None
    return picousd_per_unit(Decimal(str(value)) / unit, _MILLION)


def _properties(item: Json) -> Json:
    """Cloudflare's list of `{"property_id", "value"}`."""
    listed = _objects(item.get("properties"))
    return {str(each["property_id"]): each.get("value") for each in listed if "property_id" in each}


def _object(item: Json, name: str) -> Json:
    value = item.get(name)
    return cast("Json", value) if isinstance(value, dict) else {}


def _objects(value: Any) -> list[Json]:
    items: Iterable[Any] = cast("list[Any]", value) if isinstance(value, list) else ()
    return [cast("Json", item) for item in items if isinstance(item, dict)]


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    items: Iterable[Any] = cast("list[Any]", value) if isinstance(value, list) else ()
    return [item for item in items if isinstance(item, str)]


def _whole(value: Any) -> int | None:
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 1:
        return None
    return int(value)
