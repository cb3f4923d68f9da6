"""Usage as Gemini reports it: thoughts beside the answer, what its own tools read beside the prompt.

Source: Google's API reference, "UsageMetadata".
"""

from typing import Annotated, Any

import msgspec

from turnpike.errors import UpstreamGarbage
from turnpike.wire.types.usage import MediaUsage, Usage

Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
"""Anything else is no count, and its usage unknown."""


class Modality(msgspec.Struct, rename="camel", gc=False):
    modality: str | None = None
    token_count: Count | None = None


class GeminiUsage(msgspec.Struct, rename="camel", gc=False):
    prompt_token_count: Count | None = None
    cached_content_token_count: Count | None = None
    candidates_token_count: Count | None = None
    thoughts_token_count: Count | None = None
    tool_use_prompt_token_count: Count | None = None
    prompt_tokens_details: list[Modality] | None = None
    cache_tokens_details: list[Modality] | None = None
    candidates_tokens_details: list[Modality] | None = None


class Searched(msgspec.Struct, rename="camel", gc=False):
    web_search_queries: list[str] | None = None


class SearchingCandidate(msgspec.Struct, rename="camel", gc=False):
    grounding_metadata: Searched | None = None


class _Answer(msgspec.Struct, rename="camel", gc=False):
    usage_metadata: GeminiUsage | None = None
    candidates: list[SearchingCandidate] | None = None


_decode = msgspec.json.Decoder(_Answer).decode
_decode_usage = msgspec.json.Decoder(GeminiUsage | None).decode


def read_usage(body: bytes) -> Usage | None:
    try:
        answer = _decode(body)
    except msgspec.ValidationError:
        return None  # JSON, but its usage is not one: unknown, and recorded as such
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UpstreamGarbage(f"The provider's answer is not JSON: {str(error)[:200]}.") from error
    if answer.usage_metadata is None:
        return None
    searches = sum(
        len(candidate.grounding_metadata.web_search_queries or ())
        for candidate in answer.candidates or ()
        if candidate.grounding_metadata is not None
    )
    return to_usage(answer.usage_metadata, searches)


def usage_of(raw: msgspec.Raw, searches: int = 0) -> Usage | None:
    """Of the JSON under `usageMetadata`; None for null and for what is no usage."""
    try:
        reported = _decode_usage(raw)
    except msgspec.DecodeError:
        return None
    return None if reported is None else to_usage(reported, searches)


def to_usage(reported: GeminiUsage, searches: int = 0) -> Usage | None:
    """None when it counts nothing that is known. `searches`: queries that Google ran on the web."""
    prompt = reported.prompt_token_count
    if prompt is None:
        return None
    thoughts = reported.thoughts_token_count or 0
    images_in = _tokens(reported.prompt_tokens_details, "IMAGE")
    images_out = _tokens(reported.candidates_tokens_details, "IMAGE")
    return Usage(
        input_tokens=prompt + (reported.tool_use_prompt_token_count or 0),
        output_tokens=(reported.candidates_token_count or 0) + thoughts,
        cache_read_tokens=reported.cached_content_token_count or 0,
        reasoning_tokens=thoughts,
        input_audio_tokens=_tokens(reported.prompt_tokens_details, "AUDIO"),
        output_audio_tokens=_tokens(reported.candidates_tokens_details, "AUDIO"),
        cache_read_audio_tokens=_tokens(reported.cache_tokens_details, "AUDIO"),
        web_searches=searches,
        media=MediaUsage(input_image_tokens=images_in, output_image_tokens=images_out)
        if images_in or images_out
        else None,
    )


def _tokens(details: list[Modality] | None, modality: str) -> int:
    return sum(each.token_count or 0 for each in details or () if each.modality == modality)


def write_usage(usage: Usage) -> dict[str, Any]:
    said = usage.output_tokens - usage.reasoning_tokens
    media = usage.media or MediaUsage()
    written: dict[str, Any] = {
        "promptTokenCount": usage.input_tokens,
        "candidatesTokenCount": max(said, 0),
        "totalTokenCount": usage.input_tokens + usage.output_tokens,
    }
    if usage.cache_read_tokens:
        written["cachedContentTokenCount"] = usage.cache_read_tokens
    if usage.reasoning_tokens:
        written["thoughtsTokenCount"] = usage.reasoning_tokens
    _detail(written, "promptTokensDetails", usage.input_tokens, usage.input_audio_tokens, media.input_image_tokens)
    _detail(written, "candidatesTokensDetails", said, usage.output_audio_tokens, media.output_image_tokens)
    if usage.cache_read_audio_tokens:
        _detail(written, "cacheTokensDetails", usage.cache_read_tokens, usage.cache_read_audio_tokens, 0)
    return written


def _detail(written: dict[str, Any], name: str, total: int, audio: int, images: int) -> None:
    counts = {"TEXT": max(total - audio - images, 0), "IMAGE": images, "AUDIO": audio}
    written[name] = [{"modality": word, "tokenCount": count} for word, count in counts.items() if count]
