"""Parts of a content read into canonical ones. Shared by requests and answers.

Documents and videos are files; a file kept at Google is known by `files/...`, any other address is an address.
"""

import re
from collections.abc import Iterable
from typing import Any, cast

import msgspec

from turnpike.wire.dialects.common.body import BODY_ERRORS
from turnpike.wire.dialects.common.words import inexpressible, invalid
from turnpike.wire.dialects.gemini.shapes import (
    Blob,
    ContentShape,
    FileData,
    FunctionResponse,
    PartShape,
    ResponseMedia,
)
from turnpike.wire.dialects.gemini.signatures import UNSIGNED, unwrap
from turnpike.wire.types.conversation import (
    AudioPart,
    FilePart,
    ImagePart,
    Part,
    Reasoning,
    ServerItem,
    TextPart,
    ToolCall,
    ToolResult,
)

NAME = "gemini"
FORMAT = "Gemini's form"
ANY_OTHER = "any form but Gemini's"

FILES = "https://generativelanguage.googleapis.com/v1beta/"
_OWN_FILE = re.compile(r"https://generativelanguage\.googleapis\.com/[a-z0-9]+/(files/.+)")
_SERVER_ITEMS = {
    "executable_code": "executableCode",
    "code_execution_result": "codeExecutionResult",
    "tool_call": "toolCall",
    "tool_response": "toolResponse",
}
AUDIO_FORMATS: dict[str, str] = {
    "mpeg": "mp3",
    "mp3": "mp3",
    "wav": "wav",
    "x-wav": "wav",
    "wave": "wav",
    "l16": "pcm16",
    "pcm": "pcm16",
}
_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_any = msgspec.json.Decoder().decode
_ANSWERS = ("output", "result")
"""Under which names Google's documents and its SDK put what a function returned, when it is all there is."""


def parts_of(content: ContentShape | None) -> list[PartShape]:
    if content is None or content.parts is None:
        return []
    return [content.parts] if isinstance(content.parts, PartShape) else content.parts


def is_null(raw: msgspec.Raw) -> bool:
    return bytes(raw) in (b"", b"null")


def read_part(part: PartShape, param: str) -> Part:
    """Any part but a function's result. Raises InvalidRequest for a part that holds nothing that is known."""
    if not is_null(part.video_metadata):
        raise inexpressible(f"{param}.videoMetadata", ANY_OTHER)
    if part.function_call is not None:
        return _read_call(part, param)
    if part.inline_data is not None:
        return read_blob(part.inline_data, f"{param}.inlineData")
    if part.file_data is not None:
        return read_file(part.file_data, f"{param}.fileData")
    for field, kind in _SERVER_ITEMS.items():
        raw: msgspec.Raw = getattr(part, field)
        if not is_null(raw):
            return ServerItem(NAME, kind, msgspec.Raw(bytes(raw)))
    if part.text is None and part.thought_signature is None:
        raise invalid(param, "holds no part that is known: text, inlineData, fileData, functionCall, functionResponse.")
    return _read_text(part)


def _read_text(part: PartShape) -> TextPart | Reasoning:
    text, signature = part.text or "", part.thought_signature or None
    if not part.thought:
        return TextPart(text, signature=signature)
    foreign = None if signature is None else unwrap(signature)
    if foreign is None:
        return Reasoning(text, signature)
    kind, value = foreign
    return Reasoning(redacted=value) if kind == "redacted" else Reasoning(text, value)


def _read_call(part: PartShape, param: str) -> ToolCall:
    call = part.function_call
    if call is None or not call.name:
        raise invalid(f"{param}.functionCall.name", "is required.")
    if not is_null(call.partial_args):
        raise inexpressible(f"{param}.functionCall.partialArgs", ANY_OTHER)
    signature = part.thought_signature
    arguments = "{}" if is_null(call.args) else bytes(call.args).decode()
    return ToolCall(call.id or "", call.name, arguments, signature=None if signature == UNSIGNED else signature)


def read_blob(blob: Blob, param: str) -> ImagePart | AudioPart | FilePart:
    if blob.data is None or not blob.mime_type:
        raise invalid(param, "needs `data` (base64) and `mimeType`.")
    data = blob.data.replace("-", "+").replace("_", "/")  # Google takes both alphabets of base64
    kind, _, rest = blob.mime_type.lower().partition("/")
    if kind == "image":
        return ImagePart(data=data, media_type=blob.mime_type.lower())
    if kind == "audio":
        subtype = rest.partition(";")[0].strip()
        return AudioPart(data, AUDIO_FORMATS.get(subtype, subtype))
    return FilePart(data=data, media_type=blob.mime_type.lower(), name=blob.display_name)


def read_file(file: FileData, param: str) -> ImagePart | FilePart:
    if not file.file_uri:
        raise invalid(f"{param}.fileUri", "is required.")
    own = _OWN_FILE.fullmatch(file.file_uri)
    url, file_id = (None, own[1]) if own else (file.file_uri, None)
    if file.mime_type is not None and file.mime_type.startswith("image/"):
        return ImagePart(url=url, file_id=file_id)
    return FilePart(url=url, file_id=file_id, media_type=file.mime_type)


def read_result(response: FunctionResponse, call_id: str, param: str) -> ToolResult:
    """What a function returned: text as it is, anything else as JSON."""
    parts: list[TextPart | ImagePart | FilePart] = []
    failed = False
    if not is_null(response.response) and not (response.parts and bytes(response.response) == b"{}"):
        text, failed = _returned(response.response, f"{param}.response")
        parts.append(TextPart(text))
    for number, media in enumerate(response.parts or ()):
        parts.append(_read_media(media, f"{param}.parts[{number}]"))
    return ToolResult(call_id, tuple(parts), failed)


def _returned(raw: msgspec.Raw, param: str) -> tuple[str, bool]:
    try:
        members = _object(raw)
    except BODY_ERRORS as error:
        raise invalid(param, "must be an object.") from error
    if len(members) == 1:
        name, value = next(iter(members.items()))
        if name in _ANSWERS or name == "error":
            text = bytes(value).decode()
            return (cast("str", _any(value)) if text.startswith('"') else text), name == "error"
    return bytes(raw).decode(), False


def _read_media(media: ResponseMedia, param: str) -> ImagePart | FilePart:
    if media.inline_data is not None:
        part = read_blob(media.inline_data, f"{param}.inlineData")
        if isinstance(part, AudioPart):
            raise inexpressible(f"{param}.inlineData", ANY_OTHER, "A result's media are images and documents.")
        return part
    if media.file_data is not None:
        return read_file(media.file_data, f"{param}.fileData")
    raise invalid(param, "needs `inlineData` or `fileData`.")


def response_of(texts: Iterable[TextPart], *, failed: bool) -> dict[str, Any] | msgspec.Raw:
    """What `_returned` reads back to the same text. An object stays one, for the model to read as such."""
    text = "\n".join(part.text for part in texts)
    if failed:
        return {"error": text}
    if text.startswith("{"):
        try:
            members = _object(text)
        except BODY_ERRORS:
            return {"output": text}
        if len(members) != 1 or next(iter(members)) not in (*_ANSWERS, "error"):
            return msgspec.Raw(text.encode())
    return {"output": text}
