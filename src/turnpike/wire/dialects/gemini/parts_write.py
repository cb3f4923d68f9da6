"""Canonical parts written as parts of a content. Shared by requests and answers."""

import base64
import mimetypes
from typing import Any

import msgspec

from turnpike.wire.dialects.common.body import BODY_ERRORS
from turnpike.wire.dialects.common.words import inexpressible, invalid
from turnpike.wire.dialects.gemini.parts import FILES, FORMAT
from turnpike.wire.types.conversation import (
    AudioPart,
    FilePart,
    ImagePart,
    Part,
    Refusal,
    ServerItem,
    TextPart,
    ToolCall,
)

Json = dict[str, Any]

_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_MEDIA_TYPES = {"mp3": "audio/mp3", "wav": "audio/wav", "pcm16": "audio/L16;codec=pcm;rate=24000"}


def write_part(part: Part, param: str) -> Json:
    """Any part but reasoning and results. Raises Inexpressible for what Gemini's form has no part for."""
    match part:
        case TextPart():
            return {"text": part.text, **_signed(part.signature)}
        case Refusal():
            return {"text": part.text}
        case ImagePart():
            media_type = part.media_type or (None if part.url is None else _guessed(part.url))
            return _media(part.data, media_type or "image/jpeg", part.url, part.file_id, param)
        case AudioPart():
            return _audio(part, param)
        case FilePart():
            return _document(part, param)
        case ToolCall():
            return write_call(part, param)
        case ServerItem(dialect="gemini"):
            return {part.kind: part.raw}
        case ServerItem():
            raise inexpressible(param, FORMAT, f"{part.kind!r} belongs to a tool of another provider's own.")
        case _:
            raise inexpressible(param, FORMAT)


def write_call(call: ToolCall, param: str) -> Json:
    written: Json = {"id": call.id} if call.id else {}
    return {"functionCall": {**written, "name": call.name, "args": _arguments(call, param)}, **_signed(call.signature)}


def _signed(signature: str | None) -> Json:
    return {} if signature is None else {"thoughtSignature": signature}


def _arguments(call: ToolCall, param: str) -> msgspec.Raw:
    """As they are, once it is sure that they are an object."""
    text = call.arguments.strip() or "{}"
    try:
        _object(text)
    except BODY_ERRORS as error:
        raise invalid(f"{param}.arguments", "must be JSON of an object, as Gemini's form has it.") from error
    return msgspec.Raw(text.encode())


def _media(data: str | None, media_type: str | None, url: str | None, file_id: str | None, param: str) -> Json:
    if data is not None:
        return {"inlineData": {"mimeType": media_type or "application/octet-stream", "data": data}}
    if url is not None:
        kind = media_type or _guessed(url)
        return {"fileData": {"fileUri": url, **({"mimeType": kind} if kind else {})}}
    if file_id is None or not file_id.startswith("files/"):
        advice = "A file kept at another provider cannot be read; send it itself."
        raise inexpressible(f"{param}.file_id", FORMAT, advice)
    return {"fileData": {"fileUri": FILES + file_id, **({"mimeType": media_type} if media_type else {})}}


def _guessed(url: str) -> str | None:
    """By the name's ending: Gemini wants to be told what an address holds."""
    return mimetypes.guess_type(url.partition("?")[0])[0]


def _audio(part: AudioPart, param: str) -> Json:
    if not part.data:
        raise inexpressible(f"{param}.audio", FORMAT, "Earlier audio is known by its id at its provider only.")
    return {"inlineData": {"mimeType": _MEDIA_TYPES.get(part.format, f"audio/{part.format}"), "data": part.data}}


def _document(part: FilePart, param: str) -> Json:
    if part.text is not None:
        return {"inlineData": {"mimeType": "text/plain", "data": base64.b64encode(part.text.encode()).decode()}}
    return _media(part.data, part.media_type, part.url, part.file_id, param)
