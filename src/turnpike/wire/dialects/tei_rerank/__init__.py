"""The rerank of Hugging Face's text-embeddings-inference: `POST /rerank` with `texts`, answered with a bare list.

It serves one model, reports no usage, and ranks every text. A provider's form: callers speak `jina_rerank` or
`cohere_rerank`. Source: https://huggingface.github.io/text-embeddings-inference
"""

from typing import Any

import msgspec

from turnpike.wire.dialect import AnyRequest, AnyResponse, Target
from turnpike.wire.dialects.common import reranking as r
from turnpike.wire.dialects.common.alone import OpenAIForm
from turnpike.wire.dialects.common.body import BODY_ERRORS, body_error
from turnpike.wire.dialects.common.plain import NeverStreams
from turnpike.wire.dialects.common.reading import decode_answer
from turnpike.wire.dialects.common.words import inexpressible
from turnpike.wire.operations import Operation
from turnpike.wire.types.rerank import RerankRequest, RerankResponse
from turnpike.wire.types.usage import Usage


class _Request(msgspec.Struct):
    query: str
    texts: list[str]
    model: str | None = None
    raw_scores: bool | None = None
    return_text: bool | None = None
    truncate: bool | None = None


_decode_request = msgspec.json.Decoder(_Request).decode
_decode_answer = msgspec.json.Decoder(list[r.Item]).decode


def read_request(body: bytes) -> RerankRequest:
    try:
        shape = _decode_request(body)
    except BODY_ERRORS as error:
        raise body_error(error) from error
    return RerankRequest(
        model=shape.model or "",
        query=shape.query,
        documents=r.texts_of(list(shape.texts), "texts"),
        return_documents=shape.return_text,
        truncate=shape.truncate,
        raw_scores=shape.raw_scores,
    )


def write_request(request: AnyRequest, target: Target) -> bytes:
    """How many results are wanted the gateway sees to (`RerankHead.shape`). Raises Inexpressible."""
    wanted = r.as_rerank(request)
    if wanted.max_tokens_per_doc is not None:
        raise inexpressible("max_tokens_per_doc", "text-embeddings-inference's rerank")
    body: dict[str, Any] = {
        "query": wanted.query,
        "texts": list(wanted.documents),
        "return_text": wanted.return_documents,
        "truncate": True if wanted.truncate is None else wanted.truncate,
        "raw_scores": wanted.raw_scores,
    }
    return msgspec.json.encode({name: value for name, value in body.items() if value is not None})


def read_response(body: bytes) -> RerankResponse:
    """Raises UpstreamGarbage."""
    return RerankResponse(results=r.results_of(decode_answer(_decode_answer, body, "a ranking")))


def read_usage(body: bytes) -> Usage | None:
    """It counts nothing. Raises UpstreamGarbage for what is no ranking."""
    decode_answer(_decode_answer, body, "a ranking")
    return None


def write_response(response: AnyResponse, model: str) -> bytes:
    results = [
        {"index": result.index, "score": result.score} | ({} if result.document is None else {"text": result.document})
        for result in r.as_ranking(response).results
    ]
    return msgspec.json.encode(results)


class TeiRerank(OpenAIForm, NeverStreams):
    name = "tei_rerank"
    operation = Operation.RERANK

    decode_head = staticmethod(r.decode_head)
    read_head = staticmethod(r.read_head)
    read_request = staticmethod(read_request)
    write_request = staticmethod(write_request)
    read_usage = staticmethod(read_usage)
    read_response = staticmethod(read_response)
    write_response = staticmethod(write_response)


TEI_RERANK = TeiRerank()
