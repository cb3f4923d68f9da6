"""POST /v1/audio/speech, /v1/audio/transcriptions and /v1/audio/translations as OpenAI answers them.

A spoken character is 64 bytes of its code. A recording is heard as its size. Source: the OpenAI API reference,
"Create speech", "Create transcription", "Create translation".
"""

import base64
import io
import math
import struct
import wave
from collections.abc import Iterator
from typing import Any

import msgspec

from turnpike.simulator import tokens
from turnpike.simulator.dialects import openai
from turnpike.simulator.dialects.fields import FieldError, maybe, one_of, present, take
from turnpike.simulator.exchange import Answer, Call, Operation, json_answer, stream_answer
from turnpike.simulator.forms import File

CHARACTER_BYTES = 64
PIECE_CHARACTERS = 64
"""Characters in one piece of streamed sound."""
TOKEN_BYTES = 1000
"""Of a recording, in one token of sound."""
MAX_CHARACTERS = 4096
GUESSED_BYTES_PER_S = 8000
_TYPES = {
    "mp3": b"audio/mpeg",
    "opus": b"audio/opus",
    "aac": b"audio/aac",
    "flac": b"audio/flac",
    "wav": b"audio/wav",
    "pcm": b"audio/pcm",
}
_FORMATS = ("json", "verbose_json", "text", "srt", "vtt", "diarized_json")

_encode = msgspec.json.encode


# ---- speech


def speech(call: Call) -> Answer:
    try:
        return _speech(call)
    except FieldError as error:
        raise openai.refused_field(error) from error


def _speech(call: Call) -> Answer:
    data: dict[str, Any] = call.data
    openai.refuse_missing_model(take(data, "model", str))
    text = take(data, "input", str)
    present(data, "voice")
    if not 0 < len(text) <= MAX_CHARACTERS:
        raise FieldError("input", "value", f"from 1 to {MAX_CHARACTERS} characters are expected")
    kind = one_of(data.get("response_format") or "mp3", tuple(_TYPES), "response_format")
    headers = openai.OPENAI.headers(call.number)
    if data.get("stream_format") == "sse":
        usage = {"input_tokens": tokens.count(text), "output_tokens": len(text)}
        usage["total_tokens"] = sum(usage.values())
        done: dict[str, Any] = {"type": "speech.audio.done"}
        if not call.faults.no_usage:
            done["usage"] = usage
        deltas = (
            {"type": "speech.audio.delta", "audio": base64.b64encode(piece).decode()}
            for piece in pieces_of(text, with_head=False)
        )
        return stream_answer([_event(each) for each in (*deltas, done)], headers)
    return Answer(200, [(b"content-type", _TYPES[kind]), *headers], events=pieces_of(text, with_head=kind == "wav"))


def pieces_of(text: str, *, with_head: bool) -> list[bytes]:
    """The sound of a text as it is made; `with_head`: as a WAV file."""
    pieces = [spoken(text[start : start + PIECE_CHARACTERS]) for start in range(0, len(text), PIECE_CHARACTERS)]
    return [_wav_head(len(text) * CHARACTER_BYTES), *pieces] if with_head else pieces


def spoken(text: str) -> bytes:
    """What the simulator says for a text, without a container."""
    return b"".join(bytes((ord(character) & 0xFF,)) * CHARACTER_BYTES for character in text)


def _wav_head(size: int) -> bytes:
    form = struct.pack("<IHHIIHH", 16, 1, 1, 24_000, 48_000, 2, 16)
    return b"RIFF" + struct.pack("<I", 36 + size) + b"WAVEfmt " + form + b"data" + struct.pack("<I", size)


# ---- recordings


def transcription(call: Call) -> Answer:
    return _heard(call, "transcribe")


def translation(call: Call) -> Answer:
    return _heard(call, "translate")


