"""Canonical usage: what an answer consumed."""

import msgspec


class MediaUsage(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Counts that few answers have: of images, sound, video, and whatever else is billed by the piece."""

    images: int = 0
    image_class: str = ""
    """What the price of an image or of a second of video depends on, as its provider names it: `1024x1024/high`, a
    size and a quality; either may be missing (`1024x1024`, `/high`)."""
    input_image_tokens: int = 0
    """Part of `Usage.input_tokens`."""
    output_image_tokens: int = 0
    """Part of `Usage.output_tokens`."""
    input_audio_ms: int = 0
    output_audio_ms: int = 0
    video_ms: int = 0
    characters: int = 0
    """Of text to be spoken."""
    searches: int = 0
    """Search units of a rerank."""
    pages: int = 0
    file_searches: int = 0
    """Searches in files that the provider keeps, made by a tool of its own."""
    code_executions: int = 0
    """Containers that the provider opened to run code."""
    service_tier: str = ""
    """How the provider served the call, where it is priced otherwise: `flex`, `priority`, `batch`, `fast`. Empty: as
    usual."""


class Usage(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Counts of one answer. Totals include their parts, as OpenAI reports them; a dialect that reports parts beside
    a total (Anthropic) is converted on reading and back on writing."""

    input_tokens: int = 0
    """All input: fresh, cached and written to a cache, of every modality."""
    output_tokens: int = 0
    """All output: visible and reasoning, of every modality."""
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    """Written with the default life (Anthropic: 5 minutes)."""
    cache_write_1h_tokens: int = 0
    reasoning_tokens: int = 0
    input_audio_tokens: int = 0
    output_audio_tokens: int = 0
    cache_read_audio_tokens: int = 0
    requests: int = 1
    """Billable requests, for prices per request."""
    web_searches: int = 0
    media: MediaUsage | None = None


PRICED_TIERS = frozenset(("flex", "priority", "batch"))
"""Names under which providers tell that a call was served in a way that has a price of its own."""


def served_as(usage: Usage, tier: object) -> Usage:
    """The same usage, with the service tier that the answer names where it is one of `PRICED_TIERS`."""
    if not isinstance(tier, str) or tier not in PRICED_TIERS:
        return usage
    media = msgspec.structs.replace(usage.media or MediaUsage(), service_tier=tier)
    return msgspec.structs.replace(usage, media=media)
