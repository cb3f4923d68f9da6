"""The fast lane of a request: reading the few fields that the gateway owns, and replacing them in place.

The model stands in the path and so does whether the answer streams. A body may repeat the model; then it must be the
same one, and it is replaced together with the path's.
"""

from typing import Any

import msgspec

from turnpike.errors import InvalidRequest, TurnpikeError
from turnpike.wire.dialect import Head
from turnpike.wire.dialects.common.body import BODY_ERRORS, body_error, replace_model, top_level
from turnpike.wire.dialects.common.owned import OwnedGenerationConfig, OwnedModel, forget, once

_NO_QUIRKS: frozenset[str] = frozenset()
PREFIX = "models/"


class GeminiHead(Head, gc=False):
    model: OwnedModel = ""
    """The body's own, if it has one, until the path's takes its place."""
    generationConfig: OwnedGenerationConfig | None = None  # noqa: N815 - Google's spelling
    generation_config: OwnedGenerationConfig | None = None

    def output_bound(self) -> int | None:
        config: dict[str, Any] = self.generationConfig or self.generation_config or {}
        bound = _count(config, "maxOutputTokens", "max_output_tokens")
        if bound is None:
            return None
        return bound * self.choices()

    def choices(self) -> int:
        config: dict[str, Any] = self.generationConfig or self.generation_config or {}
        return _count(config, "candidateCount", "candidate_count") or 1


def _count(config: dict[str, Any], *names: str) -> int | None:
    for name in names:
        value = config.get(name)
        if isinstance(value, str) and value.isascii() and value.isdigit():
            value = int(value)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0:
            return int(value)
    return None


_decode = msgspec.json.Decoder(GeminiHead, dec_hook=once).decode


def decode_head(body: bytes) -> GeminiHead:
    """Raises what `head_error` takes."""
    forget()
    head = _decode(body)
    head.model = head.model.removeprefix(PREFIX)
    return head


def read_head(body: bytes) -> GeminiHead:
    try:
        return decode_head(body)
    except BODY_ERRORS as error:
        raise body_error(error) from error


def head_error(error: Exception) -> TurnpikeError:
    return body_error(error)


def splice(body: bytes, head: Head, upstream_model: str, quirks: frozenset[str] = _NO_QUIRKS) -> bytes:
    """The path names the model: the body is changed only where it names it too."""
    if b"model" not in body and b"\\u" not in body:
        return body
    places = top_level(body, "model")
    if not places:
        return body
    if len(places) != 1:
        raise InvalidRequest("`model` must stand in the body once.", details={"param": "model"})
    return replace_model(body, places[0], PREFIX + upstream_model)
