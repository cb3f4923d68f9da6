"""What all forms of a rerank share: the head, documents, results, and how an answer counts what it used.

The forms differ in a few names (`top_n`, `top_k`; `documents`, `texts`) and in how much they say back.
"""

from typing import Any

import msgspec

from turnpike.errors import UpstreamGarbage
from turnpike.wire.dialect import AnyRequest, AnyResponse
from turnpike.wire.dialects.common.alone import UnnamedHead
from turnpike.wire.dialects.common.body import BODY_ERRORS, body_error
from turnpike.wire.dialects.common.owned import forget, once
from turnpike.wire.dialects.common.reading import decode_answer
from turnpike.wire.dialects.common.words import inexpressible, invalid
from turnpike.wire.dialects.openai_chat.usage_shapes import Count
from turnpike.wire.types.rerank import RerankRequest, RerankResponse, RerankResult
from turnpike.wire.types.usage import MediaUsage, Usage

DOCUMENTS_A_SEARCH = 100
"""A search unit is one query over up to so many documents (Cohere's and Bedrock's rule)."""


class RerankHead(UnnamedHead, gc=False):
    documents: list[msgspec.Raw] | None = None
    texts: list[msgspec.Raw] | None = None
    top_n: Any = None
    top_k: Any = None
    return_documents: Any = None

    def output_bound(self) -> int | None:
        return 0  # scores are not counted in tokens

    def counted(self, usage: Usage | None) -> Usage | None:
        """Search units, by the number of documents, where the answer counts none."""
        media = usage.media if usage is not None else None
        if media is not None and media.searches:
            return usage
        documents = len(self.documents or self.texts or ())
        searches = max(1, -(-documents // DOCUMENTS_A_SEARCH))
        media = msgspec.structs.replace(media or MediaUsage(), searches=searches)
        return msgspec.structs.replace(usage or Usage(), media=media)

    def shape(self, response: AnyResponse) -> AnyResponse:
        """As many results as were asked for, with their documents where they were asked for, and what was counted."""
        if not isinstance(response, RerankResponse):
            return response
        wanted = self.top_n if self.top_n is not None else self.top_k
        results = sorted(response.results, key=lambda result: -result.score)
        if isinstance(wanted, int) and not isinstance(wanted, bool) and wanted > 0:
            results = results[:wanted]
        if self.return_documents is True:
            results = [self._with_document(result) for result in results]
        elif self.return_documents is False:
            results = [RerankResult(result.index, result.score) for result in results]
        return msgspec.structs.replace(response, results=tuple(results), usage=self.counted(response.usage))

    def _with_document(self, result: RerankResult) -> RerankResult:
        documents = self.documents or self.texts or []
        if result.document is not None or not 0 <= result.index < len(documents):
            return result
        text = document_text(msgspec.json.decode(documents[result.index]))
        return result if text is None else RerankResult(result.index, result.score, text)


_decode_head = msgspec.json.Decoder(RerankHead, dec_hook=once).decode


def decode_head(body: bytes) -> RerankHead:
    """Raises what `body_error` takes."""
    forget()
    head = _decode_head(body)
    head.model = head.model or ""
    head.stream = False
    return head


def read_head(body: bytes) -> RerankHead:
    try:
        return decode_head(body)
    except BODY_ERRORS as error:
        raise body_error(error) from error


# ---- requests


def document_text(document: Any) -> str | None:
    """Of a text, or of an object that is one: `{"text": "..."}`."""
    if isinstance(document, str):
        return document
    if isinstance(document, dict):
        text: Any = document.get("text")  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - JSON of any shape
        return text if isinstance(text, str) else None
    return None


def texts_of(documents: list[Any], param: str) -> tuple[str, ...]:
    """Raises InvalidRequest without documents, Inexpressible for one that is no text."""
    if not documents:
        raise invalid(param, "must not be empty.")
    texts: list[str] = []
    for number, document in enumerate(documents):
        text = document_text(document)
        if text is None:
            raise inexpressible(f"{param}[{number}]", "another provider's form", "Only texts can be.")
        texts.append(text)
    return tuple(texts)


def as_rerank(request: AnyRequest) -> RerankRequest:
    """Raises TypeError for a request of another operation, which only a mistake of ours can bring here."""
    if not isinstance(request, RerankRequest):
        raise TypeError(f"a rerank request is expected, not {type(request).__name__}")
    return request


def as_ranking(response: AnyResponse) -> RerankResponse:
    if not isinstance(response, RerankResponse):
        raise TypeError(f"a rerank answer is expected, not {type(response).__name__}")
    return response


# ---- answers


class BilledUnits(msgspec.Struct):
    search_units: Count | float | None = None
    input_tokens: Count | float | None = None


class Tokens(msgspec.Struct):
    input_tokens: Count | float | None = None


class Meta(msgspec.Struct):
    billed_units: BilledUnits | None = None
    tokens: Tokens | None = None


class TokenUsage(msgspec.Struct):
    total_tokens: Count | None = None
    prompt_tokens: Count | None = None


class Item(msgspec.Struct):
    """Of `results` or `data`; `score` is text-embeddings-inference's word."""

    index: int
    relevance_score: float | None = None
    score: float | None = None
    document: Any = None
    text: str | None = None


class Answer(msgspec.Struct):
    """Cohere's, Jina's and Voyage's answers at once: none uses another's name for something else."""

    id: str | None = None
    model: str | None = None
    results: list[Item] | None = None
    data: list[Item] | None = None
    meta: Meta | None = None
    usage: TokenUsage | None = None


_decode_answer = msgspec.json.Decoder(Answer).decode


class _Counts(msgspec.Struct):
    meta: Meta | None = None
    usage: TokenUsage | None = None


_decode_counts = msgspec.json.Decoder(_Counts).decode


def read_usage(body: bytes) -> Usage | None:
    """Raises UpstreamGarbage for what is no JSON object; counts that are none are no counts."""
    try:
        counts = _decode_counts(body)
    except msgspec.ValidationError:
        decode_answer(msgspec.json.decode, body, "a ranking")
        return None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UpstreamGarbage(f"The provider's answer is not JSON: {str(error)[:200]}.") from error
    return to_usage(counts.meta, counts.usage)


def to_usage(meta: Meta | None, usage: TokenUsage | None) -> Usage | None:
    searches = tokens = None
    if meta is not None:
        if meta.billed_units is not None:
            searches, tokens = meta.billed_units.search_units, meta.billed_units.input_tokens
        if meta.tokens is not None and tokens is None:
            tokens = meta.tokens.input_tokens
    if usage is not None:
        tokens = usage.total_tokens if usage.total_tokens is not None else usage.prompt_tokens
    if searches is None and tokens is None:
        return None
    media = MediaUsage(searches=int(searches)) if searches else None
    return Usage(input_tokens=int(tokens or 0), media=media)


def read_response(body: bytes) -> RerankResponse:
    """Raises UpstreamGarbage."""
    answer = decode_answer(_decode_answer, body, "a ranking")
    items = answer.results if answer.results is not None else answer.data
    if items is None:
        raise UpstreamGarbage("The provider's answer is no ranking: it has no results.")
    return RerankResponse(
        id=answer.id or "",
        model=answer.model or "",
        results=results_of(items),
        usage=to_usage(answer.meta, answer.usage),
    )


def results_of(items: list[Item]) -> tuple[RerankResult, ...]:
    """Raises UpstreamGarbage for a result without a score."""
    results: list[RerankResult] = []
    for item in items:
        score = item.relevance_score if item.relevance_score is not None else item.score
        if score is None:
            raise UpstreamGarbage("The provider's ranking has a result without a score.")
        results.append(RerankResult(item.index, score, document_text(item.document) or item.text))
    return tuple(results)


def write_results(results: tuple[RerankResult, ...]) -> list[dict[str, Any]]:
    return [
        {"index": result.index, "relevance_score": result.score}
        | ({} if result.document is None else {"document": {"text": result.document}})
        for result in results
    ]


def write_meta(usage: Usage | None, version: str) -> dict[str, Any]:
    """Cohere's account of what is billed."""
    meta: dict[str, Any] = {"api_version": {"version": version}}
    if usage is not None:
        if usage.media is not None and usage.media.searches:
            meta["billed_units"] = {"search_units": usage.media.searches}
        if usage.input_tokens:
            meta["tokens"] = {"input_tokens": usage.input_tokens}
    return meta
