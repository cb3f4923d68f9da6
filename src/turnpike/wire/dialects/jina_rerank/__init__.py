"""Jina's rerank: `POST /v1/rerank`. Also vLLM, SGLang, llama.cpp, Xinference, LocalAI, SiliconFlow, Novita and others.

As a caller's form it is the union of those that stand at this path: requests may say `top_k` (Voyage) as well as
`top_n`, and what Cohere's version 1 says; answers carry `usage` for Jina's readers and `id` and `meta` for Cohere's.
Source: https://api.jina.ai/scalar (Rerank), https://docs.cohere.com/v1/reference/rerank
"""

from typing import Any

import msgspec

from turnpike.wire.dialect import AnyRequest, AnyResponse, Target
from turnpike.wire.dialects.common import reranking as r
from turnpike.wire.dialects.common.alone import OpenAIForm
from turnpike.wire.dialects.common.body import BODY_ERRORS, body_error
from turnpike.wire.dialects.common.plain import NeverStreams
from turnpike.wire.dialects.common.words import inexpressible
from turnpike.wire.operations import Operation
from turnpike.wire.types.rerank import RerankRequest


class _Request(msgspec.Struct):
    query: str
    documents: list[Any]
    model: str | None = None
    top_n: int | None = None
    top_k: int | None = None
    return_documents: bool | None = None
    truncation: bool | None = None
    max_tokens_per_doc: int | None = None
    rank_fields: list[str] | None = None
    max_chunks_per_doc: int | None = None


_decode = msgspec.json.Decoder(_Request).decode


def read_request(body: bytes) -> RerankRequest:
    try:
        shape = _decode(body)
    except BODY_ERRORS as error:
        raise body_error(error) from error
    for name, value in (("rank_fields", shape.rank_fields), ("max_chunks_per_doc", shape.max_chunks_per_doc)):
        if value is not None:
            raise inexpressible(name, "another provider's form")
    return RerankRequest(
        model=shape.model or "",
        query=shape.query,
        documents=r.texts_of(shape.documents, "documents"),
        top_n=shape.top_n if shape.top_n is not None else shape.top_k,
        return_documents=shape.return_documents,
        truncate=shape.truncation,
        max_tokens_per_doc=shape.max_tokens_per_doc,
    )


def write_request(request: AnyRequest, target: Target) -> bytes:
    """Raises Inexpressible."""
    wanted = r.as_rerank(request)
    if wanted.raw_scores:
        raise inexpressible("raw_scores", "this provider's rerank")
    body: dict[str, Any] = {
        "model": target.upstream_model,
        "query": wanted.query,
        "documents": list(wanted.documents),
        "top_n": wanted.top_n,
        "return_documents": wanted.return_documents,
        "truncation": wanted.truncate,
        "max_tokens_per_doc": wanted.max_tokens_per_doc,
    }
    return msgspec.json.encode({name: value for name, value in body.items() if value is not None})


def write_response(response: AnyResponse, model: str) -> bytes:
    ranking = r.as_ranking(response)
    tokens = ranking.usage.input_tokens if ranking.usage is not None else 0
    return msgspec.json.encode(
        {
            "id": ranking.id,
            "model": model,
            "object": "list",
            "results": r.write_results(ranking.results),
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
            "meta": r.write_meta(ranking.usage, "1"),
        }
    )


class JinaRerank(OpenAIForm, NeverStreams):
    name = "jina_rerank"
    operation = Operation.RERANK

    decode_head = staticmethod(r.decode_head)
    read_head = staticmethod(r.read_head)
    read_request = staticmethod(read_request)
    write_request = staticmethod(write_request)
    read_usage = staticmethod(r.read_usage)
    read_response = staticmethod(r.read_response)
    write_response = staticmethod(write_response)


JINA_RERANK = JinaRerank()
