"""OpenAI's speech form: `POST /v1/audio/speech`. JSON in; sound out, as it is made, or events with `stream_format` sse.

Binary answers report no usage: the characters to be spoken are counted, and tokens estimated. Source: OpenAI's API
reference, "Create speech".
"""

import math

import msgspec

from turnpike.errors import InvalidRequest
from turnpike.wire.dialect import AnyRequest, Head
from turnpike.wire.dialects.common.body import BODY_ERRORS, body_error, key_position, replace_model
from turnpike.wire.dialects.common.owned import OwnedModel, forget, once
from turnpike.wire.dialects.openai_speech.request import read_request
from turnpike.wire.estimate import tokens_of_bytes
from turnpike.wire.media.dialect import MediaDialect, MediaHead
from turnpike.wire.media.usage import OUTPUT_AUDIO_TOKEN_MS, spoken_ms
from turnpike.wire.media.watch import Passing, SoundWatch
from turnpike.wire.operations import Operation
from turnpike.wire.types.usage import MediaUsage, Usage


class _Speech(msgspec.Struct):
    model: OwnedModel
    input: str
    instructions: str | None = None
    stream_format: str | None = None


_decode = msgspec.json.Decoder(_Speech, dec_hook=once).decode


class OpenAISpeech(MediaDialect):
    name = "openai_speech"
    operation = Operation.SPEECH
    takes_form = False

    def read_head(self, body: bytes, /) -> Head:
        forget()
        try:
            asked = _decode(body)
        except BODY_ERRORS as error:
            raise body_error(error) from error
        if not asked.input:
            raise InvalidRequest("`input` must not be empty.", details={"param": "input"})
        return MediaHead(
            model=asked.model,
            stream=asked.stream_format == "sse",
            text_bytes=len(asked.input.encode("utf-8", "replace")) + len(asked.instructions or ""),
            characters=len(asked.input),
        )

    def read_request(self, body: bytes, /) -> AnyRequest:
        return read_request(body)

    def watch(self, head: MediaHead, content_type: str) -> Passing:
        found = super().watch(head, content_type)
        return found if found.is_stream or "json" in content_type else SoundWatch(content_type)

    def splice(self, body: bytes, head: Head, upstream_model: str, quirks: frozenset[str] = frozenset()) -> bytes:
        return body if upstream_model == head.model else replace_model(body, key_position(body), upstream_model)

    def usage(self, head: MediaHead, reported: Usage) -> Usage:
        """All that a speech model puts out is sound."""
        return msgspec.structs.replace(
            reported,
            output_audio_tokens=reported.output_audio_tokens or reported.output_tokens,
            media=MediaUsage(characters=head.characters),
        )

    def by_piece(self, head: MediaHead) -> Usage | None:
        return Usage(media=MediaUsage(characters=head.characters))

    def estimate(self, head: MediaHead, output_bytes: int) -> Usage:
        sound_ms = spoken_ms(head.characters)
        tokens = math.ceil(sound_ms / OUTPUT_AUDIO_TOKEN_MS)
        media = MediaUsage(characters=head.characters, output_audio_ms=sound_ms)
        return Usage(
            input_tokens=tokens_of_bytes(head.text_bytes), output_tokens=tokens, output_audio_tokens=tokens, media=media
        )


OPENAI_SPEECH = OpenAISpeech()
