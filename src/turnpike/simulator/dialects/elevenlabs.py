"""ElevenLabs' speech and transcription: POST /v1/text-to-speech/{voice_id} (and `/stream`), POST /v1/speech-to-text.

It says and hears what the simulator does in OpenAI's form. Voices whose name begins with `missing` do not exist.
Sources: ElevenLabs' API reference, "Create speech", "Stream speech", "Create transcript"; its help page on error codes.
"""

from typing import Any
from urllib.parse import parse_qs

import msgspec

from turnpike.simulator.dialects import openai_audio
from turnpike.simulator.dialects.fields import FieldError, between, maybe, one_of, take
from turnpike.simulator.exchange import Answer, Call, Headers, Operation, Refused, json_answer
from turnpike.simulator.troubles import Trouble

_TYPES = {
    "mp3_44100_128": b"audio/mpeg",
    "opus_48000_128": b"audio/opus",
    "pcm_24000": b"audio/pcm",
    "wav_24000": b"audio/wav",
}
_GRANULARITIES = ("none", "word", "character")
_TROUBLES: dict[Trouble, Refused] = {
    Trouble.BAD_KEY: Refused("Invalid API key", status=401, code="invalid_api_key"),
    Trouble.QUOTA: Refused("This request exceeds your quota.", status=401, code="quota_exceeded"),
    Trouble.RATE_LIMIT: Refused("Too many concurrent requests.", status=429, code="too_many_concurrent_requests"),
    Trouble.OVERLOADED: Refused("The system is busy, please try again later.", status=429, code="system_busy"),
}


class ElevenLabs:
    troubles = _TROUBLES

    def is_authorized(self, headers: dict[str, str], api_key: str) -> bool:
        return headers.get("xi-api-key") == api_key

    def unauthorized(self) -> Refused:
        return _TROUBLES[Trouble.BAD_KEY]

    def not_json(self) -> Refused:
        return Refused("JSON decode error", status=422)

    def headers(self, call_number: int) -> Headers:
        return [(b"request-id", b"sim%08d" % call_number)]

    def error(self, refused: Refused, call_number: int) -> Answer:
        detail: Any = {"status": refused.code or "error", "message": refused.message}
        if refused.status == 422:
            detail = [{"loc": ["body", *([refused.param] if refused.param else [])], "msg": refused.message}]
        return json_answer({"detail": detail}, self.headers(call_number), refused.status)

    def error_event(self, refused: Refused, call_number: int) -> bytes:
        return msgspec.json.encode({"detail": {"message": refused.message}})


ELEVENLABS = ElevenLabs()


def vendor(_headers: dict[str, str]) -> ElevenLabs:
    return ELEVENLABS


def _refused_field(error: FieldError) -> Refused:
    message = "Field required" if error.kind == "missing" else error.message
    return Refused(message, status=422, param=error.path)


def _refuse_missing_model(model: str) -> None:
    if model.startswith("missing"):
        raise Refused(f"A model with model ID {model} does not exist.", code="model_not_found")


# ---- speech


def speech(call: Call) -> Answer:
    voice, _, way = call.rest.partition("/")
    if voice.startswith("missing"):
        raise Refused(f"A voice with voice_id '{voice}' was not found.", status=404, code="voice_not_found")
    try:
        text = take(call.data, "text", str)
        _refuse_missing_model(maybe(call.data, "model_id", str) or "")
        settings = maybe(call.data, "voice_settings", dict) or {}
        between(maybe(settings, "speed", float, "voice_settings"), 0.7, 1.2, "voice_settings.speed")
        kind = parse_qs(call.query).get("output_format", ["mp3_44100_128"])[-1]
        one_of(kind, tuple(_TYPES), "output_format")
        one_of(way, ("", "stream"), "path")
    except FieldError as error:
        raise _refused_field(error) from error
    headers = [(b"content-type", _TYPES[kind]), *ELEVENLABS.headers(call.number)]
    pieces = openai_audio.pieces_of(text, with_head=kind.startswith("wav"))
    if way == "stream":
        return Answer(200, headers, events=pieces)
    return Answer(200, headers, b"".join(pieces))


# ---- recordings


def transcription(call: Call) -> Answer:
    data: dict[str, Any] = call.data
    try:
        _refuse_missing_model(take(data, "model_id", str))
        recording = next((each for each in call.files if each.name == "file"), None)
        if recording is None:
            raise FieldError("file", "missing", "a file is required")
        granularity = one_of(data.get("timestamps_granularity") or "word", _GRANULARITIES, "timestamps_granularity")
    except FieldError as error:
        raise _refused_field(error) from error
    text, seconds = openai_audio.heard(recording.data), openai_audio.seconds_of(recording.data)
    answer: dict[str, Any] = {
        "language_code": data.get("language_code") or "eng",
        "language_probability": 0.98,
        "text": text,
        "words": _words(text, seconds, timed=granularity != "none"),
        "transcription_id": f"sim{call.number:08}",
    }
    if not call.faults.no_usage:
        answer["audio_duration_secs"] = seconds
    wanted = msgspec.json.decode(data.get("additional_formats") or "[]")
    answer["additional_formats"] = [_exported(each["format"], text, seconds) for each in wanted]
    return json_answer(answer, ELEVENLABS.headers(call.number))


def _words(text: str, seconds: float, *, timed: bool) -> list[dict[str, Any]]:
    """Each as long as every other, with what stands between them."""
    said = text.split()
    found: list[dict[str, Any]] = []
    for number, word in enumerate(said):
        start, end = number * seconds / len(said), (number + 1) * seconds / len(said)
        times = {"start": round(start, 3), "end": round(end, 3)} if timed else {"start": None, "end": None}
        if number:
            found.append({"text": " ", "type": "spacing", "logprob": 0.0, **times})
        found.append({"text": word, "type": "word", "logprob": -0.1, **times})
    return found


def _exported(kind: str, text: str, seconds: float) -> dict[str, Any]:
    if kind != "srt":
        raise Refused(f"The simulator exports no '{kind}'.", status=422, param="additional_formats")
    content = openai_audio.text_form("srt", text, seconds)
    return {
        "requested_format": "srt",
        "file_extension": ".srt",
        "content_type": "text/srt",
        "is_base64_encoded": False,
        "content": content,
    }


OPERATIONS = (
    Operation("POST", "/v1/text-to-speech/*", vendor, speech),
    Operation("POST", "/v1/speech-to-text", vendor, transcription, form=True),
)
