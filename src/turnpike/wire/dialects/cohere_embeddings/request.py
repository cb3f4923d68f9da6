"""A v2 embed request, read and written."""

from typing import Any

import msgspec

from turnpike.wire.dialect import AnyRequest, Target
from turnpike.wire.dialects.common.body import BODY_ERRORS, body_error
from turnpike.wire.dialects.common.embedding import texts_of
from turnpike.wire.dialects.common.words import inexpressible, invalid
from turnpike.wire.types.embeddings import EmbeddingsRequest

FORMAT = "Cohere's embeddings form"
DEFAULT_INPUT_TYPE = "search_document"
"""Cohere requires `input_type`: used where the caller's form has no word for it and it sent none."""

DROPPED: dict[str, str] = {
    "truncate": "how a text that is too long is cut; other providers have their own way",
    "max_tokens": "how a text that is too long is cut; other providers have their own way",
    "priority": "Cohere's own order of requests under load",
}
"""Fields that other dialects do not have and that may be left out without changing the answer's meaning, and why."""

_TYPES = ("float", "base64")


class _Content(msgspec.Struct):
    type: str
    text: str | None = None


class _Input(msgspec.Struct):
    content: list[_Content]


class _Shape(msgspec.Struct):
    model: str
    input_type: str | None = None
    texts: list[str] | None = None
    images: list[str] | None = None
    inputs: list[_Input] | None = None
    embedding_types: list[str] | None = None
    output_dimension: int | None = None


_decode = msgspec.json.Decoder(_Shape).decode
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_KNOWN = frozenset(_Shape.__struct_fields__)


def read_request(body: bytes) -> EmbeddingsRequest:
    try:
        shape = _decode(body)
        members = _members(body)
    except BODY_ERRORS as error:
        raise body_error(error) from error
    for name, raw in members.items():
        if name not in _KNOWN and name not in DROPPED and bytes(raw) != b"null":
            raise inexpressible(name, "any form but Cohere's")
    if shape.images:
        raise inexpressible("images", "any form but Cohere's", "Only texts can be translated.")
    inputs = [*(shape.texts or ()), *_texts(shape.inputs or [])]
    if not inputs:
        raise invalid("texts", "must hold at least one text.")
    return EmbeddingsRequest(
        model=shape.model,
        inputs=tuple(inputs),
        dimensions=shape.output_dimension,
        encoding=_encoding(shape.embedding_types or ["float"]),
        input_type=shape.input_type,
    )


def _texts(inputs: list[_Input]) -> list[str]:
    texts: list[str] = []
    for number, one in enumerate(inputs):
        for place, content in enumerate(one.content):
            if content.type != "text":
                where = f"inputs[{number}].content[{place}]"
                raise inexpressible(where, "any form but Cohere's", "Only texts can be translated.")
        texts.append("\n".join(content.text or "" for content in one.content))
    return texts


def _encoding(types: list[str]) -> str:
    for number, wanted in enumerate(types):
        if wanted not in _TYPES:
            where = f"embedding_types[{number}]"
            raise inexpressible(where, "any form but Cohere's", "Ask for float or base64.")
    if len(set(types)) > 1:
        raise inexpressible("embedding_types", "any form but Cohere's", "Ask for one type at a time.")
    return types[0]


def write_request(request: AnyRequest, target: Target) -> bytes:
    wanted, texts = texts_of(request, FORMAT)
    body: dict[str, Any] = {
        "model": target.upstream_model,
        "input_type": wanted.input_type or DEFAULT_INPUT_TYPE,
        "texts": texts,
        "embedding_types": [wanted.encoding],
    }
    if wanted.dimensions is not None:
        body["output_dimension"] = wanted.dimensions
    return msgspec.json.encode(body)
