"""Gemini's embedContent and batchEmbedContents: the same vectors as OpenAI's form gives.

Source: Google's Gemini API reference, "Embeddings".
"""

from typing import Any

import msgspec

from turnpike.simulator import tokens
from turnpike.simulator.dialects import gemini
from turnpike.simulator.dialects.fields import FieldError, between, check, maybe, take
from turnpike.simulator.dialects.openai_embeddings import DEFAULT_DIMENSIONS, MAX_DIMENSIONS, floats
from turnpike.simulator.exchange import Answer, Call, Refused, json_answer
from turnpike.wire.dialects.gemini.spelling import in_camel_case


def embed(call: Call, _model: str) -> Answer:
    values, count = _embedded(msgspec.json.decode(in_camel_case(call.body)), "")
    return _answer(call, {"embedding": {"values": values}}, count)


def embed_batch(call: Call, model: str) -> Answer:
    requests = take(msgspec.json.decode(in_camel_case(call.body)), "requests", list)
    vectors: list[dict[str, Any]] = []
    total = 0
    for index, request in enumerate(requests):
        path = f"requests[{index}]"
        if check(request, dict, path).get("model") != f"models/{model}":
            raise Refused(f"{path}.model: the model must be that of the batch, models/{model}")
        values, count = _embedded(request, path)
        vectors.append({"values": values})
        total += count
    return _answer(call, {"embeddings": vectors}, total)


def _embedded(request: dict[str, Any], path: str) -> tuple[list[float], int]:
    content = take(request, "content", dict, path)
    parts = content.get("parts")
    texts = [take(part, "text", str, path) for part in ([parts] if isinstance(parts, dict) else parts or [])]
    words = [piece.strip() for text in texts for piece in tokens.pieces(text)]
    if not words:
        raise FieldError(f"{path}.content", "value", "it is empty")
    size = maybe(request, "outputDimensionality", int, path) or DEFAULT_DIMENSIONS
    between(size, 1, MAX_DIMENSIONS, f"{path}.output_dimensionality")
    return floats(words, size), len(words)


def _answer(call: Call, answer: dict[str, Any], count: int) -> Answer:
    if not call.faults.no_usage:
        answer["usageMetadata"] = {"promptTokenCount": count, "totalTokenCount": count}
    return json_answer(answer, gemini.GEMINI.headers(call.number))
