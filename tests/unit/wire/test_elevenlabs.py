"""ElevenLabs' forms: what OpenAI's requests become, what its answers say, and what neither can."""

import json
from typing import Any

import pytest

from turnpike.errors import Inexpressible, InvalidRequest, UpstreamGarbage
from turnpike.wire.dialect import Target
from turnpike.wire.dialects import DIALECTS
from turnpike.wire.dialects.elevenlabs_speech import ELEVENLABS_SPEECH
from turnpike.wire.dialects.elevenlabs_transcription import ELEVENLABS_TRANSCRIPTION
from turnpike.wire.dialects.openai_speech import OPENAI_SPEECH
from turnpike.wire.dialects.openai_transcription import OPENAI_TRANSCRIPTION
from turnpike.wire.media.provider_form import Written
from turnpike.wire.types.speech import Transcript, Word
from turnpike.wire.types.usage import MediaUsage, Usage

TARGET = Target("eleven_v3")
SPEECH = {"model": "m", "input": "Say it.", "voice": "v1"}
HEARD = {"model": "m"}


def speech(**more: Any) -> Written:
    return ELEVENLABS_SPEECH.write_call(OPENAI_SPEECH.read_request(json.dumps({**SPEECH, **more}).encode()), TARGET)


def transcription(**more: Any) -> Written:
    request = OPENAI_TRANSCRIPTION.read_request(json.dumps({**HEARD, **more}).encode())
    return ELEVENLABS_TRANSCRIPTION.write_call(request, TARGET)


# ---- speech


@pytest.mark.parametrize(
    ("asked", "place", "body"),
    [
        ({}, "/v1/stream?output_format=mp3_44100_128", {}),
        ({"voice": {"id": "v-2_X"}}, "/v-2_X/stream?output_format=mp3_44100_128", {}),
        ({"response_format": "pcm"}, "/v1/stream?output_format=pcm_24000", {}),
        ({"response_format": "wav"}, "/v1?output_format=wav_24000", {}),
        ({"response_format": None, "instructions": None, "seed": None}, "/v1/stream?output_format=mp3_44100_128", {}),
        ({"speed": 1}, "/v1/stream?output_format=mp3_44100_128", {}),
        ({"speed": 0.7}, "/v1/stream?output_format=mp3_44100_128", {"voice_settings": {"speed": 0.7}}),
        ({"stream_format": "audio"}, "/v1/stream?output_format=mp3_44100_128", {}),
    ],
)
def test_speech_is_said_in_address_and_body(asked: dict[str, Any], place: str, body: dict[str, Any]) -> None:
    written = speech(**asked)

    assert written.place == place
    assert json.loads(written.body) == {"text": "Say it.", "model_id": "eleven_v3", **body}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("response_format", "aac"),
        ("stream_format", "sse"),
        ("instructions", "Whisper."),
        ("speed", 0.69),
        ("speed", 1.21),
        ("voice", "../v2/voices"),
        ("voice", ""),
        ("voice", "v1?x=y"),
        ("language_code", "de"),
    ],
)
def test_speech_that_it_has_no_word_for_is_refused(field: str, value: Any) -> None:
    with pytest.raises(Inexpressible) as caught:
        speech(**{field: value})

    assert (caught.value.details or {})["param"] == field


@pytest.mark.parametrize(("more", "param"), [({"voice": None}, "voice"), ({"speed": "fast"}, "speed")])
def test_speech_of_a_wrong_type_is_refused_by_name(more: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        speech(**more)

    assert (caught.value.details or {})["param"] == param


# ---- transcripts


@pytest.mark.parametrize(
    ("asked", "fields"),
    [
        ({}, {"timestamps_granularity": "none"}),
        ({"language": "de"}, {"timestamps_granularity": "none", "language_code": "de"}),
        ({"temperature": "0.25"}, {"timestamps_granularity": "none", "temperature": "0.25"}),
        ({"stream": "false", "language": ""}, {"timestamps_granularity": "none"}),
        ({"timestamp_granularities": ["word"], "response_format": "verbose_json"}, {"timestamps_granularity": "word"}),
        (
            {"response_format": "vtt"},
            {"timestamps_granularity": "word", "additional_formats": '[{"format":"srt"}]'},
        ),
    ],
)
def test_a_recording_is_asked_of_in_a_form(asked: dict[str, Any], fields: dict[str, str]) -> None:
    written = transcription(**asked)

    assert dict(written.fields) == {"model_id": "eleven_v3", "tag_audio_events": "false", **fields}
    assert written.file == "file"
    assert written.answered_as == asked.get("response_format", "json")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("prompt", "Names: Ada."),
        ("stream", "true"),
        ("response_format", "diarized_json"),
        ("timestamp_granularities", ["word", "segment"]),
        ("chunking_strategy", "auto"),
        ("known_speaker_names", ["Ada"]),
    ],
)
def test_a_transcript_that_it_has_no_word_for_is_refused(field: str, value: Any) -> None:
    with pytest.raises(Inexpressible) as caught:
        transcription(**{field: value})

    assert (caught.value.details or {})["param"] == field


