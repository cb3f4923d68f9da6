"""Content blocks, between Anthropic's form and the canonical parts. Shared by requests and answers."""

import re
from collections.abc import Iterable
from hashlib import sha256
from typing import Any

import msgspec

from turnpike.wire.dialects.anthropic_messages.citations import NAME, own_citations, read_citations
from turnpike.wire.dialects.anthropic_messages.shapes import Block, CacheControl, Source
from turnpike.wire.dialects.common.body import BODY_ERRORS, shaped
from turnpike.wire.dialects.common.signatures import call_signature
from turnpike.wire.dialects.common.words import foreign, inexpressible, invalid
from turnpike.wire.types.conversation import (
    AudioPart,
    CacheMark,
    FilePart,
    ImagePart,
    Part,
    Reasoning,
    Refusal,
    ServerItem,
    TextPart,
    ToolCall,
    ToolResult,
)

Json = dict[str, Any]

FORMAT = "Anthropic's Messages form"
IMAGE_TYPES = frozenset(("image/jpeg", "image/png", "image/gif", "image/webp"))

_CANONICAL = frozenset(("text", "image", "document", "tool_use", "tool_result", "thinking", "redacted_thinking"))
_block = msgspec.json.Decoder(Block).decode
_content = msgspec.json.Decoder(str | list[Block] | None).decode
_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_TOOL_ID = re.compile(r"[A-Za-z0-9_-]+")


def read_mark(mark: CacheControl | None) -> CacheMark | None:
    return None if mark is None else CacheMark(mark.ttl)


def read_block(block: Block, param: str) -> Part:
    """Raises InvalidRequest for a block without what its type says it holds, Inexpressible for Anthropic's own."""
    match block.type:
        case "text":
            text = block.text or ""
            return TextPart(text, read_mark(block.cache_control), citations=read_citations(block.citations))
        case "image":
            return _read_image(block, param)
        case "document":
            return _read_document(block, param)
        case "tool_use":
            if not block.id or not block.name:
                raise invalid(param, "needs `id` and `name`.")
            signature = call_signature(block.extra_content)
            arguments = bytes(block.input).decode()
            return ToolCall(block.id, block.name, arguments, read_mark(block.cache_control), signature)
        case "tool_result":
            return _read_result(block, param)
        case "thinking":
            return Reasoning(block.thinking or "", block.signature or None)
        case "redacted_thinking":
            return Reasoning(redacted=block.data or "")
        case _:
            raise inexpressible(f"{param}.type", "any form but Anthropic's", f"{block.type!r} is Anthropic's own.")


def read_blocks(content: str | list[Block], param: str) -> list[Part]:
    if isinstance(content, str):
        return [TextPart(content)] if content else []
    return [read_block(block, f"{param}[{number}]") for number, block in enumerate(content)]


def read_message(content: str | list[msgspec.Raw], param: str) -> list[Part]:
    """Content of a message of the request. What only Anthropic has a word for is kept as it is."""
    if isinstance(content, str):
        return [TextPart(content)] if content else []
    parts: list[Part] = []
    for number, raw in enumerate(content):
        block = shaped(_block, raw, f"{param}[{number}]")
        if block.type in _CANONICAL:
            parts.append(read_block(block, f"{param}[{number}]"))
        else:
            parts.append(ServerItem(NAME, block.type, msgspec.Raw(bytes(raw))))
    return parts


def _source(block: Block, param: str) -> Source:
    if not isinstance(block.source, Source):
        raise invalid(f"{param}.source", "is required.")
    return block.source


def _read_image(block: Block, param: str) -> ImagePart:
    source = _source(block, param)
    mark = read_mark(block.cache_control)
    match source.type:
        case "base64" if source.data is not None:
            return ImagePart(data=source.data, media_type=source.media_type, cache=mark)
        case "url" if source.url is not None:
            return ImagePart(url=source.url, cache=mark)
        case "file" if source.file_id is not None:
            return ImagePart(file_id=source.file_id, cache=mark)
        case _:
            raise invalid(f"{param}.source", "must be of type base64, url or file, with what that needs.")


def _read_document(block: Block, param: str) -> FilePart:
    source = _source(block, param)
    mark = read_mark(block.cache_control)
    match source.type:
        case "base64" if source.data is not None:
            return FilePart(data=source.data, media_type=source.media_type, name=block.title, cache=mark)
        case "url" if source.url is not None:
            return FilePart(url=source.url, name=block.title, cache=mark)
        case "text" if source.data is not None:
            return FilePart(text=source.data, name=block.title, cache=mark)
        case "file" if source.file_id is not None:
            return FilePart(file_id=source.file_id, name=block.title, cache=mark)
        case _:
            raise inexpressible(f"{param}.source.type", "any form but Anthropic's")


def _read_result(block: Block, param: str) -> ToolResult:
    if not block.tool_use_id:
        raise invalid(f"{param}.tool_use_id", "is required.")
    try:
        content = _content(block.content)
    except BODY_ERRORS as error:
        raise invalid(f"{param}.content", "must be a string or a list of content blocks.") from error
    parts: list[TextPart | ImagePart | FilePart] = []
    for number, part in enumerate(read_blocks(content or "", f"{param}.content")):
        if not isinstance(part, (TextPart, ImagePart, FilePart)):
            raise invalid(f"{param}.content[{number}].type", "must be text, image or document.")
        parts.append(part)
    return ToolResult(block.tool_use_id, tuple(parts), bool(block.is_error), read_mark(block.cache_control))


