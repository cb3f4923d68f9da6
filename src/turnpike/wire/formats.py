"""Which form of answer a chat request asks for, in any dialect's spelling."""

from typing import Any, cast

import msgspec

_CONFIGS = ("generationConfig", "generation_config")
_SCHEMAS = ("responseSchema", "response_schema", "responseJsonSchema", "response_json_schema")
_MEDIA_TYPES = ("responseMimeType", "response_mime_type")


class _Asked(msgspec.Struct):
    """The members of a request that may say so, and nothing of the rest."""

    response_format: Any = None
    text: Any = None
    output_format: Any = None
    output_config: Any = None
    outputConfig: Any = None  # noqa: N815 - Bedrock's name
    generationConfig: Any = None  # noqa: N815 - Gemini's name
    generation_config: Any = None


_decode = msgspec.json.Decoder(_Asked).decode


def wants_json(body: bytes) -> bool:
    """Of a request's JSON; False for what is none."""
    try:
        asked = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    found = asked_format(msgspec.structs.asdict(asked))
    return found is not None and found.startswith("json")


def asked_format(body: dict[str, Any]) -> str | None:
    """`text`, `json_object`, `json_schema` or whatever else a decoded request names; None where it names nothing."""
    asked = (
        body.get("response_format")
        or _member(body.get("text"), "format")
        or body.get("output_format")
        or _member(body.get("output_config"), "format")
        or _member(body.get("outputConfig"), "textFormat")
    )
    if asked:
        kind = asked if isinstance(asked, str) else _member(asked, "type")
        return str(kind) if kind is not None else None
    for holder in _CONFIGS:
        config = body.get(holder)
        if any(_member(config, name) for name in _SCHEMAS):
            return "json_schema"
        if any(_member(config, name) == "application/json" for name in _MEDIA_TYPES):
            return "json_object"
    return None


def _member(holder: object, name: str) -> Any:
    return cast("dict[str, Any]", holder).get(name) if isinstance(holder, dict) else None
