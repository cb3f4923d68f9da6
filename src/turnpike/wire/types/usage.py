"""Canonical usage: what an answer consumed."""

import msgspec


class MediaUsage(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Counts that few answers have: of images, sound, video, and whatever else is billed by the piece."""

    images: int = 0
    image_class: str = ""
    """What the price of an image depends on, as its provider names it: `1024x1024/high`."""
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
