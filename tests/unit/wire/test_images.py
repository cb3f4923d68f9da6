"""Images: what a request and its answer tell of the price, whole and streamed, however the stream is cut."""

import base64
import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnpike.errors import InvalidRequest, UpstreamGarbage
from turnpike.wire.dialects import DIALECTS
from turnpike.wire.types.usage import MediaUsage, Usage

IMAGES = DIALECTS["openai_images"]
VIDEOS = DIALECTS["openai_videos"]
MODERATIONS = DIALECTS["openai_moderations"]
USAGE: dict[str, Any] = {
    "input_tokens": 60, "output_tokens": 4160, "total_tokens": 4220,
    "input_tokens_details": {"text_tokens": 50, "image_tokens": 10},
}  # fmt: skip


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode()


# ---- whole answers


@pytest.mark.parametrize(
    ("answer", "usage"),
    [
        ({"data": [{"url": "x"}, {"url": "y"}]}, Usage(media=MediaUsage(2))),
        ({"data": None}, Usage(media=MediaUsage())),
        (
            {"data": [{}], "size": "1024x1024", "quality": "high", "usage": USAGE},
            Usage(60, 4160, media=MediaUsage(1, "1024x1024/high", 10, 4160)),
        ),
        (
            {"data": [{}], "usage": {**USAGE, "output_tokens_details": {"image_tokens": 4000, "text_tokens": 160}}},
            Usage(60, 4160, media=MediaUsage(1, "", 10, 4000)),
        ),
        ({"data": [{}], "usage": None}, Usage(media=MediaUsage(1))),
        ({"data": [{}], "usage": {"input_tokens": -1}}, Usage(media=MediaUsage(1))),
        ({"data": [{}], "size": "auto", "quality": 5}, Usage(media=MediaUsage(1))),
    ],
)
def test_an_answers_usage_is_its_tokens_or_its_images(answer: dict[str, Any], usage: Usage) -> None:
    assert IMAGES.read_usage(encoded(answer)) == usage


@pytest.mark.parametrize(
    ("asked", "told", "media"),
    [
        ({}, "", MediaUsage(1)),
        ({"size": "1024x1024"}, "", MediaUsage(1, "1024x1024")),
        ({"quality": "hd"}, "", MediaUsage(1, "/hd")),
        ({"size": "1x2", "quality": "hd"}, "", MediaUsage(1, "1x2/hd")),
        ({"size": "auto", "quality": "auto"}, "", MediaUsage(1)),
        ({"size": "auto", "quality": "high"}, "1024x1536/medium", MediaUsage(1, "1024x1536/medium")),
        ({"size": "1x2"}, "/low", MediaUsage(1, "1x2/low")),
        ({"size": None, "quality": None, "n": None}, "", MediaUsage(1)),
    ],
)
def test_the_request_completes_what_the_answer_tells(asked: dict[str, Any], told: str, media: MediaUsage) -> None:
    head = IMAGES.read_head(encoded({"model": "m", **asked}))
    counted = head.counted(Usage(5, 6, media=MediaUsage(1, told)))
    assert counted == Usage(5, 6, media=media)


def test_without_an_answer_as_many_images_are_counted_as_were_asked_for() -> None:
    head = IMAGES.read_head(encoded({"model": "m", "n": 3, "size": "1x1"}))
    assert head.counted(None) == Usage(media=MediaUsage(3, "1x1"))


def test_owned_fields_of_a_wrong_type_are_refused_by_name() -> None:
    for field, value in (("n", "2"), ("stream", "yes"), ("model", 5)):
        with pytest.raises(InvalidRequest) as caught:
            IMAGES.read_head(encoded({"model": "m", field: value}))
        assert caught.value.details == {"param": field}


def test_an_answer_that_is_no_list_of_images_is_garbage() -> None:
    for body in (b"nope", b"[]", b'{"data": 5}'):
        with pytest.raises(UpstreamGarbage):
            IMAGES.read_usage(body)


# ---- streams


