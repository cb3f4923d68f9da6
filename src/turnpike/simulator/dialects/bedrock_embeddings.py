"""Embeddings by Bedrock's InvokeModel: Titan's form and Cohere's.

Source: the Bedrock user guide, "Amazon Titan Embeddings" and "Cohere Embed".
"""

from typing import Any

from turnpike.simulator.dialects.amazon import AMAZON
from turnpike.simulator.dialects.fields import maybe, one_of, take
from turnpike.simulator.dialects.openai_embeddings import DEFAULT_DIMENSIONS, floats, words_of
from turnpike.simulator.exchange import Answer, Call, Refused, json_answer

_TITANS_SIZES = (256, 512, 1024)
_PURPOSES = ("search_document", "search_query", "classification", "clustering")


def titan(call: Call) -> Answer:
    words = words_of(take(call.data, "inputText", str), "inputText")
    size = maybe(call.data, "dimensions", int) or _TITANS_SIZES[0]
    if size not in _TITANS_SIZES:
        raise Refused("Malformed input request: #/dimensions: is not a valid enum value")
    vector = floats(words, size)
    answer: dict[str, Any] = {"embedding": vector, "embeddingsByType": {"float": vector}}
    if not call.faults.no_usage:
        answer["inputTextTokenCount"] = len(words)
    return json_answer(answer, AMAZON.headers(call.number))


def cohere(call: Call) -> Answer:
    texts = take(call.data, "texts", list)
    one_of(call.data.get("input_type"), _PURPOSES, "input_type")
    size = maybe(call.data, "output_dimension", int) or DEFAULT_DIMENSIONS
    words = [words_of(text, f"texts[{number}]") for number, text in enumerate(texts)]
    answer = {
        "id": f"sim-{call.number}",
        "response_type": "embeddings_by_type",
        "embeddings": {"float": [floats(each, size) for each in words]},
        "texts": texts,
    }
    count = (b"x-amzn-bedrock-input-token-count", b"%d" % sum(map(len, words)))
    return json_answer(answer, [*AMAZON.headers(call.number), count])
