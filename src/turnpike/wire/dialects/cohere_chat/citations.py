"""Citations and log probabilities, between Cohere's form and the canonical one.

Cohere's citation is a span of the answer with all its sources; a canonical one has one source, so a span with several
becomes several, and neighbours of the same span are written as one again.
"""

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from turnpike.wire.dialects.cohere_chat.shapes import CitationShape, LogprobShape, Source
from turnpike.wire.types.conversation import Citation, TokenLogprob

Json = dict[str, Any]

_NUMBERED = re.compile(r"doc[:_](\d{1,9})")


def read_citation(shape: CitationShape) -> list[Citation]:
    if shape.type not in (None, "TEXT_CONTENT"):
        return []  # of a plan or of thinking: no other form cites there
    return [_of_source(source, shape) for source in shape.sources or [Source()]]


def _of_source(source: Source, shape: CitationShape) -> Citation:
    document = source.document or {}
    numbered = _NUMBERED.fullmatch(source.id or "")
    cited = _text(document, "text", "snippet", "content")
    if cited is None and source.tool_output is not None:
        cited = msgspec.json.encode(source.tool_output).decode()
    return Citation(
        url=_text(document, "url"),
        title=_text(document, "title"),
        document=int(numbered[1]) if numbered else None,
        file_id=None if numbered else source.id,
        cited_text=cited,
        start=shape.start,
        end=shape.end,
    )


def _text(document: Json, *names: str) -> str | None:
    return next((value for name in names if isinstance(value := document.get(name), str)), None)


def write_citations(citations: Iterable[Citation], text: str, content_index: int) -> list[Json]:
    """`text` is the whole of the cited part."""
    written: list[Json] = []
    for citation in citations:
        start, end = span(citation, text)
        source = _source(citation)
        last = written[-1] if written else None
        if last is not None and (last["start"], last["end"]) == (start, end):
            last["sources"].append(source)
        else:
            written.append(cited(text, start, end, [source], content_index))
    return written


def cited(text: str, start: int, end: int, sources: list[Json], content_index: int) -> Json:
    return {
        "start": start,
        "end": end,
        "text": text[start:end],
        "sources": sources,
        "content_index": content_index,
        "type": "TEXT_CONTENT",
    }


def write_citation(citation: Citation, text: str, content_index: int) -> Json:
    """One alone, in a stream."""
    return cited(text, *span(citation, text), [_source(citation)], content_index)


def span(citation: Citation, text: str) -> tuple[int, int]:
    """A citation without a span stands for the text so far."""
    if citation.start is None or citation.end is None:
        return 0, len(text)
    return citation.start, citation.end


def _source(citation: Citation) -> Json:
    document = {
        name: value
        for name, value in (("title", citation.title), ("url", citation.url), ("text", citation.cited_text))
        if value is not None
    }
    if citation.document is not None:
        source_id = f"doc:{citation.document}"
    else:
        source_id = citation.file_id or citation.url or "doc:0"
    return {"type": "document", "id": source_id, "document": {"id": source_id, **document}}


# ---- log probabilities


def read_logprobs(shapes: Iterable[LogprobShape]) -> tuple[TokenLogprob, ...]:
    """Cohere gives them for pieces of text of one or more tokens: a piece's is the sum of its tokens'."""
    return tuple(TokenLogprob(one.text or "", sum(one.logprobs or ())) for one in shapes)


def write_logprob(one: TokenLogprob) -> Json:
    return {"text": one.token, "token_ids": [], "logprobs": [one.logprob]}
