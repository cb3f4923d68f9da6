"""A request for speech, read for a provider of another form."""

import msgspec

from turnpike.wire.dialects.common.body import BODY_ERRORS, body_error, members_beside
from turnpike.wire.types.speech import SpeechRequest


class _Voice(msgspec.Struct):
    id: str


class _Request(msgspec.Struct):
    model: str
    input: str
    voice: str | _Voice
    instructions: str | None = None
    response_format: str | None = None
    speed: float | None = None
    stream_format: str | None = None


_decode = msgspec.json.Decoder(_Request).decode


def read_request(body: bytes) -> SpeechRequest:
    """Raises InvalidRequest, naming the field."""
    try:
        asked = _decode(body)
    except BODY_ERRORS as error:
        raise body_error(error) from error
    return SpeechRequest(
        model=asked.model,
        text=asked.input,
        voice=asked.voice if isinstance(asked.voice, str) else asked.voice.id,
        instructions=asked.instructions or None,
        format=asked.response_format or "mp3",
        speed=asked.speed,
        as_events=asked.stream_format == "sse",
        extra=members_beside(body, _Request),
    )
