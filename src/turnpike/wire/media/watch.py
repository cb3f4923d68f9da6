"""Following an answer that is passed on as it comes: binary sound, plain text, JSON of any size, or events.

None of them holds anything back, and none keeps more than some kilobytes: what matters stands at an answer's beginning
or end. Each fills `turnpike.wire.dialect.Tail`.
"""

import re
from collections.abc import Callable

import msgspec

from turnpike.errors import UpstreamRefused
from turnpike.wire.dialects.common.errors import read_error
from turnpike.wire.media.audio import audio_ms
from turnpike.wire.media.usage import of_duration, plus, read_media_usage
from turnpike.wire.types.usage import Usage

EDGE_BYTES = 16 * 1024
"""Kept of an answer's beginning and of its end."""

_PCM = re.compile(r"audio/(?:pcm|l16)\b(?:.*;\s*rate=(\d{4,6}))?")
_PCM_HZ = 24_000
"""Of OpenAI's `pcm`: 16 bits, one channel."""

_USAGE = re.compile(rb'"usage"\s*:\s*(?=\{)')
_DURATION = re.compile(rb'[{,]\s*"duration"\s*:\s*"?(\d{1,7}(?:\.\d{1,12})?)"?\s*[,}]')
_ERROR = re.compile(rb'(?:^|\n)data:\s?\{\s*"(?:error"\s*:\s*[{"]|type"\s*:\s*"error")')
_LAST = re.compile(
    rb'data:\s?(?P<done>\[DONE\])|"type"\s*:\s*"(?:transcript\.text\.done|speech\.audio\.done|image_edit\.completed)"'
)
_BLANK = re.compile(rb"\n\n|\r\n\r\n")


class Passing:
    """Bytes that say nothing of their usage: sound, or a transcript as text."""

    __slots__ = ("error", "finished", "output_bytes", "usage")

    is_stream = False
    """Whether what goes on are events, among which an error can be told."""
    sound_ms = 0
    """How long the sound is that went by; 0: its form does not tell, or it is not whole."""
    usage: Usage | None
    finished: bool
    error: UpstreamRefused | None
    output_bytes: int

    def __init__(self) -> None:
        self.usage = None
        self.finished = False
        self.error = None
        self.output_bytes = 0

    def feed(self, data: bytes) -> bytes:
        self.output_bytes += len(data)
        return data

    def end(self) -> bytes:
        self.finished = True
        return b""


class SoundWatch(Passing):
    """Sound: PCM is as long as its bytes, WAV as its header and its size say. Of compressed forms nothing is told."""

    __slots__ = ("_beginning", "_content_type", "sound_ms")

    def __init__(self, content_type: str) -> None:
        """`content_type`: in lower case."""
        super().__init__()
        self.sound_ms = 0
        self._content_type = content_type
        self._beginning = b""

    def feed(self, data: bytes) -> bytes:
        self.output_bytes += len(data)
        if len(self._beginning) < EDGE_BYTES:
            self._beginning += data[: EDGE_BYTES - len(self._beginning)]
        return data

    def end(self) -> bytes:
        self.finished = True
        pcm = _PCM.match(self._content_type)
        if self._beginning.startswith(b"RIFF"):
            self.sound_ms = audio_ms(self._beginning, self.output_bytes) or 0
        elif pcm is not None:
            self.sound_ms = self.output_bytes * 1000 // (2 * int(pcm[1] or _PCM_HZ))
        return b""


class JsonWatch(Passing):
    """One JSON object, whose `usage` (or `duration`, in seconds of sound) is looked for when it has gone by."""

    __slots__ = ("_beginning", "_end", "_read")

    def __init__(self, read: Callable[[bytes], Usage | None]) -> None:
        """`read`: usage out of a whole answer. A larger one is searched at its edges instead."""
        super().__init__()
        self._read = read
        self._beginning = self._end = b""

    def feed(self, data: bytes) -> bytes:
        self.output_bytes += len(data)
        if len(self._beginning) < EDGE_BYTES:
            self._beginning += data[: EDGE_BYTES - len(self._beginning)]
        self._end = (self._end + data)[-EDGE_BYTES:] if len(data) < EDGE_BYTES else data[-EDGE_BYTES:]
        return data

    def end(self) -> bytes:
        self.finished = True
        if self.output_bytes <= EDGE_BYTES:
            self.usage = self._read(self._beginning)
        else:
            self.usage = usage_within(self._end) or usage_within(self._beginning) or _duration(self._beginning)
        return b""


