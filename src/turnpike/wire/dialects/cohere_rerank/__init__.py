"""Cohere's rerank, version 2: `POST /v2/rerank`. Also Bedrock's and Azure's Cohere models, vLLM and LiteLLM servers.

Source: https://docs.cohere.com/v2/reference/rerank. Errors are an object with `message`.
"""

from typing import Any

import msgspec

from turnpike.errors import TurnpikeError, UpstreamRefused
from turnpike.wire.dialect import AnyRequest, AnyResponse, Head, Target
from turnpike.wire.dialects.common import reranking as r
from turnpike.wire.dialects.common.alone import with_model
from turnpike.wire.dialects.common.body import BODY_ERRORS, body_error
from turnpike.wire.dialects.common.errors import read_error
from turnpike.wire.dialects.common.plain import NeverStreams
from turnpike.wire.dialects.common.words import inexpressible
from turnpike.wire.operations import Operation
from turnpike.wire.types.rerank import RerankRequest


class _Request(msgspec.Struct):
    query: str
    documents: list[Any]
    model: str | None = None
    top_n: int | None = None
    max_tokens_per_doc: int | None = None
    return_documents: bool | None = None
    """Of version 1."""
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
        top_n=shape.top_n,
        max_tokens_per_doc=shape.max_tokens_per_doc,
        return_documents=shape.return_documents,
    )


def write_request(request: AnyRequest, target: Target) -> bytes:
    """Results without their documents are all that version 2 has: the gateway adds the documents where they are asked
    for (`RerankHead.shape`). Raises Inexpressible."""
    wanted = r.as_rerank(request)
    if wanted.truncate is False:
        raise inexpressible("truncate", "Cohere's rerank", "It cuts documents that are too long.")
    if wanted.raw_scores:
        raise inexpressible("raw_scores", "Cohere's rerank", "Its scores are from 0 to 1.")
    body: dict[str, Any] = {
        "model": target.upstream_model,
        "query": wanted.query,
        "documents": list(wanted.documents),
    }
    if wanted.top_n is not None:
        body["top_n"] = wanted.top_n
    if wanted.max_tokens_per_doc is not None:
        body["max_tokens_per_doc"] = wanted.max_tokens_per_doc
    return msgspec.json.encode(body)


def write_response(response: AnyResponse, model: str) -> bytes:
    ranking = r.as_ranking(response)
    return msgspec.json.encode(
        {"id": ranking.id, "results": r.write_results(ranking.results), "meta": r.write_meta(ranking.usage, "2")}
    )


def write_error(error: TurnpikeError, request_id: str) -> bytes:
    """`{"message", "id"}`, and beside it what our other forms have."""
    code = error.upstream_code if isinstance(error, UpstreamRefused) else error.code.lower()
    body: dict[str, Any] = {"message": error.message, "code": code, "param": error.details.get("param")}
    if request_id:
        body["id"] = request_id
    return msgspec.json.encode({name: value for name, value in body.items() if value is not None})


class CohereRerank(NeverStreams):
    name = "cohere_rerank"
    operation = Operation.RERANK

    decode_head = staticmethod(r.decode_head)
    read_head = staticmethod(r.read_head)
    head_error = staticmethod(body_error)
    read_request = staticmethod(read_request)
    write_request = staticmethod(write_request)
    read_usage = staticmethod(r.read_usage)
    read_response = staticmethod(r.read_response)
    write_response = staticmethod(write_response)
    read_error = staticmethod(read_error)
    write_error = staticmethod(write_error)
    write_stream_error = staticmethod(write_error)

    def splice(self, body: bytes, head: Head, upstream_model: str, quirks: frozenset[str] = frozenset()) -> bytes:
        return body if upstream_model == head.model else with_model(body, upstream_model)


COHERE_RERANK = CohereRerank()
