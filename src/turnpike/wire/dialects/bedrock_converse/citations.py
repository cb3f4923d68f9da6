"""What an answer rests on, and what a guardrail judged of it."""

from collections.abc import Iterator
from typing import Any, cast

import msgspec

from turnpike.wire.dialects.bedrock_converse.shapes import CitationsContent, CitationShape
from turnpike.wire.types.conversation import Citation, SafetyRating, TextPart

_trace = msgspec.json.Decoder().decode
Json = dict[str, Any]


def read_citation(shape: CitationShape) -> Citation:
    cited = "".join(piece.text for piece in shape.source_content or ())
    place = shape.location
    web = None if place is None else place.web
    document = None
    if place is not None:
        spot = place.document_char or place.document_page or place.document_chunk or place.search_result_location
        document = None if spot is None else spot.document_index
    url = None if web is None else web.url
    if url is None and shape.source is not None and shape.source.startswith(("http://", "https://")):
        url = shape.source
    return Citation(url=url, title=shape.title, document=document, cited_text=cited or None)


def read_cited(content: CitationsContent) -> TextPart:
    said = "".join(piece.text for piece in content.content or ())
    return TextPart(said, citations=tuple(read_citation(each) for each in content.citations or ()))


def write_citation(citation: Citation) -> Json:
    written: Json = {}
    if citation.title is not None:
        written["title"] = citation.title
    if citation.cited_text is not None:
        written["sourceContent"] = [{"text": citation.cited_text}]
    if citation.url is not None:
        written["location"] = {"web": {"url": citation.url}}
    elif citation.document is not None:
        written["location"] = {"documentChunk": {"documentIndex": citation.document}}
    return written


def read_safety(trace: msgspec.Raw) -> tuple[SafetyRating, ...]:
    """The content filters of a guardrail's trace, in and out; nothing for a trace without one."""
    try:
        decoded = _trace(trace)
    except msgspec.DecodeError:
        return ()
    return tuple(_ratings(cast("Json", decoded).get("guardrail"))) if isinstance(decoded, dict) else ()


def _ratings(node: object) -> Iterator[SafetyRating]:
    """Assessments stand under ids of guardrails, in objects and in lists: every judged filter has a type, and an
    action that was taken on it."""
    if isinstance(node, list):
        for each in cast("list[object]", node):
            yield from _ratings(each)
    elif isinstance(node, dict):
        members = cast("Json", node)
        kind, action = members.get("type"), members.get("action")
        if isinstance(kind, str) and isinstance(action, str):
            yield SafetyRating(kind, str(members.get("confidence", "")), action == "BLOCKED")
        for each in members.values():
            yield from _ratings(each)
