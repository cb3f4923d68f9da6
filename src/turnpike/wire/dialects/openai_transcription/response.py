"""A transcript that another form told, written as OpenAI writes it: JSON, plain text or subtitles.

Source: OpenAI's API reference, "Create transcription"; WebVTT (W3C), whose cues differ from SubRip's in their marks.
"""

import re
from typing import Any

import msgspec

from turnpike.errors import UpstreamGarbage
from turnpike.wire.types.speech import Transcript

_JSON, _TEXT = b"application/json", b"text/plain; charset=utf-8"
_SUBTITLES = frozenset(("srt", "vtt"))
_TIMES = re.compile(r"^(\d+:\d\d:\d\d),(\d{3} --> \d+:\d\d:\d\d),(\d{3})", re.MULTILINE)


def write_transcript(heard: Transcript, form: str) -> tuple[bytes, bytes]:
    """Content type and body. `form`: a `response_format`. Raises UpstreamGarbage for subtitles that did not come."""
    if form == "text":
        return _TEXT, heard.text.encode() + b"\n"
    if form in _SUBTITLES and heard.text and not heard.subtitles:
        raise UpstreamGarbage("The provider's answer holds no subtitles.")
    if form == "srt":
        return _TEXT, heard.subtitles.encode()
    if form == "vtt":
        return _TEXT, b"WEBVTT\n\n" + _TIMES.sub(r"\1.\2.\3", heard.subtitles).encode()
    answer: dict[str, Any] = {"text": heard.text}
    if form == "verbose_json":
        answer = {"task": "transcribe", "language": heard.language, "duration": heard.duration_s or 0.0, **answer}
        if heard.words:
            answer["words"] = [msgspec.to_builtins(word) for word in heard.words]
    if heard.duration_s is not None:
        answer["usage"] = {"type": "duration", "seconds": heard.duration_s}
    return _JSON, msgspec.json.encode(answer)