WORDS = [
    {"text": "Hello", "start": 0.0, "end": 0.4, "type": "word", "logprob": -0.1},
    {"text": " ", "start": 0.4, "end": 0.5, "type": "spacing"},
    {"text": "(laughs)", "start": 0.5, "end": 0.6, "type": "audio_event"},
    {"text": "there.", "start": None, "end": None, "type": "word"},
]


def test_an_answer_tells_text_words_and_length() -> None:
    answer = {"text": "Hello there.", "language_code": "eng", "words": WORDS, "audio_duration_secs": 1.25}

    assert ELEVENLABS_TRANSCRIPTION.read_transcript(json.dumps(answer).encode()) == Transcript(
        text="Hello there.",
        language="eng",
        duration_s=1.25,
        words=(Word("Hello", 0.0, 0.4),),
        usage=Usage(media=MediaUsage(input_audio_ms=1250)),
    )
    assert ELEVENLABS_TRANSCRIPTION.read_usage(json.dumps(answer).encode()) == Usage(
        media=MediaUsage(input_audio_ms=1250)
    )


def test_an_answer_that_tells_no_length_reports_nothing() -> None:
    heard = ELEVENLABS_TRANSCRIPTION.read_transcript(b'{"text": "Hello."}')

    assert (heard.usage, heard.duration_s, heard.words) == (None, None, ())


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"{}", b'{"text": 5}', b'{"text": "x", "audio_duration_secs": -1}',
     b'{"text": "x", "audio_duration_secs": 1e12}', b'{"transcripts": [{"text": "x"}]}'],
)  # fmt: skip
def test_what_is_no_transcript_is_garbage(body: bytes) -> None:
    with pytest.raises(UpstreamGarbage):
        ELEVENLABS_TRANSCRIPTION.read_transcript(body)


SRT = "1\n00:00:00,000 --> 00:00:01,250\nAt 1,000 --> 2,000, hello.\n\n"


@pytest.mark.parametrize(
    ("form", "kind", "body"),
    [
        ("text", b"text/plain; charset=utf-8", b"Hello.\n"),
        ("srt", b"text/plain; charset=utf-8", SRT.encode()),
        (
            "vtt",
            b"text/plain; charset=utf-8",
            b"WEBVTT\n\n1\n00:00:00.000 --> 00:00:01.250\nAt 1,000 --> 2,000, hello.\n\n",
        ),
    ],
)
def test_a_transcript_is_written_as_text(form: str, kind: bytes, body: bytes) -> None:
    heard = Transcript(text="Hello.", subtitles=SRT)

    assert OPENAI_TRANSCRIPTION.write_transcript(heard, form) == (kind, body)


def test_a_transcript_is_written_as_json() -> None:
    heard = Transcript(text="Hello.", language="eng", duration_s=1.5, words=(Word("Hello.", 0.0, 1.5),))
    usage = {"usage": {"type": "duration", "seconds": 1.5}}

    kind, short = OPENAI_TRANSCRIPTION.write_transcript(heard, "json")
    _, long = OPENAI_TRANSCRIPTION.write_transcript(heard, "verbose_json")

    assert kind == b"application/json"
    assert json.loads(short) == {"text": "Hello.", **usage}
    assert json.loads(long) == {
        "task": "transcribe", "language": "eng", "duration": 1.5, "text": "Hello.",
        "words": [{"word": "Hello.", "start": 0.0, "end": 1.5}], **usage,
    }  # fmt: skip


@pytest.mark.parametrize("form", ["srt", "vtt"])
def test_subtitles_that_did_not_come_are_no_empty_answer(form: str) -> None:
    with pytest.raises(UpstreamGarbage):
        OPENAI_TRANSCRIPTION.write_transcript(Transcript(text="Hello."), form)


# ---- errors


@pytest.mark.parametrize(
    ("status", "code", "shown", "param"),
    [(404, "voice_not_found", 400, "voice"), (401, "quota_exceeded", 402, None), (401, "invalid_api_key", 401, None)],
)
def test_errors_say_what_is_meant(status: int, code: str, shown: int, param: str | None) -> None:
    body = json.dumps({"detail": {"status": code, "message": "No."}}).encode()
    read = DIALECTS["elevenlabs_speech"].read_error(status, body)

    assert (read.status, read.message, read.param) == (shown, "No.", param)
