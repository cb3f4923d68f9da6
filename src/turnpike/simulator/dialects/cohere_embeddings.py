"""POST /v2/embed as Cohere answers it: the vectors are those of the simulator's OpenAI embeddings.

Source: https://docs.cohere.com/reference/embed.
"""

import base64
import struct
from collections.abc import Callable
from typing import Any

from turnpike.simulator import tokens
from turnpike.simulator.dialects import cohere
from turnpike.simulator.dialects.fields import FieldError, between, check, maybe, one_of, take
from turnpike.simulator.dialects.openai_embeddings import DEFAULT_DIMENSIONS, MAX_DIMENSIONS, vector
from turnpike.simulator.exchange import Answer, Call, Operation, json_answer

MAX_INPUTS = 96
_KINDS = ("search_document", "search_query", "classification", "clustering", "image")

Floats = tuple[float, ...]


def _bits(floats: Floats, offset: int) -> list[int]:
    """One bit a number, eight to a byte."""
    signs = [value > 0 for value in floats]
    packed = (sum(sign << (7 - bit) for bit, sign in enumerate(signs[at : at + 8])) for at in range(0, len(signs), 8))
    return [byte - offset for byte in packed]


_TYPES: dict[str, Callable[[Floats], Any]] = {
    "float": list,
    "int8": lambda floats: [round(value * 127) for value in floats],
    "uint8": lambda floats: [round(value * 127) + 128 for value in floats],
    "binary": lambda floats: _bits(floats, 128),
    "ubinary": lambda floats: _bits(floats, 0),
    "base64": lambda floats: base64.b64encode(struct.pack(f"<{len(floats)}f", *floats)).decode(),
}


def embed(call: Call) -> Answer:
    try:
        return _answer(call)
    except FieldError as error:
        raise cohere.refused_field(error) from error


def _answer(call: Call) -> Answer:
    data: dict[str, Any] = call.data
    cohere.refuse_missing_model(take(data, "model", str))
    one_of(take(data, "input_type", str), _KINDS, "input_type")
    texts, images = _inputs(data)
    dimensions = maybe(data, "output_dimension", int) or DEFAULT_DIMENSIONS
    between(dimensions, 1, MAX_DIMENSIONS, "output_dimension")
    wanted = [
        one_of(one, tuple(_TYPES), "embedding_types") for one in maybe(data, "embedding_types", list) or ["float"]
    ]
    words = [[piece.strip() for piece in tokens.pieces(text)] for text in texts] + [["image"]] * len(images)
    vectors = [struct.unpack(f"<{dimensions}f", vector(one, dimensions)) for one in words]
    answer: dict[str, Any] = {
        "id": f"sim-{call.number:08d}",
        "response_type": "embeddings_by_type",
        "texts": texts,
        "embeddings": {kind: [_TYPES[kind](one) for one in vectors] for kind in wanted},
        "meta": {"api_version": {"version": "2"}},
    }
    if not call.faults.no_usage:
        billed: dict[str, int] = {"input_tokens": sum(len(one) for one in words[: len(texts)])}
        if images:
            billed |= {"images": len(images), "image_tokens": tokens.IMAGE_TOKENS * len(images)}
        answer["meta"]["billed_units"] = billed
    return json_answer(answer, cohere.COHERE.headers(call.number))


def _inputs(data: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Texts and images."""
    texts = [check(one, str, f"texts[{index}]") for index, one in enumerate(maybe(data, "texts", list) or [])]
    images = [check(one, str, f"images[{index}]") for index, one in enumerate(maybe(data, "images", list) or [])]
    for index, one in enumerate(maybe(data, "inputs", list) or []):
        path = f"inputs[{index}]"
        blocks = take(check(one, dict, path), "content", list, path)
        texts.append(" ".join(block["text"] for block in blocks if block.get("type") == "text"))
    if not texts and not images:
        raise FieldError("texts", "missing", "it is required")
    if len(texts) + len(images) > MAX_INPUTS:
        raise FieldError("texts", "value", f"at most {MAX_INPUTS} inputs are allowed")
    if any(not text for text in texts):
        raise FieldError("texts", "value", "a text is empty")
    return texts, images


OPERATIONS = (Operation("POST", "/v2/embed", cohere.vendor, embed),)
