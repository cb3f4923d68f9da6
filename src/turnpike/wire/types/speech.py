"""Canonical speech and transcription: text in and sound out, sound in and text out.

The sound itself is no part of these: it passes as it is.
"""

import msgspec

from turnpike.wire.types.usage import Usage


class SpeechRequest(msgspec.Struct, kw_only=True):
    model: str
    text: str
    voice: str
    """The provider's own name or id of it."""
    instructions: str | None = None
    """How it is to be said."""
    format: str = "mp3"
    """`mp3`, `opus`, `aac`, `flac`, `wav` or `pcm` (24 kHz, 16 bits, one channel)."""
    speed: float | None = None
    """1 is the voice's own."""
    as_events: bool = False
    extra: tuple[str, ...] = ()
    """Names of fields that the caller's API has alone."""


class TranscriptionRequest(msgspec.Struct, kw_only=True):
    model: str
    format: str = "json"
    """In OpenAI's words: `json`, `verbose_json`, `text`, `srt`, `vtt` or `diarized_json`."""
    language: str | None = None
    """ISO 639-1 or 639-3."""
    prompt: str | None = None
    temperature: float | None = None
    stream: bool = False
    granularities: tuple[str, ...] = ()
    """Of times beside the text: `word`, `segment`."""
    extra: tuple[str, ...] = ()


class Word(msgspec.Struct, frozen=True):
    word: str
    start: float
    """Seconds."""
    end: float


class Transcript(msgspec.Struct, kw_only=True):
    text: str
    language: str = ""
    """In the provider's words: `en`, `eng`, `english`."""
    duration_s: float | None = None
    words: tuple[Word, ...] = ()
    subtitles: str = ""
    """In SubRip's form, where they were asked for."""
    usage: Usage | None = None
