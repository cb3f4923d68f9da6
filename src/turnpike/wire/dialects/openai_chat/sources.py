"""What an answer rests on, where its server tells it beside the message instead of in it: Perplexity's `citations` and
`search_results`, xAI's `citations`."""

from typing import Any, cast

from turnpike.wire.dialects.openai_chat.shapes import AnswerShape
from turnpike.wire.types.conversation import Citation, Part, TextPart


def sources_of(answer: AnswerShape) -> tuple[Citation, ...]:
    """One for each page, in the order in which the text numbers them; what is of another form is not one."""
    found: list[Citation] = []
    for item in cast("list[Any]", answer.search_results) if isinstance(answer.search_results, list) else ():
        if isinstance(item, dict):
            page = cast("dict[str, Any]", item)
            if isinstance(page.get("url"), str):
                found.append(
                    Citation(url=page["url"], title=_text(page.get("title")), cited_text=_text(page.get("snippet")))
                )
    if not found and isinstance(answer.citations, list):
        found = [Citation(url=url) for url in cast("list[Any]", answer.citations) if isinstance(url, str)]
    return tuple(found)


def with_sources(parts: list[Part], sources: tuple[Citation, ...]) -> list[Part]:
    """The last text has them: they belong to all of the answer."""
    for place in range(len(parts) - 1, -1, -1):
        part = parts[place]
        if sources and isinstance(part, TextPart) and not part.citations:
            parts[place] = TextPart(
                part.text, cache=part.cache, citations=sources, logprobs=part.logprobs, signature=part.signature
            )
            break
    return parts


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
