"""The JSON of usage in OpenAI's forms, with what servers that follow them add."""

from typing import Annotated, Any

import msgspec

Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
"""Anything else is no count, and its usage unknown."""


class PromptDetails(msgspec.Struct, gc=False):
    cached_tokens: Count | None = None
    cache_write_tokens: Count | None = None
    audio_tokens: Count | None = None


class CompletionDetails(msgspec.Struct, gc=False):
    reasoning_tokens: Count | None = None
    audio_tokens: Count | None = None


class ChatUsage(msgspec.Struct, gc=False):
    prompt_tokens: Count | None = None
    completion_tokens: Count | None = None
    total_tokens: Count | None = None
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: CompletionDetails | None = None
    prompt_cache_hit_tokens: Count | None = None
    """DeepSeek."""
    cached_tokens: Count | None = None
    """Together and others."""
    num_cached_tokens: Count | None = None
    """Mistral."""
    num_search_queries: Count | None = None


class UsageAlone(msgspec.Struct, gc=False):
    """Of a whole answer, what tells its cost."""

    usage: ChatUsage | None = None
    service_tier: Any = None