class EventWatch(Passing):
    """Server-sent events that report usage in their last one, or one for each image. An event may be megabytes."""

    __slots__ = ("_in_last", "_lasts", "_looked", "_place", "_rest")

    is_stream = True

    def __init__(self, lasts: int = 1) -> None:
        """`lasts`: how many events of the kind that ends an answer there will be."""
        super().__init__()
        self._lasts = lasts
        self._rest = b""
        self._looked = self._place = 0
        """How much of the rest was searched already, for usage and for last events."""
        self._in_last = False

    def feed(self, data: bytes) -> bytes:
        self.output_bytes += len(data)
        text = self._rest + data
        self._count(text)
        self._follow(text)
        if self.error is None and (failed := _ERROR.search(text)):
            end = _BLANK.search(text, failed.end())
            if end is not None:
                self.error = read_error(502, text[text.index(b"{", failed.start()) : end.start()])
        gone = max(0, len(text) - EDGE_BYTES)
        self._rest = text[gone:]
        self._looked = max(0, self._looked - gone)
        self._place = max(0, self._place - gone)
        return data

    def end(self) -> bytes:
        """A stream without its last event was cut: it stays unfinished."""
        self.finished = self.finished or (self._in_last and self._lasts <= 1)
        self._rest = b""
        return b""

    def _count(self, text: bytes) -> None:
        for match in _USAGE.finditer(text):
            if match.start() < self._looked:
                continue
            found = _object(text, match.end())
            if found is None:
                return  # not whole yet
            self._looked = match.end() + len(found)
            usage = read_media_usage(found)
            if usage is not None:
                self.usage = plus(self.usage, usage)

    def _follow(self, text: bytes) -> None:
        place = self._place
        while not self.finished:
            if not self._in_last:
                match = _LAST.search(text, place)
                if match is None:
                    place = max(place, len(text) - 128)
                    break
                self._in_last = True
                place = match.end()
                self.finished = match["done"] is not None
            blank = _BLANK.search(text, place)
            if blank is None:
                place = max(place, len(text) - 3)
                break
            place = blank.end()
            self._in_last = False
            self._lasts -= 1
            self.finished = self.finished or self._lasts <= 0
        self._place = place


def usage_within(text: bytes) -> Usage | None:
    """The last object under a key `usage` in a piece of JSON. A key inside a string has escaped quotes."""
    usage = None
    for match in _USAGE.finditer(text):
        found = _object(text, match.end())
        usage = (read_media_usage(found) if found is not None else None) or usage
    return usage


class _Answer(msgspec.Struct, gc=False):
    usage: msgspec.Raw = msgspec.Raw()
    duration: float | str | None = None


_decode = msgspec.json.Decoder(_Answer).decode


def read_answer(body: bytes) -> Usage | None:
    """Of a whole answer in JSON; None when it is none or reports nothing."""
    try:
        answer = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    usage = read_media_usage(answer.usage) if bytes(answer.usage) else None
    if usage is None and answer.duration is not None:
        try:
            seconds = float(answer.duration)
        except ValueError:
            return None
        return of_duration(seconds) if 0 < seconds < 10**7 else None
    return usage


def _duration(text: bytes) -> Usage | None:
    match = _DURATION.search(text)
    return of_duration(float(match[1])) if match else None


def _object(text: bytes, start: int) -> bytes | None:
    """The JSON object that begins at `start`: one of numbers, without braces in strings. None while it is not whole."""
    depth = 0
    for place in range(start, min(len(text), start + EDGE_BYTES // 4)):
        byte = text[place]
        if byte == 0x7B:
            depth += 1
        elif byte == 0x7D:
            depth -= 1
            if depth == 0:
                return text[start : place + 1]
    return None
