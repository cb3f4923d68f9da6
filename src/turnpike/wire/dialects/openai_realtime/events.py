"""The events of a realtime session that the gateway looks at: which response is asked for, begun, ended, and its usage.

Everything else of an event is skipped, unknown events too. Sound is PCM of 16 bits at 24 kHz, the form's default, where
a length is estimated.
"""

from typing import Annotated, Any

import msgspec

from turnpike.errors import InvalidRequest, TurnpikeError
from turnpike.wire.dialects.openai_chat.error import write_error
from turnpike.wire.media.usage import read_media_usage
from turnpike.wire.types.usage import MediaUsage, Usage

SOUND_BYTES_PER_MS = 48

_Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class ClientEvent(msgspec.Struct, gc=False):
    """What a caller says."""

    type: str
    event_id: str | None = None
    audio: str = ""
    """Base64, of `input_audio_buffer.append`."""
    item: msgspec.Raw = msgspec.Raw()

    @property
    def asks(self) -> bool:
        """For a response."""
        return self.type == "response.create"

    @property
    def sound_ms(self) -> int:
        return len(self.audio) * 3 // 4 // SOUND_BYTES_PER_MS

    @property
    def text_bytes(self) -> int:
        return len(self.item)


class _CachedParts(msgspec.Struct, gc=False):
    audio_tokens: _Count | None = None


class _InputParts(msgspec.Struct, gc=False):
    audio_tokens: _Count | None = None
    image_tokens: _Count | None = None
    cached_tokens: _Count | None = None
    cached_tokens_details: _CachedParts | None = None


class _OutputParts(msgspec.Struct, gc=False):
    audio_tokens: _Count | None = None


class _Usage(msgspec.Struct, gc=False):
    input_tokens: _Count | None = None
    output_tokens: _Count | None = None
    input_token_details: _InputParts | None = None
    output_token_details: _OutputParts | None = None


class _Response(msgspec.Struct, gc=False):
    id: str | None = None
    status: str | None = None
    usage: msgspec.Raw = msgspec.Raw()


class _Error(msgspec.Struct, gc=False):
    code: str | None = None
    event_id: str | None = None


class _Model(msgspec.Struct, gc=False):
    model: str | None = None


class _Input(msgspec.Struct, gc=False):
    transcription: _Model | None = None


class _Sound(msgspec.Struct, gc=False):
    input: _Input | None = None


class _Session(msgspec.Struct, gc=False):
    audio: _Sound | None = None
    input_audio_transcription: _Model | None = None
    """As the beta form has it."""


class ServerEvent(msgspec.Struct, gc=False):
    """What a provider says."""

    type: str
    response: _Response | None = None
    response_id: str | None = None
    delta: str = ""
    usage: msgspec.Raw = msgspec.Raw()
    error: _Error | None = None
    session: _Session | None = None

    @property
    def begins(self) -> bool:
        return self.type == "response.created"

    @property
    def ends(self) -> bool:
        return self.type == "response.done"

    @property
    def is_error(self) -> bool:
        return self.type == "error"

    @property
    def is_sound(self) -> bool:
        return self.type in ("response.output_audio.delta", "response.audio.delta")

    @property
    def sound_ms(self) -> int:
        """Of a delta of sound."""
        return len(self.delta) * 3 // 4 // SOUND_BYTES_PER_MS

    def response_usage(self) -> Usage | None:
        """Of `response.done`; None where it reports none."""
        return _usage_of(self.response.usage) if self.response is not None else None

    def transcription_usage(self) -> Usage | None:
        """Of the transcript of what was said, which another model made."""
        if self.type != "conversation.item.input_audio_transcription.completed" or not bytes(self.usage):
            return None
        return read_media_usage(self.usage)

    def transcription_model(self) -> str | None:
        """What a session's settings, as the provider repeats them, name for such transcripts."""
        session = self.session
        if session is None:
            return None
        new = session.audio.input.transcription if session.audio is not None and session.audio.input else None
        named = new or session.input_audio_transcription
        return named.model if named is not None else None


_read_client = msgspec.json.Decoder(ClientEvent).decode
_read_server = msgspec.json.Decoder(ServerEvent).decode
_read_usage = msgspec.json.Decoder(_Usage | None).decode


def read_client_event(text: str) -> ClientEvent:
    """Raises InvalidRequest for what is no event: the provider might still see one in it."""
    try:
        return _read_client(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise InvalidRequest(f"A message must be an event in JSON with a `type`: {str(error)[:200]}.") from error


def read_server_event(text: str) -> ServerEvent | None:
    """None for what is no event that could be read."""
    try:
        return _read_server(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def _usage_of(raw: msgspec.Raw) -> Usage | None:
    if not bytes(raw):
        return None
    try:
        said = _read_usage(raw)
    except msgspec.DecodeError:
        return None
    if said is None or said.input_tokens is None:
        return None
    given = said.input_token_details or _InputParts()
    made = said.output_token_details or _OutputParts()
    cached = given.cached_tokens_details or _CachedParts()
    return Usage(
        input_tokens=said.input_tokens,
        output_tokens=said.output_tokens or 0,
        cache_read_tokens=given.cached_tokens or 0,
        input_audio_tokens=given.audio_tokens or 0,
        output_audio_tokens=made.audio_tokens or 0,
        cache_read_audio_tokens=cached.audio_tokens or 0,
        media=MediaUsage(input_image_tokens=given.image_tokens) if given.image_tokens else None,
    )


def write_error_event(error: TurnpikeError, event_id: str | None, own_id: str) -> str:
    """What a caller is told inside a session."""
    said: dict[str, Any] = msgspec.json.decode(write_error(error, ""))["error"]
    return msgspec.json.encode({"type": "error", "event_id": own_id, "error": {**said, "event_id": event_id}}).decode()
