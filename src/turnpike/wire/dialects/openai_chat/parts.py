"""Content of a message, between OpenAI's form and the canonical parts. Shared by requests and answers."""

import base64
import binascii
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from turnpike.wire.dialects.common.media import data_url, is_data_url, read_data_url
from turnpike.wire.dialects.common.signatures import signed_call
from turnpike.wire.dialects.common.words import foreign, inexpressible, invalid
from turnpike.wire.dialects.openai_chat.shapes import (
    Annotation,
    AudioShape,
    ContentPart,
    FunctionCall,
    MessageShape,
    ReasoningDetail,
)
from turnpike.wire.types.conversation import (
    AudioPart,
    CacheMark,
    Citation,
    FilePart,
    ImagePart,
    Part,
    Reasoning,
    Refusal,
    ServerItem,
    TextPart,
    ToolCall,
)

_string = msgspec.json.Decoder(str).decode
_FORMAT = "OpenAI's Chat Completions form"


def arguments_text(call: FunctionCall) -> str:
    raw = bytes(call.arguments)
    if raw.startswith(b'"'):
        return _string(raw)
    return "" if raw == b"null" else raw.decode()


def write_call(call: ToolCall, call_id: str, *, signed: bool = True) -> dict[str, Any]:
    """`signed`: with the signature of a call that Google asks back, for a caller to keep."""
    function = {"name": call.name, "arguments": call.arguments or "{}"}
    return {
        "id": call_id,
        "type": "function",
        "function": function,
        **(signed_call(call.signature) if signed else {}),
    }


def read_citation(annotation: Annotation) -> Citation | None:
    """None for an annotation of another kind."""
    cited = annotation.url_citation
    if cited is None:
        return None
    return Citation(url=cited.url, title=cited.title or None, start=cited.start_index, end=cited.end_index)


def write_citation(citation: Citation, before: int, length: int) -> dict[str, Any] | None:
    """None for what is no page. `before`: characters of the message before this text; `length`: of the text."""
    if citation.url is None:
        return None
    end = length if citation.end is None else citation.end
    cited = {"url": citation.url, "title": citation.title or ""}
    place = {"start_index": before + (citation.start or 0), "end_index": before + end}
    return {"type": "url_citation", "url_citation": {**cited, **place}}


def read_audio(audio: AudioShape) -> AudioPart:
    """The answer does not say its format: whoever asked for it knows."""
    return AudioPart(
        audio.data or "", "wav", id=audio.id, transcript=audio.transcript or None, expires_at_s=audio.expires_at
    )


def cache_mark(part: ContentPart) -> CacheMark | None:
    if part.cache_control is not None:
        return CacheMark(part.cache_control.ttl)
    if part.prompt_cache_breakpoint is not None:
        return CacheMark(part.prompt_cache_breakpoint.ttl)
    return None


def read_content(content: str | list[ContentPart] | None, param: str) -> Iterator[Part]:
    if isinstance(content, str):
        if content:
            yield TextPart(content)
        return
    for number, part in enumerate(content or ()):
        yield read_part(part, f"{param}[{number}]")


def read_part(part: ContentPart, param: str) -> Part:
    """Raises InvalidRequest for a part without what its type says it holds."""
    match part.type:
        case "text" | "input_text" | "output_text":
            return TextPart(part.text or "", cache_mark(part))
        case "refusal":
            return Refusal(part.refusal or "")
        case "image_url":
            return _read_image(part, param)
        case "input_audio":
            if part.input_audio is None:
                raise invalid(f"{param}.input_audio", "is required.")
            return AudioPart(part.input_audio.data, part.input_audio.format)
        case "file":
            return _read_file(part, param)
        case "thinking":
            thought = part.thinking
            text = thought if isinstance(thought, str) else "".join(piece.text or "" for piece in thought or ())
            return Reasoning(text)
        case _:
            raise invalid(f"{param}.type", f"is {part.type!r}, which no other form has a word for.")