def _heard(call: Call, task: str) -> Answer:
    data: dict[str, Any] = call.data
    try:
        model = take(data, "model", str)
        openai.refuse_missing_model(model)
        recording = next((each for each in call.files if each.name == "file"), None)
        if recording is None:
            raise FieldError("file", "missing", "a file is required")
        kind = one_of(data.get("response_format") or "json", _FORMATS, "response_format")
        maybe(data, "language", str)
    except FieldError as error:
        raise openai.refused_field(error) from error
    text = heard(recording.data)
    by_time = "whisper" in model
    usage = None if task == "translate" or call.faults.no_usage else _usage(recording, data, text, by_time=by_time)
    headers = openai.OPENAI.headers(call.number)
    if data.get("stream") == "true" and not by_time and task == "transcribe":
        return stream_answer([_event(each) for each in _events(text, usage)], headers)
    if kind in ("text", "srt", "vtt"):
        body = text_form(kind, text, seconds_of(recording.data))
        return Answer(200, [(b"content-type", b"text/plain; charset=utf-8"), *headers], body.encode())
    whole: dict[str, Any] = {"text": text}
    if kind != "json":
        whole |= _verbose(task, text, seconds_of(recording.data), diarized=kind == "diarized_json")
    if usage is not None:
        whole["usage"] = usage
    return json_answer(whole, headers)


def heard(recording: bytes) -> str:
    return f"The simulator heard {len(recording)} bytes of sound."


def seconds_of(recording: bytes) -> float:
    """Of a WAV file as it says itself; of anything else by its size."""
    try:
        with wave.open(io.BytesIO(recording)) as sound:
            return sound.getnframes() / sound.getframerate()
    except (wave.Error, EOFError):
        return len(recording) / GUESSED_BYTES_PER_S


def _usage(recording: File, data: dict[str, Any], text: str, *, by_time: bool) -> dict[str, Any]:
    if by_time:
        return {"type": "duration", "seconds": math.ceil(seconds_of(recording.data))}
    sound = math.ceil(len(recording.data) / TOKEN_BYTES)
    prompt = tokens.count(data.get("prompt") or "")
    made = tokens.count(text)
    return {
        "type": "tokens",
        "input_tokens": sound + prompt,
        "input_token_details": {"text_tokens": prompt, "audio_tokens": sound},
        "output_tokens": made,
        "total_tokens": sound + prompt + made,
    }


def _verbose(task: str, text: str, seconds: float, *, diarized: bool) -> dict[str, Any]:
    segment: dict[str, Any] = {"id": 0, "start": 0.0, "end": seconds, "text": text}
    if diarized:
        segment |= {"id": "seg_0", "type": "transcript.text.segment", "speaker": "A"}
        return {"task": task, "duration": seconds, "text": text, "segments": [segment]}
    segment |= {"seek": 0, "tokens": [], "temperature": 0.0, "avg_logprob": -0.1}
    segment |= {"compression_ratio": 1.0, "no_speech_prob": 0.0}
    return {"task": task, "language": "english", "duration": seconds, "text": text, "segments": [segment]}


def _events(text: str, usage: dict[str, Any] | None) -> Iterator[dict[str, Any]]:
    for piece in tokens.pieces(text):
        yield {"type": "transcript.text.delta", "delta": piece}
    done: dict[str, Any] = {"type": "transcript.text.done", "text": text}
    if usage is not None:
        done["usage"] = usage
    yield done


def text_form(kind: str, text: str, seconds: float) -> str:
    if kind == "text":
        return text + "\n"
    mark = "," if kind == "srt" else "."
    whole, thousandths = divmod(round(seconds * 1000), 1000)
    minutes, rest = divmod(whole, 60)
    end = f"{minutes // 60:02}:{minutes % 60:02}:{rest:02}{mark}{thousandths:03}"
    line = f"00:00:00{mark}000 --> {end}\n{text}\n\n"
    return f"1\n{line}" if kind == "srt" else f"WEBVTT\n\n{line}"


def _event(value: dict[str, Any]) -> bytes:
    return b"data: " + _encode(value) + b"\n\n"


OPERATIONS = (
    Operation("POST", "/v1/audio/speech", openai.vendor, speech),
    Operation("POST", "/v1/audio/transcriptions", openai.vendor, transcription),
    Operation("POST", "/v1/audio/translations", openai.vendor, translation),
)
