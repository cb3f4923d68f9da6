"""A request for a transcript, read for a provider of another form.

Its form comes as a JSON object of its fields: texts, and a list for a name that ends in `[]`, without the brackets.
"""

import msgspec

from turnpike.wire.dialects.common.body import BODY_ERRORS, body_error, members_beside
from turnpike.wire.types.speech import TranscriptionRequest


class _Request(msgspec.Struct):
    model: str
    language: str | None = None
    prompt: str | None = None
    response_format: str | None = None
    stream: bool | None = None
    temperature: float | None = None
    timestamp_granularities: list[str] | None = None


def read_request(body: bytes) -> TranscriptionRequest:
    """Raises InvalidRequest, naming the field."""
    try:
        asked = msgspec.convert(msgspec.json.decode(body), _Request, strict=False)
    except BODY_ERRORS as error:
        raise body_error(error) from error
    return TranscriptionRequest(
        model=asked.model,
        format=asked.response_format or "json",
        language=asked.language or None,
        prompt=asked.prompt or None,
        temperature=asked.temperature,
        stream=bool(asked.stream),
        granularities=tuple(asked.timestamp_granularities or ()),
        extra=members_beside(body, _Request),
    )
