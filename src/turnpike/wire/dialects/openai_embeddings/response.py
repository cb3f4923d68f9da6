"""An embeddings answer, read and written."""

import base64
import binascii
import struct

import msgspec

from turnpike.errors import UpstreamGarbage
from turnpike.wire.dialects.common.reading import decode_answer
from turnpike.wire.dialects.openai_chat.usage import usage_of
from turnpike.wire.types.embeddings import EmbeddingsResponse


class _Item(msgspec.Struct):
    embedding: list[float] | str
    index: int | None = None


class _Shape(msgspec.Struct):
    data: list[_Item]
    model: str | None = None
    usage: msgspec.Raw = msgspec.Raw()


_decode = msgspec.json.Decoder(_Shape).decode


def read_response(body: bytes) -> EmbeddingsResponse:
    """Raises UpstreamGarbage."""
    answer = decode_answer(_decode, body, "a list of embeddings")
    items = sorted(enumerate(answer.data), key=lambda pair: pair[0] if pair[1].index is None else pair[1].index)
    encoded = any(isinstance(item.embedding, str) for item in answer.data)
    return EmbeddingsResponse(
        model=answer.model or "",
        vectors=tuple(_floats(item.embedding) for _, item in items),
        usage=usage_of(answer.usage),
        encoding="base64" if encoded else "float",
    )


def _floats(embedding: list[float] | str) -> tuple[float, ...]:
    if not isinstance(embedding, str):
        return tuple(embedding)
    try:
        data = base64.b64decode(embedding, validate=True)
    except binascii.Error as error:
        raise UpstreamGarbage("The provider's embedding is not valid base64.") from error
    if len(data) % 4:
        raise UpstreamGarbage("The provider's embedding is not a list of 32-bit floats.")
    return struct.unpack(f"<{len(data) // 4}f", data)


def write_response(response: EmbeddingsResponse, model: str) -> bytes:
    usage = response.usage
    tokens = 0 if usage is None else usage.input_tokens
    return msgspec.json.encode(
        {
            "object": "list",
            "id": "embd-0",  # not OpenAI's, but servers of this form have one and Mistral's SDK wants it
            "data": [
                {"object": "embedding", "index": index, "embedding": _encoded(vector, response.encoding)}
                for index, vector in enumerate(response.vectors)
            ],
            "model": model,
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        }
    )


def _encoded(vector: tuple[float, ...], encoding: str) -> str | tuple[float, ...]:
    if encoding != "base64":
        return vector
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
