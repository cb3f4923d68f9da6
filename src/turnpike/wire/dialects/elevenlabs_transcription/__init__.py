"""ElevenLabs' transcription: `POST /v1/speech-to-text`, a form in and JSON out. A provider's form.

Subtitles are an additional format of the answer. Source:
https://elevenlabs.io/docs/api-reference/speech-to-text/convert
"""

import msgspec

from turnpike.errors import UpstreamGarbage
from turnpike.wire.dialect import AnyRequest, Target
from turnpike.wire.dialects.common.reading import decode_answer
from turnpike.wire.dialects.common.words import inexpressible
from turnpike.wire.dialects.elevenlabs_speech.error import read_error
from turnpike.wire.media.provider_form import ProviderMedia, Written
from turnpike.wire.media.usage import of_duration
from turnpike.wire.operations import Operation
from turnpike.wire.types.speech import Transcript, TranscriptionRequest, Word
from turnpike.wire.types.usage import Usage

_FORM = "ElevenLabs' transcription"
_SUBTITLES = frozenset(("srt", "vtt"))
_ANSWERS = frozenset(("json", "verbose_json", "text")) | _SUBTITLES
_LONGEST_S = 10**7


class _Word(msgspec.Struct):
    text: str
    start: float | None = None
    end: float | None = None
    type: str = "word"


class _More(msgspec.Struct):
    requested_format: str
    content: str


class _Answer(msgspec.Struct):
    text: str
    language_code: str | None = None
    audio_duration_secs: float | None = None
    words: list[_Word] | None = None
    additional_formats: list[_More | None] | None = None


_decode = msgspec.json.Decoder(_Answer).decode


class ElevenLabsTranscription(ProviderMedia):
    name = "elevenlabs_transcription"
    operation = Operation.TRANSCRIPTION
    rewritten = True

    read_error = staticmethod(read_error)

    def write_call(self, request: AnyRequest, target: Target, /) -> Written:
        wanted = _as_transcription(request)
        times = "word" if "word" in wanted.granularities or wanted.format in _SUBTITLES else "none"
        # OpenAI's transcripts are of what is said, and not of laughter and steps.
        fields = [("model_id", target.upstream_model), ("tag_audio_events", "false"), ("timestamps_granularity", times)]
        if wanted.language is not None:
            fields.append(("language_code", wanted.language))
        if wanted.temperature is not None:
            fields.append(("temperature", f"{wanted.temperature:g}"))
        if wanted.format in _SUBTITLES:
            fields.append(("additional_formats", '[{"format":"srt"}]'))
        return Written(fields=tuple(fields), file="file", answered_as=wanted.format)

    def read_transcript(self, body: bytes, /) -> Transcript:
        answer = decode_answer(_decode, body, "a transcript")
        return Transcript(
            text=answer.text,
            language=answer.language_code or "",
            duration_s=answer.audio_duration_secs,
            words=tuple(
                Word(word.text, word.start, word.end)
                for word in answer.words or ()
                if word.type == "word" and word.start is not None and word.end is not None
            ),
            subtitles=next((each.content for each in answer.additional_formats or () if each is not None), ""),
            usage=_usage(answer.audio_duration_secs),
        )

    def read_usage(self, body: bytes, /) -> Usage | None:
        """Raises UpstreamGarbage."""
        return self.read_transcript(body).usage


def _as_transcription(request: AnyRequest) -> TranscriptionRequest:
    """Raises Inexpressible."""
    if not isinstance(request, TranscriptionRequest):
        raise TypeError(f"a request for a transcript is expected, not {type(request).__name__}")
    if request.stream:
        raise inexpressible("stream", _FORM, "Its transcripts come whole.")
    if request.prompt is not None:
        raise inexpressible("prompt", _FORM)
    if request.format not in _ANSWERS:
        raise inexpressible("response_format", _FORM)
    if any(each != "word" for each in request.granularities):
        raise inexpressible("timestamp_granularities", _FORM, "It tells when words are said, not segments.")
    if request.extra:
        raise inexpressible(request.extra[0], _FORM)
    return request


def _usage(seconds: float | None) -> Usage | None:
    """Raises UpstreamGarbage for a length that no recording has."""
    if seconds is None:
        return None
    if not 0 <= seconds < _LONGEST_S:
        raise UpstreamGarbage("The provider's answer tells no length that a recording has.")
    return of_duration(seconds)


ELEVENLABS_TRANSCRIPTION = ElevenLabsTranscription()
