"""Watching a stream of images go by unchanged.

An event carries a whole picture in base64, megabytes of it, and no end marker follows: each finished image comes in an
event whose type ends in `.completed`, with its usage. So only the beginning and the end of every event are kept.
"""

import re

from turnpike.wire.dialects.common.errors import read_error
from turnpike.wire.dialects.common.watching import WINDOW, Watch, event_data
from turnpike.wire.dialects.openai_images.head import image_class
from turnpike.wire.dialects.openai_images.usage import ImagesUsage, to_usage, tokens_of
from turnpike.wire.types.usage import MediaUsage, Usage

_END = re.compile(rb"\r?\n\r?\n")
_COMPLETED = re.compile(rb'"type"\s*:\s*"[a-z_]+\.completed"|^event:\s*[a-z_]+\.completed\s*$', re.MULTILINE)
_SIZE = re.compile(rb'"size"\s*:\s*"([0-9a-z]{1,20})"')
_QUALITY = re.compile(rb'"quality"\s*:\s*"([a-z]{1,20})"')
_USAGE = re.compile(rb'"usage"\s*:\s*(\{(?:[^{}]|\{[^{}]*\})*\})')
_ERROR = re.compile(rb'"error"\s*:\s*\{|^event:\s*error\s*$', re.MULTILINE)
_LONGEST_BREAK = 3


class ImagesTail(Watch):
    """`images`: how many are expected; the stream is finished with the last of them, or with its end once one came."""

    __slots__ = ("_begin", "_completed", "_expected", "_last", "_length")

    def __init__(self, images: int) -> None:
        super().__init__()
        self._expected = images
        self._completed = 0
        self._begin = b""
        self._last = b""
        self._length = 0

    def feed(self, data: bytes) -> bytes:
        self.output_bytes += len(data)
        # A blank line may be cut by a read: the last bytes are looked at again.
        seam = self._last[-_LONGEST_BREAK:]
        text = seam + data
        start = len(seam)
        for match in _END.finditer(text):
            if match.end() <= len(seam):
                continue
            self._take(text[start : match.end()])
            self._event()
            start = match.end()
        self._take(text[start:])
        return data

    def end(self) -> bytes:
        if self._length:
            self._event()
        if self._completed:
            self.finished = True
        return b""

    def _take(self, piece: bytes) -> None:
        self._length += len(piece)
        if len(self._begin) < WINDOW:
            self._begin += piece[: WINDOW - len(self._begin)]
        self._last = (self._last + piece[-WINDOW:])[-WINDOW:]

    def _event(self) -> None:
        """Looks at the event that is whole now."""
        shown = self._begin if self._length <= WINDOW else self._begin + self._last
        if _COMPLETED.search(shown):
            self._image(shown)
        elif self._length <= WINDOW and _ERROR.search(shown):
            self._failed(read_error(500, event_data(shown)))
        self._begin = self._last = b""
        self._length = 0

    def _image(self, shown: bytes) -> None:
        self._completed += 1
        size, quality, usage = _SIZE.search(shown), _QUALITY.search(shown), _USAGE.search(shown)
        name = image_class(size[1].decode() if size else "", quality[1].decode() if quality else "")
        reported: ImagesUsage | None = tokens_of(usage[1]) if usage else None
        self._counted(_sum(self.usage, to_usage(reported, 1, name)))
        if self._completed >= self._expected:
            self.finished = True


def _sum(one: Usage | None, other: Usage) -> Usage:
    if one is None or one.media is None or other.media is None:
        return other
    media = MediaUsage(
        images=one.media.images + other.media.images,
        image_class=other.media.image_class,
        input_image_tokens=one.media.input_image_tokens + other.media.input_image_tokens,
        output_image_tokens=one.media.output_image_tokens + other.media.output_image_tokens,
    )
    return Usage(
        one.input_tokens + other.input_tokens,
        one.output_tokens + other.output_tokens,
        one.cache_read_tokens + other.cache_read_tokens,
        media=media,
    )
