"""Answers that pass: what they report is found however they are cut and however large they are."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.forms import cut, wav
from turnpike.wire.dialects.openai_image_edit import OPENAI_IMAGE_EDIT
from turnpike.wire.dialects.openai_speech import OPENAI_SPEECH
from turnpike.wire.dialects.openai_transcription import OPENAI_TRANSCRIPTION
from turnpike.wire.media.audio import audio_ms
from turnpike.wire.media.dialect import MediaHead
from turnpike.wire.media.watch import EDGE_BYTES, EventWatch, JsonWatch, read_answer
from turnpike.wire.types.usage import Usage

TOKENS = {"type": "tokens", "input_tokens": 14, "input_token_details": {"text_tokens": 4, "audio_tokens": 10},
          "output_tokens": 5, "total_tokens": 19}  # fmt: skip
COUNTED = Usage(input_tokens=14, output_tokens=5, input_audio_tokens=10)


def event(**fields: object) -> bytes:
    return b"data: " + json.dumps(fields, separators=(",", ":")).encode() + b"\n\n"


def watched(watch: EventWatch | JsonWatch, body: bytes, places: list[int]) -> bytes:
    return b"".join(map(watch.feed, cut(body, places))) + watch.end()


places_ = st.lists(st.integers(1, 60_000), max_size=20)


@given(places=places_, deltas=st.integers(0, 40), long=st.integers(0, 30_000))
def test_events_cut_anywhere_count_the_same(places: list[int], deltas: int, long: int) -> None:
    body = b"".join(event(type="transcript.text.delta", delta='"usage":{ ') for _ in range(deltas))
    body += event(type="transcript.text.done", text="x" * long, usage=TOKENS)
    watch = EventWatch()

    assert watched(watch, body, places) == body
    assert (watch.usage, watch.finished, watch.error) == (COUNTED, True, None)
    assert watch.output_bytes == len(body)


@given(places=places_, images=st.integers(1, 3), size=st.integers(0, 50_000))
def test_images_cut_anywhere_are_counted_each(places: list[int], images: int, size: int) -> None:
    usage = {"input_tokens": 50, "input_tokens_details": {"image_tokens": 40, "text_tokens": 10}, "output_tokens": 100}
    shown = {"b64_json": "A" * size}
    body = event(type="image_edit.partial_image", partial_image_index=0, **shown)
    body += b"".join(event(type="image_edit.completed", **shown, usage=usage) for _ in range(images))
    watch = OPENAI_IMAGE_EDIT.watch(MediaHead(model="m", stream=True, fields={"n": str(images)}), "text/event-stream")
    assert isinstance(watch, EventWatch)
    watched(watch, body, places)

    assert watch.finished
    assert watch.usage is not None
    assert (watch.usage.input_tokens, watch.usage.output_tokens) == (50 * images, 100 * images)


@given(places=places_)
def test_a_stream_without_its_last_event_is_not_whole(places: list[int]) -> None:
    watch = EventWatch()
    watched(watch, event(type="speech.audio.delta", audio="QUJD") * 30, places)

    assert (watch.finished, watch.usage) == (False, None)


@given(places=places_)
def test_an_error_in_a_stream_is_seen(places: list[int]) -> None:
    watch = EventWatch()
    body = event(type="transcript.text.delta", delta="a") + event(error={"message": "Too long.", "code": "c"})
    watched(watch, body, places)

    assert watch.error is not None
    assert (watch.error.message, watch.error.upstream_code) == ("Too long.", "c")


def test_the_end_marker_alone_ends_a_stream() -> None:
    watch = EventWatch()
    watched(watch, b'data: {"choices":[]}\n\ndata: [DONE]\n\n', [5, 30])

    assert watch.finished


@given(places=places_, filling=st.integers(0, 3 * EDGE_BYTES))
def test_json_of_any_size_tells_its_usage(places: list[int], filling: int) -> None:
    body = json.dumps({"text": '"usage":{"input_tokens":1}' + "x" * filling, "usage": TOKENS}).encode()
    watch = JsonWatch(read_answer)

    assert watched(watch, body, places) == body
    assert watch.usage == COUNTED


@given(places=places_, filling=st.integers(0, 3 * EDGE_BYTES))
def test_verbose_json_tells_its_duration(places: list[int], filling: int) -> None:
    body = json.dumps({"task": "transcribe", "duration": 8.5, "text": "x" * filling}).encode()
    watch = JsonWatch(read_answer)
    watched(watch, body, places)

    assert watch.usage is not None
    assert watch.usage.media is not None
    assert watch.usage.media.input_audio_ms == 8500


@pytest.mark.parametrize("body", [b"", b"not json", b"{}", b'{"usage":null}', b'{"usage":{"input_tokens":-1}}', b"[]"])
def test_json_without_a_usage_is_unknown(body: bytes) -> None:
    watch = JsonWatch(read_answer)
    watched(watch, body, [])

    assert watch.usage is None


# ---- what the request tells


def test_speech_is_never_free() -> None:
    head = OPENAI_SPEECH.read_head(b'{"model":"tts","input":"Hello there","voice":"alloy"}')
    assert isinstance(head, MediaHead)
    counted, guessed = OPENAI_SPEECH.by_piece(head), OPENAI_SPEECH.estimate(head, 0)

    assert counted is not None
    assert counted.media is not None
    assert counted.media.characters == 11
    assert guessed.output_audio_tokens > 0
    assert guessed.input_tokens > 0


@pytest.mark.parametrize("seconds", [0.5, 3.0, 61.25])
def test_a_wav_file_says_how_long_it_is(seconds: float) -> None:
    sound = wav(seconds)

    assert audio_ms(sound[:4096], len(sound)) == seconds * 1000


def test_a_wav_stream_without_a_length_is_as_long_as_its_file() -> None:
    sound = wav(2.0)
    endless = sound[:40] + b"\xff\xff\xff\xff" + sound[44:]

    assert audio_ms(endless[:4096], len(endless)) == 2000


def test_flac_and_mp3_say_how_long_they_are() -> None:
    info = (44_100 << 44 | 1 << 41 | 15 << 36 | 88_200).to_bytes(8, "big")
    flac = b"fLaC\x00\x00\x00\x22" + bytes(10) + info
    mp3 = b"ID3\x04\x00\x00\x00\x00\x00\x0a" + bytes(10) + b"\xff\xfb\x90\x00" + bytes(200)

    assert audio_ms(flac, 10_000) == 2000
    assert audio_ms(mp3, 20 + 16_000) == 1000, "16,000 bytes at 128 kbit/s"


@given(st.binary(max_size=200))
def test_no_header_is_too_strange(data: bytes) -> None:
    for mark in (b"", b"RIFF\0\0\0\0WAVE", b"fLaC", b"ID3", b"\xff\xfb"):
        found = audio_ms(mark + data, 1000)
        assert found is None or found > 0


def test_a_recording_of_unknown_length_is_estimated_by_its_size() -> None:
    head = MediaHead(model="m", file_bytes=80_000)

    assert OPENAI_TRANSCRIPTION.by_piece(head) is None
    media = OPENAI_TRANSCRIPTION.estimate(head, 0).media
    assert media is not None
    assert media.input_audio_ms == 10_000


@given(places=places_)
def test_sound_without_compression_tells_how_long_it_is(places: list[int]) -> None:
    head = MediaHead(model="m", characters=450)
    sound = wav(2.5)
    endless = sound[:40] + b"\xff\xff\xff\xff" + sound[44:]
    kinds = {"audio/wav": (sound, endless), "audio/pcm": (bytes(120_000),), "audio/pcm;rate=16000": (bytes(80_000),)}
    for kind, bodies in kinds.items():
        for body in bodies:
            watch = OPENAI_SPEECH.watch(head, kind)
            assert b"".join(map(watch.feed, cut(body, places))) == body
            assert watch.sound_ms == 0, "it is not whole"
            watch.end()
            assert (kind, watch.sound_ms) == (kind, 2500)


@pytest.mark.parametrize("kind", ["audio/mpeg", "text/event-stream", "application/json", ""])
def test_of_other_answers_no_length_is_told(kind: str) -> None:
    watch = OPENAI_SPEECH.watch(MediaHead(model="m"), kind)
    watch.feed(b"\xff\xf3\x84\xc4" + bytes(1000))
    watch.end()
    assert watch.sound_ms == 0