def event(kind: str, size_bytes: int, usage: dict[str, Any] | None = None, *, first: bool = True) -> bytes:
    """An event of the size of a picture; its usage before the picture or behind it."""
    picture = base64.b64encode(b"\xff" * size_bytes).decode()
    data: dict[str, Any] = {"type": f"image_generation.{kind}", "size": "1024x1024", "quality": "high"}
    data |= {"usage": usage, "b64_json": picture} if first else {"b64_json": picture, "usage": usage}
    return f"event: image_generation.{kind}\ndata: {json.dumps(data)}\n\n".encode()


def tail_of(images: int) -> Any:
    return IMAGES.tail(IMAGES.read_head(encoded({"model": "m", "stream": True, "n": images})))


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.sampled_from((10, 9_000, 40_000)), st.booleans()), min_size=1, max_size=3),
    st.lists(st.integers(0, 120_000), max_size=8),
    st.booleans(),
)
def test_a_stream_of_pictures_cut_anywhere_tells_the_same_usage(
    pictures: list[tuple[int, bool]], cuts: list[int], crlf: bool
) -> None:
    stream = b""
    for size_bytes, first in pictures:
        stream += event("partial_image", size_bytes) + event("completed", size_bytes, USAGE, first=first)
    if crlf:
        stream = stream.replace(b"\n", b"\r\n")
    tail = tail_of(len(pictures))
    places = [0, *sorted(cut for cut in cuts if cut < len(stream)), len(stream)]
    passed = b"".join(tail.feed(stream[start:end]) for start, end in pairwise(places))
    assert passed + tail.end() == stream
    count = len(pictures)
    assert tail.finished
    assert tail.usage == Usage(
        60 * count, 4160 * count, media=MediaUsage(count, "1024x1024/high", 10 * count, 4160 * count)
    )


def test_a_stream_is_finished_with_the_last_image_and_not_before() -> None:
    tail = tail_of(2)
    tail.feed(event("completed", 10, USAGE))
    assert not tail.finished
    tail.feed(event("completed", 10, USAGE))
    assert tail.finished


def test_a_stream_that_ends_without_an_image_is_cut() -> None:
    tail = tail_of(1)
    tail.feed(event("partial_image", 10))
    tail.end()
    assert not tail.finished
    assert tail.usage is None


def test_an_image_whose_event_lacks_its_last_blank_line_counts() -> None:
    tail = tail_of(1)
    tail.feed(event("completed", 20_000, USAGE).rstrip())
    tail.end()
    assert tail.finished
    assert tail.usage is not None


def test_an_error_event_is_seen() -> None:
    tail = tail_of(1)
    tail.feed(b'event: error\ndata: {"type":"error","error":{"message":"no","code":"moderation_blocked"}}\n\n')
    assert tail.error is not None
    assert (tail.error.message, tail.error.upstream_code) == ("no", "moderation_blocked")
    assert not tail.finished


# ---- videos, moderations


@pytest.mark.parametrize(
    ("asked", "answer", "media"),
    [
        ({}, {}, MediaUsage(video_ms=4_000, image_class="720x1280")),
        ({"seconds": "8", "size": "1x2"}, {}, MediaUsage(video_ms=8_000, image_class="1x2")),
        ({"seconds": "8"}, {"seconds": "12", "size": "3x4"}, MediaUsage(video_ms=12_000, image_class="3x4")),
        ({"seconds": 2.5}, {"seconds": True}, MediaUsage(video_ms=2_500, image_class="720x1280")),
        ({"seconds": "lots"}, {"seconds": -3}, MediaUsage(video_ms=4_000, image_class="720x1280")),
    ],
)
def test_a_video_is_counted_by_the_seconds_of_its_job(
    asked: dict[str, Any], answer: dict[str, Any], media: MediaUsage
) -> None:
    head = VIDEOS.read_head(encoded({"model": "m", **asked}))
    assert head.counted(VIDEOS.read_usage(encoded(answer))) == Usage(media=media)


def test_a_moderation_is_one_request_and_the_tokens_that_are_told() -> None:
    assert MODERATIONS.read_usage(b'{"results":[]}') == Usage()
    told = {"usage": {"prompt_tokens": 9, "total_tokens": 9, "completion_tokens": 0}}
    assert MODERATIONS.read_usage(encoded(told)) == Usage(9)
