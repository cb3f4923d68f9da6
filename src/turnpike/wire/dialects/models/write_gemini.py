"""`GET /v1beta/models` and `GET /v1beta/models/{model}` as Turnpike answers them, in Gemini's form.

Pages are asked for with `pageSize` and `pageToken`. What a gateway knows beyond the form stands in fields of its own.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from turnpike.errors import InvalidRequest
from turnpike.wire.dialects.models.write import ModelEntry, more_of

DEFAULT_SIZE = 50
MAX_SIZE = 1000

Json = dict[str, Any]

_METHODS: dict[str, tuple[str, ...]] = {
    "chat": ("generateContent", "streamGenerateContent"),
    "embeddings": ("embedContent", "batchEmbedContents"),
}


class GeminiPage(msgspec.Struct, frozen=True):
    """Which part of a list is asked for."""

    size: int = DEFAULT_SIZE
    after: str | None = None
    """The last model of the page before."""


def read_gemini_page(query: Mapping[str, str]) -> GeminiPage:
    """From a query's parameters; a larger size is Google's largest. Raises InvalidRequest for what is none."""
    text = query.get("pageSize") or query.get("page_size") or "0"
    if not (text.isascii() and text.isdigit()):
        raise InvalidRequest(f"`pageSize` must be a number from 1 to {MAX_SIZE}.", details={"param": "pageSize"})
    token = query.get("pageToken") or query.get("page_token")
    return GeminiPage(min(int(text), MAX_SIZE) or DEFAULT_SIZE, None if not token else _name(token))


def _name(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token).decode()
    except (binascii.Error, ValueError) as error:
        raise InvalidRequest("`pageToken` is none that this list gave.", details={"param": "pageToken"}) from error


def _token(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode()).decode()


def _model(entry: ModelEntry) -> Json:
    model: Json = {"name": f"models/{entry.name}", "version": "", "displayName": entry.display_name or entry.name}
    if entry.context_window is not None:
        model["inputTokenLimit"] = entry.context_window
    if entry.max_output_tokens is not None:
        model["outputTokenLimit"] = entry.max_output_tokens
    methods = [method for capability in entry.capabilities for method in _METHODS.get(capability, ())]
    more = more_of(entry)
    own: Json = {"ownedBy": entry.owned_by, "capabilities": more["capabilities"]}
    return {
        **model,
        "supportedGenerationMethods": methods,
        **own,
        **({"pricing": more["pricing"]} if "pricing" in more else {}),
    }


def write_gemini_list(entries: Sequence[ModelEntry], page: GeminiPage) -> bytes:
    """Raises InvalidRequest for a token whose model is not in the list any more."""
    start = 0
    if page.after is not None:
        names = [entry.name for entry in entries]
        if page.after not in names:
            raise InvalidRequest("`pageToken` names no model of this list.", details={"param": "pageToken"})
        start = names.index(page.after) + 1
    chosen = entries[start : start + page.size]
    answer: Json = {"models": [_model(entry) for entry in chosen]}
    if start + len(chosen) < len(entries):
        answer["nextPageToken"] = _token(chosen[-1].name)
    return msgspec.json.encode(answer)


def write_gemini_model(entry: ModelEntry) -> bytes:
    return msgspec.json.encode(_model(entry))
