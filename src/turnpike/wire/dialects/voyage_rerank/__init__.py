"""Voyage AI's rerank: `POST /v1/rerank` with `top_k`, answered with `data`. A provider's form: callers of that path
speak `jina_rerank`, which reads Voyage's requests too.

Source: https://docs.voyageai.com/reference/reranker-api
"""

from typing import Any

import msgspec

from turnpike.wire.dialect import AnyRequest, AnyResponse, Target
from turnpike.wire.dialects.common import reranking as r
from turnpike.wire.dialects.common.alone import OpenAIForm
from turnpike.wire.dialects.common.plain import NeverStreams
from turnpike.wire.dialects.common.words import inexpressible
from turnpike.wire.dialects.jina_rerank import read_request
from turnpike.wire.operations import Operation


def write_request(request: AnyRequest, target: Target) -> bytes:
    """Raises Inexpressible."""
    wanted = r.as_rerank(request)
    if wanted.raw_scores:
        raise inexpressible("raw_scores", "Voyage's rerank")
    if wanted.max_tokens_per_doc is not None:
        raise inexpressible("max_tokens_per_doc", "Voyage's rerank")
    body: dict[str, Any] = {
        "model": target.upstream_model,
        "query": wanted.query,
        "documents": list(wanted.documents),
        "top_k": wanted.top_n,
        "return_documents": wanted.return_documents,
        "truncation": wanted.truncate,
    }
    return msgspec.json.encode({name: value for name, value in body.items() if value is not None})


def write_response(response: AnyResponse, model: str) -> bytes:
    ranking = r.as_ranking(response)
    tokens = ranking.usage.input_tokens if ranking.usage is not None else 0
    data = [
        {"index": result.index, "relevance_score": result.score}
        | ({} if result.document is None else {"document": result.document})
        for result in ranking.results
    ]
    return msgspec.json.encode({"object": "list", "data": data, "model": model, "usage": {"total_tokens": tokens}})


class VoyageRerank(OpenAIForm, NeverStreams):
    name = "voyage_rerank"
    operation = Operation.RERANK

    decode_head = staticmethod(r.decode_head)
    read_head = staticmethod(r.read_head)
    read_request = staticmethod(read_request)
    write_request = staticmethod(write_request)
    read_usage = staticmethod(r.read_usage)
    read_response = staticmethod(r.read_response)
    write_response = staticmethod(write_response)


VOYAGE_RERANK = VoyageRerank()
