"""POST /v1/embeddings. A text's vector is the sum of its words' vectors, of length 1: texts that share words are near.

Source: the OpenAI API reference, "Create embeddings".
"""

import base64
import hashlib
import math
import struct
from functools import lru_cache
from typing import Any

from turnpike.simulator import tokens
from turnpike.simulator.dialects import openai
from turnpike.simulator.dialects.fields import FieldError, between, check, maybe, one_of, present, take
from turnpike.simulator.exchange import Answer, Call, Operation, json_answer

DEFAULT_DIMENSIONS = 256
MAX_DIMENSIONS = 4096
MAX_INPUTS = 2048


def embeddings(call: Call) -> Answer:
    try:
        return _answer(call)
    except FieldError as error:
        raise openai.refused_field(error) from error


def _answer(call: Call) -> Answer:
    data: dict[str, Any] = call.data
    model = take(data, "model", str)
    openai.refuse_missing_model(model)
    inputs = _inputs(data)
    dimensions = maybe(data, "dimensions", int) or DEFAULT_DIMENSIONS
    between(dimensions, 1, MAX_DIMENSIONS, "dimensions")
    encoding = one_of(data.get("encoding_format") or "float", ("float", "base64"), "encoding_format")
    rows = [
        {"object": "embedding", "index": index, "embedding": _encoded(vector(words, dimensions), encoding)}
        for index, words in enumerate(inputs)
    ]
    total = sum(len(words) for words in inputs)
    answer: dict[str, Any] = {"object": "list", "data": rows, "model": model}
    if not call.faults.no_usage:
        answer["usage"] = {"prompt_tokens": total, "total_tokens": total}
    return json_answer(answer, openai.OPENAI.headers(call.number))


def _inputs(data: dict[str, Any]) -> list[list[str]]:
    """The words of every input. Token ids count as words."""
    given = present(data, "input")
    if isinstance(given, str):
        given = [given]
    check(given, list, "input")
    if not given:
        raise FieldError("input", "value", "the array is empty")
    if all(isinstance(one, int) for one in given):
        given = [given]
    if len(given) > MAX_INPUTS:
        raise FieldError("input", "value", f"at most {MAX_INPUTS} inputs are allowed")
    return [words_of(one, f"input[{index}]") for index, one in enumerate(given)]


def words_of(one: Any, path: str) -> list[str]:
    if isinstance(one, list) and one and all(isinstance(token, int) for token in one):
        return [str(token) for token in one]
    text: str = check(one, str, path)
    if not text:
        raise FieldError(path, "value", "the text is empty")
    return [piece.strip() for piece in tokens.pieces(text)]


@lru_cache(maxsize=4096)
def _word_vector(word: str, dimensions: int) -> tuple[float, ...]:
    digest = hashlib.shake_256(word.lower().encode()).digest(2 * dimensions)
    return tuple(value / 32768 for value in struct.unpack(f"<{dimensions}h", digest))


def vector(words: list[str], dimensions: int) -> bytes:
    """Little-endian 32-bit floats, of Euclidean length 1."""
    total = [math.fsum(column) for column in zip(*(_word_vector(word, dimensions) for word in words), strict=True)]
    length = math.sqrt(math.fsum(value * value for value in total)) or 1.0
    return struct.pack(f"<{dimensions}f", *(value / length for value in total))


def floats(words: list[str], dimensions: int) -> list[float]:
    return list(struct.unpack(f"<{dimensions}f", vector(words, dimensions)))


def _encoded(packed: bytes, encoding: str) -> str | list[float]:
    if encoding == "base64":
        return base64.b64encode(packed).decode()
    return list(struct.unpack(f"<{len(packed) // 4}f", packed))


OPERATIONS = (Operation("POST", "/v1/embeddings", openai.vendor, embeddings),)
