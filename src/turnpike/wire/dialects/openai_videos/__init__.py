"""OpenAI's videos: `POST /v1/videos` with a JSON body starts a job. Asking for it, fetching and deleting it are calls
on an object with an owner, and belong elsewhere.

A job is charged by the seconds that it was told to make, at the price of its size, when it is started.
Source: https://developers.openai.com/api/reference/resources/videos
"""

from typing import Any

import msgspec

from turnpike.wire.dialects.common.alone import Alone, UnnamedHead, plain_text
from turnpike.wire.dialects.common.body import BODY_ERRORS, body_error
from turnpike.wire.dialects.common.owned import forget, once
from turnpike.wire.dialects.common.plain import NeverStreams
from turnpike.wire.dialects.common.reading import decode_answer
from turnpike.wire.operations import Operation
from turnpike.wire.types.usage import MediaUsage, Usage

DEFAULT_SECONDS = 4
"""What OpenAI makes when it is not told."""
DEFAULT_SIZE = "720x1280"
LONGEST_S = 3600


class VideoHead(UnnamedHead, gc=False):
    seconds: Any = None
    size: Any = None

    def output_bound(self) -> int | None:
        return 0  # a video is not counted in tokens

    def counted(self, usage: Usage | None) -> Usage | None:
        told = usage.media if usage is not None and usage.media is not None else MediaUsage()
        media = MediaUsage(
            video_ms=told.video_ms or video_ms(self.seconds) or DEFAULT_SECONDS * 1000,
            image_class=told.image_class or plain_text(self.size) or DEFAULT_SIZE,
        )
        return Usage(media=media)


class _Job(msgspec.Struct, gc=False):
    seconds: Any = None
    size: Any = None


_decode_head = msgspec.json.Decoder(VideoHead, dec_hook=once).decode
_decode_job = msgspec.json.Decoder(_Job).decode


def video_ms(seconds: Any) -> int:
    """OpenAI writes seconds as text (`"8"`), others as numbers. 0 for what is neither."""
    if isinstance(seconds, str) and seconds.isascii() and seconds.isdigit():
        seconds = int(seconds[:9])
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds <= LONGEST_S:
        return 0
    return round(seconds * 1000)


def decode_head(body: bytes) -> VideoHead:
    """Raises what `body_error` takes."""
    forget()
    head = _decode_head(body)
    head.model = head.model or ""
    head.stream = False
    return head


def read_head(body: bytes) -> VideoHead:
    try:
        return decode_head(body)
    except BODY_ERRORS as error:
        raise body_error(error) from error


def read_usage(body: bytes) -> Usage:
    """What the job says that it will make. Raises UpstreamGarbage."""
    job = decode_answer(_decode_job, body, "a video job")
    return Usage(media=MediaUsage(video_ms=video_ms(job.seconds), image_class=plain_text(job.size)))


class OpenAIVideos(Alone, NeverStreams):
    name = "openai_videos"
    operation = Operation.VIDEO

    decode_head = staticmethod(decode_head)
    read_head = staticmethod(read_head)
    read_usage = staticmethod(read_usage)


OPENAI_VIDEOS = OpenAIVideos()
