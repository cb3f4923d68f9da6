"""Content blocks, documents and tool calls, between Cohere's form and the canonical parts."""

import base64
import binascii
from typing import Any

import msgspec

from turnpike.wire.dialects.cohere_chat.shapes import Block, Document, MessageShape, ToolCallShape
from turnpike.wire.dialects.common.media import data_url, is_data_url, read_data_url
from turnpike.wire.dialects.common.words import inexpressible, invalid
from turnpike.wire.types.conversation import FilePart, ImagePart, Part, Reasoning, TextPart, ToolCall, ToolResult

Json = dict[str, Any]

FORMAT = "Cohere's chat form"

_TITLES = ("title", "name")
_TEXTS = ("text", "snippet", "content")


# ---- reading


def read_content(content: str | list[Block] | None, param: str) -> list[Part]:
    if content is None:
        return []
    if isinstance(content, str):
        return [TextPart(content)] if content else []
    return [_read_block(block, f"{param}[{number}]") for number, block in enumerate(content)]


def _read_block(block: Block, param: str) -> Part:
    match block.type:
        case "text":
            return TextPart(block.text or "")
        case "thinking":
            return Reasoning(block.thinking or "")
        case "image_url":
            return _read_image(block, param)
        case "document" if block.document is not None:
            return read_document(block.document)
        case _:
            raise invalid(f"{param}.type", f"is {block.type!r}, which no other form has a word for.")


def _read_image(block: Block, param: str) -> ImagePart:
    image = block.image_url
    if image is None:
        raise invalid(f"{param}.image_url", "is required.")
    url, detail = (image, None) if isinstance(image, str) else (image.url, image.detail)
    if not is_data_url(url):
        return ImagePart(url=url, detail=detail)
    media_type, data = read_data_url(url, f"{param}.image_url.url")
    return ImagePart(data=data, media_type=media_type, detail=detail)


def read_document(document: str | Document) -> FilePart:
    """A document is any object: one of a title and a text becomes just that, another its JSON."""
    if isinstance(document, str):
        return FilePart(text=document)
    data = document.data
    if isinstance(data, str):
        return FilePart(text=data, name=document.id)
    title = next((name for name in _TITLES if isinstance(data.get(name), str)), None)
    text = next((name for name in _TEXTS if isinstance(data.get(name), str)), None)
    named = data[title] if title is not None else document.id
    if text is not None and set(data) <= {text, title}:
        return FilePart(text=data[text], name=named)
    return FilePart(text=msgspec.json.encode(data).decode(), name=named)


def read_call(call: ToolCallShape, param: str) -> ToolCall:
    if call.function is None or not call.function.name:
        raise invalid(f"{param}.function.name", "is required.")
    return ToolCall(call.id or "", call.function.name, call.function.arguments or "")


def read_result(shape: MessageShape, param: str) -> ToolResult:
    if not shape.tool_call_id:
        raise invalid(f"{param}.tool_call_id", "is required.")
    parts: list[TextPart | ImagePart | FilePart] = []
    for number, part in enumerate(read_content(shape.content, f"{param}.content")):
        match part:
            case FilePart(text=str(text)):
                parts.append(TextPart(text))  # a result is text; that it may be cited is Cohere's own
            case TextPart() | ImagePart():
                parts.append(part)
            case _:
                raise invalid(f"{param}.content[{number}].type", "must be text or document.")
    return ToolResult(shape.tool_call_id, tuple(parts))


# ---- writing


def write_block(part: Part, param: str) -> Json:
    """Of a user's message. Raises Inexpressible for what the form has no block for."""
    match part:
        case TextPart():
            return {"type": "text", "text": part.text}
        case ImagePart():
            return {"type": "image_url", "image_url": _image_url(part, param)}
        case _:
            raise inexpressible(param, FORMAT)


def _image_url(part: ImagePart, param: str) -> Json:
    if part.data is not None:
        url = data_url(part.media_type or "image/png", part.data)
    elif part.url is not None:
        url = part.url
    else:
        raise inexpressible(f"{param}.file_id", FORMAT, "Send the image itself or its URL.")
    return {"url": url} if part.detail is None else {"url": url, "detail": part.detail}


def write_document(part: FilePart, param: str) -> Json:
    """Documents are text: a plain text file is one, too."""
    text = part.text
    if text is None and part.data is not None and part.media_type == "text/plain":
        try:
            text = base64.b64decode(part.data, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise invalid(param, "is a text document that is not base64 of UTF-8.") from error
    if text is None:
        raise inexpressible(param, FORMAT, "It takes documents as text only.")
    data: Json = {"text": text} if part.name is None else {"title": part.name, "text": text}
    return {"data": data}


def write_call(call: ToolCall) -> Json:
    return {
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": call.arguments or "{}"},
    }
