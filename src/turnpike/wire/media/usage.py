"""Usage as OpenAI's audio and image endpoints report it: tokens with their modalities, or seconds of sound.

Source: OpenAI's API reference, "Create transcription", "Create speech", "Create image edit" (the objects `usage`).
"""

from typing import Annotated

import msgspec

from turnpike.wire.types.usage import MediaUsage, Usage

INPUT_AUDIO_TOKEN_MS = 100
OUTPUT_AUDIO_TOKEN_MS = 50
"""Milliseconds of sound in a token of OpenAI's audio models ("Managing costs" in its Realtime guide): for estimates."""
SPOKEN_CHARACTERS_PER_S = 15
"""About what a voice reads: for estimates only."""

_Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
_Seconds = Annotated[float, msgspec.Meta(ge=0, le=10**7)]


class _Details(msgspec.Struct, gc=False):
    audio_tokens: _Count | None = None
    image_tokens: _Count | None = None
    cached_tokens: _Count | None = None


class _Reported(msgspec.Struct, gc=False):
    input_tokens: _Count | None = None
    output_tokens: _Count | None = None
    prompt_tokens: _Count | None = None
    completion_tokens: _Count | None = None
    seconds: _Seconds | None = None
    prompt_audio_seconds: _Seconds | None = None
    """Mistral: beside the tokens."""
    input_token_details: _Details | None = None
    input_tokens_details: _Details | None = None
    prompt_tokens_details: _Details | None = None
    output_token_details: _Details | None = None
    output_tokens_details: _Details | None = None


_decode = msgspec.json.Decoder(_Reported).decode
_NONE = _Details()


def read_media_usage(raw: bytes) -> Usage | None:
    """Of the JSON object under `usage`; None for what counts nothing that is known."""
    try:
        said = _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if said.seconds is not None:
        return of_duration(said.seconds)
    tokens_in = said.input_tokens if said.input_tokens is not None else said.prompt_tokens
    if tokens_in is None:
        return None
    tokens_out = said.output_tokens if said.output_tokens is not None else said.completion_tokens
    given = said.input_token_details or said.input_tokens_details or said.prompt_tokens_details or _NONE
    made = said.output_token_details or said.output_tokens_details or _NONE
    media = None
    if given.image_tokens or made.image_tokens or said.prompt_audio_seconds:
        media = MediaUsage(
            input_image_tokens=given.image_tokens or 0,
            output_image_tokens=made.image_tokens or 0,
            input_audio_ms=round((said.prompt_audio_seconds or 0) * 1000),
        )
    return Usage(
        input_tokens=tokens_in,
        output_tokens=tokens_out or 0,
        cache_read_tokens=given.cached_tokens or 0,
        input_audio_tokens=given.audio_tokens or 0,
        output_audio_tokens=made.audio_tokens or 0,
        media=media,
    )


def of_duration(seconds: float) -> Usage:
    """Of so much sound, which its provider bills by time."""
    return Usage(media=MediaUsage(input_audio_ms=round(seconds * 1000)))


def spoken_ms(characters: int) -> int:
    """About how long it takes to say so many."""
    return -(-characters * 1000 // SPOKEN_CHARACTERS_PER_S)


def plus(one: Usage | None, other: Usage) -> Usage:
    """Both, of an answer that reports in parts; what names a class keeps the first one's."""
    if one is None:
        return other
    counts = {name: getattr(one, name) + getattr(other, name) for name in Usage.__struct_fields__ if name != "media"}
    return Usage(**{**counts, "requests": 1}, media=_media_plus(one.media, other.media))


def _media_plus(one: MediaUsage | None, other: MediaUsage | None) -> MediaUsage | None:
    if one is None or other is None:
        return one or other
    names = [name for name in MediaUsage.__struct_fields__ if name != "image_class"]
    counts = {name: getattr(one, name) + getattr(other, name) for name in names}
    return MediaUsage(**counts, image_class=one.image_class or other.image_class)
