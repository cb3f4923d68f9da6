"""What a text rests on, between Anthropic's citations and the canonical ones.

Anthropic cites pages that it found and documents of the request, and knows its own citations again: they go back to it
as they were. It cites a whole block of text, and tells places in the source, not in the text.
"""

from typing import Any

import msgspec

from turnpike.wire.dialects.anthropic_messages.shapes import CitationShape
from turnpike.wire.types.conversation import Citation

NAME = "anthropic_messages"

_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
_shape = msgspec.json.Decoder(CitationShape).decode


def read_citations(raw: msgspec.Raw) -> tuple[Citation, ...]:
    """Of a text block; what is none is left out."""
    if not bytes(raw).startswith(b"["):
        return ()
    found = (read_citation(each) for each in _list(raw))
    return tuple(citation for citation in found if citation is not None)


def read_citation(raw: msgspec.Raw) -> Citation | None:
    try:
        shape = _shape(raw)
    except msgspec.DecodeError:
        return None
    return Citation(
        url=shape.url,
        title=shape.title or shape.document_title,
        document=shape.document_index,
        file_id=shape.file_id,
        cited_text=shape.cited_text,
        extra=msgspec.Raw(bytes(raw)),
        extra_of=NAME,
    )


def own_citations(citations: tuple[Citation, ...]) -> list[msgspec.Raw]:
    """Those that Anthropic itself made: it takes no others."""
    return [each.extra for each in citations if each.extra is not None and each.extra_of == NAME]


def write_citation(citation: Citation) -> Any | None:
    """For a caller. None for what Anthropic's citations cannot say."""
    if citation.extra is not None and citation.extra_of == NAME:
        return citation.extra
    if citation.url is None:
        return None
    return {
        "type": "web_search_result_location",
        "url": citation.url,
        "title": citation.title,
        "cited_text": citation.cited_text or "",
        "encrypted_index": "",
    }
