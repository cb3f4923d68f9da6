"""OpenAI's forms for recorded speech: `POST /v1/audio/transcriptions` and `/v1/audio/translations`.

A form with a file in; JSON, plain text, subtitles or events out. Usage comes as tokens or as seconds of sound; answers
as text report none, and the recording's own length is taken. Source: OpenAI's API reference, "Create transcription".
"""

import math

from turnpike.wire.dialect import AnyRequest
from turnpike.wire.dialects.openai_transcription.request import read_request
from turnpike.wire.dialects.openai_transcription.response import write_transcript
from turnpike.wire.estimate import tokens_of_bytes
from turnpike.wire.forms import Field, FilePart
from turnpike.wire.media.audio import audio_ms, guessed_ms
from turnpike.wire.media.dialect import MediaDialect, MediaHead
from turnpike.wire.media.usage import INPUT_AUDIO_TOKEN_MS
from turnpike.wire.operations import Operation
from turnpike.wire.types.speech import Transcript
from turnpike.wire.types.usage import MediaUsage, Usage


class OpenAITranscription(MediaDialect):
    watched = frozenset(("model", "stream", "response_format"))
    needs_file = "file"

    def __init__(self, name: str, operation: Operation) -> None:
        self.name = name
        self.operation = operation

    def read_form(self, fields: dict[str, Field], files: list[FilePart], size: int) -> MediaHead:
        head = super().read_form(fields, files, size)
        lengths = [audio_ms(each.beginning, each.size) for each in files if each.name == "file"]
        if lengths and None not in lengths:
            head.audio_ms = sum(each or 0 for each in lengths)
        return head

    def read_request(self, body: bytes, /) -> AnyRequest:
        return read_request(body)

    def write_transcript(self, heard: Transcript, form: str, /) -> tuple[bytes, bytes]:
        return write_transcript(heard, form)

    def by_piece(self, head: MediaHead) -> Usage | None:
        return Usage(media=MediaUsage(input_audio_ms=head.audio_ms)) if head.audio_ms else None

    def estimate(self, head: MediaHead, output_bytes: int) -> Usage:
        length_ms = head.audio_ms or guessed_ms(head.file_bytes)
        tokens = math.ceil(length_ms / INPUT_AUDIO_TOKEN_MS)
        return Usage(
            input_tokens=tokens,
            input_audio_tokens=tokens,
            output_tokens=tokens_of_bytes(output_bytes),
            media=MediaUsage(input_audio_ms=length_ms),
        )


OPENAI_TRANSCRIPTION = OpenAITranscription("openai_transcription", Operation.TRANSCRIPTION)
OPENAI_TRANSLATION = OpenAITranscription("openai_translation", Operation.TRANSLATION)