# ---- writing


def mark_of(mark: CacheMark | None) -> Json:
    """Five minutes or an hour are what Anthropic keeps: longer wishes get the hour."""
    if mark is None:
        return {}
    if mark.ttl is None or mark.ttl == "5m":
        control: Json = {"type": "ephemeral"}
        if mark.ttl:
            control["ttl"] = mark.ttl
        return {"cache_control": control}
    return {"cache_control": {"type": "ephemeral", "ttl": "1h"}}


def tool_id(call_id: str) -> str:
    """Anthropic takes letters, digits, `_` and `-`: another id is replaced by one made of it."""
    if _TOOL_ID.fullmatch(call_id):
        return call_id
    return "toolu_" + sha256(call_id.encode()).hexdigest()[:24]


def write_block(part: Part, param: str) -> Json:
    """Raises Inexpressible for what Anthropic's form has no block for."""
    match part:
        case TextPart():
            cited = own_citations(part.citations)
            return {"type": "text", "text": part.text, **({"citations": cited} if cited else {}), **mark_of(part.cache)}
        case ImagePart():
            return {"type": "image", "source": _image_source(part, param), **mark_of(part.cache)}
        case FilePart():
            return _write_document(part, param)
        case ToolCall():
            written = {"type": "tool_use", "id": tool_id(part.id), "name": part.name}
            return {**written, "input": _input(part, param), **mark_of(part.cache)}
        case ToolResult():
            return _write_result(part, param)
        case Reasoning():
            if part.redacted is not None:
                return {"type": "redacted_thinking", "data": part.redacted}
            return {"type": "thinking", "thinking": part.text, "signature": part.signature or ""}
        case Refusal():
            return {"type": "text", "text": part.text}
        case AudioPart(transcript=str() as transcript) if not part.data:
            return {"type": "text", "text": transcript}
        case _:
            raise inexpressible(param, FORMAT)


def write_block_of(part: Part, param: str) -> Any:
    """A block of the request: also what only Anthropic has a word for."""
    if isinstance(part, ServerItem):
        if part.dialect != NAME:
            raise foreign(part, param, FORMAT)
        return part.raw
    return write_block(part, param)


def write_blocks(parts: Iterable[Part], param: str) -> list[Any]:
    """Without empty texts, which Anthropic refuses."""
    return [
        write_block_of(part, f"{param}[{number}]")
        for number, part in enumerate(parts)
        if not (isinstance(part, (TextPart, Refusal)) and not part.text)
    ]


def _input(call: ToolCall, param: str) -> msgspec.Raw:
    """The arguments as they are, once it is sure that they are an object."""
    text = call.arguments.strip() or "{}"
    try:
        _object(text)
    except BODY_ERRORS as error:
        raise invalid(f"{param}.arguments", "must be JSON of an object, as Anthropic's form has it.") from error
    return msgspec.Raw(text.encode())


def _image_source(part: ImagePart, param: str) -> Json:
    if part.data is not None:
        media_type = "image/jpeg" if part.media_type == "image/jpg" else part.media_type
        if media_type not in IMAGE_TYPES:
            raise inexpressible(param, FORMAT, f"It takes JPEG, PNG, GIF and WebP images, not {part.media_type}.")
        return {"type": "base64", "media_type": media_type, "data": part.data}
    if part.url is not None:
        return {"type": "url", "url": part.url}
    return _file_source(part.file_id, param)


def _file_source(file_id: str | None, param: str) -> Json:
    if file_id is None or file_id.startswith("file-"):  # OpenAI's ids; Anthropic's begin with `file_`
        raise inexpressible(
            f"{param}.file_id", FORMAT, "A file kept at another provider cannot be read; send it itself."
        )
    return {"type": "file", "file_id": file_id}


def _write_document(part: FilePart, param: str) -> Json:
    if part.text is not None:
        source: Json = {"type": "text", "media_type": "text/plain", "data": part.text}
    elif part.data is not None:
        if part.media_type != "application/pdf":
            raise inexpressible(param, FORMAT, f"It takes PDF documents and plain text, not {part.media_type}.")
        source = {"type": "base64", "media_type": part.media_type, "data": part.data}
    elif part.url is not None:
        source = {"type": "url", "url": part.url}
    else:
        source = _file_source(part.file_id, param)
    title: Json = {} if part.name is None else {"title": part.name}
    return {"type": "document", "source": source, **title, **mark_of(part.cache)}


def _write_result(result: ToolResult, param: str) -> Json:
    parts = result.parts
    content: str | list[Any]
    if not parts:
        content = ""
    elif len(parts) == 1 and isinstance(parts[0], TextPart) and parts[0].cache is None:
        content = parts[0].text
    else:
        content = write_blocks(parts, f"{param}.content")
    written: Json = {"type": "tool_result", "tool_use_id": tool_id(result.call_id), "content": content}
    if result.is_error:
        written["is_error"] = True
    return {**written, **mark_of(result.cache)}