def _read_image(part: ContentPart, param: str) -> ImagePart:
    image = part.image_url
    if image is None:
        raise invalid(f"{param}.image_url", "is required.")
    url, detail = (image, None) if isinstance(image, str) else (image.url, image.detail)
    if not is_data_url(url):
        return ImagePart(url=url, detail=detail, cache=cache_mark(part))
    media_type, data = read_data_url(url, f"{param}.image_url.url")
    return ImagePart(data=data, media_type=media_type, detail=detail, cache=cache_mark(part))


def _read_file(part: ContentPart, param: str) -> FilePart:
    file = part.file
    if file is None or not (file.file_data or file.file_id):
        raise invalid(f"{param}.file", "needs `file_data` or `file_id`.")
    if file.file_data is None:
        return FilePart(file_id=file.file_id, name=file.filename, cache=cache_mark(part))
    if is_data_url(file.file_data):
        media_type, data = read_data_url(file.file_data, f"{param}.file.file_data")
    else:
        media_type, data = "application/pdf", file.file_data
    return FilePart(data=data, media_type=media_type, name=file.filename, cache=cache_mark(part))


def read_reasoning(message: MessageShape) -> list[Reasoning]:
    """`reasoning_details` says most; else `reasoning_content` (DeepSeek, SGLang) or `reasoning` (vLLM, OpenRouter)."""
    if message.reasoning_details:
        return [read_detail(detail) for detail in message.reasoning_details]
    text = message.reasoning_content or message.reasoning
    return [Reasoning(text)] if text else []


def read_detail(detail: ReasoningDetail) -> Reasoning:
    if detail.type == "reasoning.encrypted":
        return Reasoning(redacted=detail.data or "")
    return Reasoning(detail.text or detail.summary or "", detail.signature)


def write_detail(part: Reasoning, index: int) -> dict[str, Any]:
    if part.redacted is not None:
        return {"type": "reasoning.encrypted", "data": part.redacted, "index": index}
    detail: dict[str, Any] = {"type": "reasoning.text", "text": part.text, "index": index}
    if part.signature is not None:
        detail["signature"] = part.signature
    return detail


def write_details(parts: Iterable[Part]) -> list[dict[str, Any]]:
    reasoning = [part for part in parts if isinstance(part, Reasoning)]
    return [write_detail(part, index) for index, part in enumerate(reasoning)]


def write_part(part: Part, param: str) -> dict[str, Any]:
    """Raises Inexpressible for what OpenAI's form has no part for."""
    match part:
        case TextPart():
            return {"type": "text", "text": part.text}
        case ImagePart():
            return {"type": "image_url", "image_url": _image_url(part, param)}
        case AudioPart():
            return {"type": "input_audio", "input_audio": {"data": part.data, "format": part.format}}
        case FilePart():
            return _write_file(part, param)
        case ServerItem():
            raise foreign(part, param, _FORMAT)
        case _:
            raise inexpressible(param, _FORMAT)


def _image_url(part: ImagePart, param: str) -> dict[str, Any]:
    if part.data is not None:
        url = data_url(part.media_type or "image/png", part.data)
    elif part.url is not None:
        url = part.url
    else:
        raise inexpressible(f"{param}.file_id", _FORMAT, "Send the image itself or its URL.")
    return {"url": url} if part.detail is None else {"url": url, "detail": part.detail}


def _write_file(part: FilePart, param: str) -> dict[str, Any]:
    if part.text is not None:
        return {"type": "text", "text": part.text}
    if part.data is not None and part.media_type == "text/plain":
        try:
            return {"type": "text", "text": base64.b64decode(part.data, validate=True).decode()}
        except (binascii.Error, UnicodeDecodeError) as error:
            raise invalid(param, "is a text document that is not base64 of UTF-8.") from error
    file: dict[str, Any] = {}
    if part.name is not None:
        file["filename"] = part.name
    if part.data is not None:
        file["file_data"] = data_url(part.media_type or "application/pdf", part.data)
        file.setdefault("filename", "document.pdf")
    elif part.file_id is not None:
        file["file_id"] = part.file_id
    else:
        raise inexpressible(f"{param}.url", _FORMAT, "Send the document itself.")
    return {"type": "file", "file": file}
