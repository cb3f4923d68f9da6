"""ElevenLabs' speech: `POST /v1/text-to-speech/{voice_id}`, JSON in and sound out. A provider's form.

Voice and format stand in the address. Sound comes as it is made at `/stream`, and whole where it has a header that
tells its length. Source: https://elevenlabs.io/docs/api-reference/text-to-speech/convert
"""

import re
from typing import Any

import msgspec

from turnpike.wire.dialect import AnyRequest, Target
from turnpike.wire.dialects.common.words import inexpressible
from turnpike.wire.dialects.elevenlabs_speech.error import read_error
from turnpike.wire.media.provider_form import ProviderMedia, Written
from turnpike.wire.operations import Operation
from turnpike.wire.types.speech import SpeechRequest

_FORM = "ElevenLabs' speech"
_FORMATS = {"mp3": "mp3_44100_128", "opus": "opus_48000_128", "pcm": "pcm_24000", "wav": "wav_24000"}
_SLOWEST, _FASTEST = 0.7, 1.2
_VOICE = re.compile(r"[A-Za-z0-9_-]{1,64}")


class ElevenLabsSpeech(ProviderMedia):
    name = "elevenlabs_speech"
    operation = Operation.SPEECH

    read_error = staticmethod(read_error)

    def write_call(self, request: AnyRequest, target: Target, /) -> Written:
        wanted = _as_speech(request)
        kind = _FORMATS.get(wanted.format)
        if kind is None:
            raise inexpressible("response_format", _FORM, f"It makes {', '.join(_FORMATS)}.")
        if not _VOICE.fullmatch(wanted.voice):
            raise inexpressible("voice", _FORM, "It takes the id of a voice.")
        body: dict[str, Any] = {"text": wanted.text, "model_id": target.upstream_model}
        if wanted.speed is not None and wanted.speed != 1:
            if not _SLOWEST <= wanted.speed <= _FASTEST:
                raise inexpressible("speed", _FORM, f"It speaks at {_SLOWEST} to {_FASTEST} of the usual speed.")
            body["voice_settings"] = {"speed": wanted.speed}
        whole = "" if wanted.format == "wav" else "/stream"
        return Written(place=f"/{wanted.voice}{whole}?output_format={kind}", body=msgspec.json.encode(body))


def _as_speech(request: AnyRequest) -> SpeechRequest:
    """Raises Inexpressible for what no speed, format or voice says."""
    if not isinstance(request, SpeechRequest):
        raise TypeError(f"a request for speech is expected, not {type(request).__name__}")
    if request.as_events:
        raise inexpressible("stream_format", _FORM, "Its sound comes as it is made, not in events.")
    if request.instructions is not None:
        raise inexpressible("instructions", _FORM)
    if request.extra:
        raise inexpressible(request.extra[0], _FORM)
    return request


ELEVENLABS_SPEECH = ElevenLabsSpeech()
