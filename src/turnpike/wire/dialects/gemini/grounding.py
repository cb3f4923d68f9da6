"""What an answer rests on and how likely its tokens were: grounding, citations and logprobs, both ways.

Gemini counts places in bytes of a part's UTF-8, canonical citations in characters of their part.
"""

from collections.abc import Sequence
from typing import Any

from turnpike.wire.dialects.gemini.shapes import Chunk, Citations, Grounding, Logprobs
from turnpike.wire.types.conversation import Citation, TextPart, TokenLogprob, TopLogprob

Json = dict[str, Any]


def citations_of(grounding: Grounding | None, citations: Citations | None, text: str) -> list[Citation]:
    """Those of the part whose text this is."""
    found: list[Citation] = []
    if grounding is not None:
        chunks = grounding.grounding_chunks or []
        for support in grounding.grounding_supports or ():
            segment = support.segment
            start = None if segment is None else _characters(text, segment.start_index or 0)
            end = None if segment is None else _characters(text, segment.end_index)
            named = (number for number in support.grounding_chunk_indices or () if 0 <= number < len(chunks))
            found += (_citation(chunks[number], start, end) for number in named)
    if citations is not None:
        for each in citations.citations or citations.citation_sources or ():
            start, end = _characters(text, each.start_index or 0), _characters(text, each.end_index)
            found.append(Citation(url=each.uri, title=each.title, start=start, end=end))
    return found


def _citation(chunk: Chunk, start: int | None, end: int | None) -> Citation:
    source = chunk.web or chunk.retrieved_context or chunk.maps
    if source is None:
        return Citation(start=start, end=end)
    return Citation(url=source.uri, title=source.title, cited_text=source.text, start=start, end=end)


def _characters(text: str, place: int | None) -> int | None:
    """A place in bytes as one in characters; None for one that is not in the text."""
    if place is None:
        return None
    raw = text.encode()
    return len(raw[:place].decode("utf-8", "ignore")) if 0 <= place <= len(raw) else None


def write_grounding(parts: Sequence[tuple[int, TextPart]]) -> Json:
    """`groundingMetadata` of texts with their places among an answer's parts; empty without citations."""
    chunks: list[Json] = []
    supports: list[Json] = []
    for place, part in parts:
        for citation in part.citations:
            chunk = _chunk(citation)
            if chunk not in chunks:
                chunks.append(chunk)
            support: Json = {"groundingChunkIndices": [chunks.index(chunk)]}
            segment = _segment(part.text, citation)
            if segment:
                support["segment"] = {**({"partIndex": place} if place else {}), **segment}
            supports.append(support)
    return {"groundingChunks": chunks, "groundingSupports": supports} if supports else {}


def _chunk(citation: Citation) -> Json:
    named = {"uri": citation.url, "title": citation.title}
    source = {name: value for name, value in named.items() if value is not None}
    if citation.cited_text is not None:
        return {"retrievedContext": {**source, "text": citation.cited_text}}
    return {"web": source}


def _segment(text: str, citation: Citation) -> Json:
    if citation.end is None:
        return {}
    start, end = (len(text[:place].encode()) for place in (citation.start or 0, citation.end))
    first: Json = {"startIndex": start} if start else {}
    return {**first, "endIndex": end, "text": text[citation.start or 0 : citation.end]}


# ---- logprobs


def logprobs_of(result: Logprobs | None) -> tuple[TokenLogprob, ...]:
    if result is None:
        return ()
    tops = result.top_candidates or []
    found: list[TokenLogprob] = []
    for number, chosen in enumerate(result.chosen_candidates or ()):
        likeliest = tops[number].candidates or [] if number < len(tops) else []
        top = tuple(TopLogprob(each.token or "", each.log_probability or 0.0) for each in likeliest)
        found.append(TokenLogprob(chosen.token or "", chosen.log_probability or 0.0, top=top))
    return tuple(found)


def write_logprobs(logprobs: Sequence[TokenLogprob]) -> Json:
    """`logprobsResult`."""
    written: Json = {"chosenCandidates": [_token(each) for each in logprobs]}
    if any(each.top for each in logprobs):
        written["topCandidates"] = [{"candidates": [_token(one) for one in each.top]} for each in logprobs]
    return written


def _token(token: TokenLogprob | TopLogprob) -> Json:
    return {"token": token.token, "logProbability": token.logprob}
