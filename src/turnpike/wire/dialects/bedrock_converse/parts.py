"""Content blocks, between Converse's form and the canonical parts. Shared by requests and answers."""

import re
from collections.abc import Iterable
from hashlib import sha256
from typing import Any

import msgspec

from turnpike.wire.dialects.bedrock_converse.citations import read_cited, write_citation
from turnpike.wire.dialects.bedrock_converse.shapes import Block, CachePoint, Media, ResultItem, ToolResultShape
from turnpike.wire.dialects.common.body import BODY_ERRORS
from turnpike.wire.dialects.common.words import inexpressible, invalid
from turnpike.wire.types.conversation import (
    AudioPart,
    CacheMark,
    FilePart,
    ImagePart,
    Part,
    Reasoning,
    Refusal,
    TextPart,
    ToolCall,
    ToolResult,
)

Json = dict[str, Any]
Results = TextPart | ImagePart | FilePart

FORMAT = "Bedrock's Converse form"
IMAGES = {"image/png": "png", "image/jpeg": "jpeg", "image/jpg": "jpeg", "image/gif": "gif", "image/webp": "webp"}
DOCUMENTS = {
    "application/pdf": "pdf",
    "text/csv": "csv",
    "application/msword": "doc",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "text/html": "html",
    "text/plain": "txt",
    "text/markdown": "md",
}
_IMAGE_TYPES = {word: kind for kind, word in IMAGES.items() if kind != "image/jpg"}
_DOCUMENT_TYPES = {word: kind for kind, word in DOCUMENTS.items()}
_TOOL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9\s()\[\]-]+")
_BLANKS = re.compile(r"\s+")
_EXTENSION = re.compile(r"\.[A-Za-z0-9]{1,5}$")
_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


# ---- reading


def read_blocks(blocks: Iterable[Block], param: str) -> list[Part]:
    """Raises InvalidRequest for a block without what it must hold, Inexpressible for Amazon's own. A cache point marks
    the part before it."""
    parts: list[Part] = []
    for number, block in enumerate(blocks):
        if block.cache_point is not None:
            if parts:
                parts[-1] = _marked(parts[-1], block.cache_point)
            continue
        parts.append(_read_block(block, f"{param}[{number}]"))
    return parts


def _marked(part: Part, point: CachePoint) -> Part:
    if isinstance(part, TextPart | ImagePart | FilePart | ToolCall | ToolResult):
        return msgspec.structs.replace(part, cache=CacheMark(point.ttl))
    return part


def _read_block(block: Block, param: str) -> Part:
    if block.text is not None:
        return TextPart(block.text)
    if block.tool_use is not None:
        call = block.tool_use
        return ToolCall(call.tool_use_id, call.name, bytes(call.input).decode())
    if block.tool_result is not None:
        return _read_result(block.tool_result, f"{param}.toolResult")
    if block.image is not None:
        return read_image(block.image, f"{param}.image")
    if block.document is not None:
        return read_document(block.document, f"{param}.document")
    if block.audio is not None:
        if block.audio.source.bytes is None:
            raise inexpressible(f"{param}.audio.source", "any form but Bedrock's")
        return AudioPart(block.audio.source.bytes, block.audio.format or "wav")
    if block.reasoning_content is not None:
        thought = block.reasoning_content
        if thought.redacted_content is not None:
            return Reasoning(redacted=thought.redacted_content)
        said = thought.reasoning_text
        return Reasoning("" if said is None else said.text, None if said is None else said.signature)
    if block.citations_content is not None:
        return read_cited(block.citations_content)
    raise inexpressible(param, "any form but Bedrock's", "It is a content block of Bedrock's own.")


def read_image(media: Media, param: str) -> ImagePart:
    if media.source.bytes is not None:
        kind = _IMAGE_TYPES.get(media.format or "")
        if kind is None:
            raise invalid(f"{param}.format", "must be png, jpeg, gif or webp.")
        return ImagePart(data=media.source.bytes, media_type=kind)
    if media.source.s3_location is not None:
        return ImagePart(url=media.source.s3_location.uri)
    raise invalid(f"{param}.source", "needs `bytes` or `s3Location`.")


def read_document(media: Media, param: str) -> FilePart:
    source = media.source
    if source.bytes is not None:
        kind = _DOCUMENT_TYPES.get(media.format or "")
        if kind is None:
            raise invalid(f"{param}.format", f"must be one of {', '.join(_DOCUMENT_TYPES)}.")
        return FilePart(data=source.bytes, media_type=kind, name=media.name)
    if source.s3_location is not None:
        return FilePart(url=source.s3_location.uri, name=media.name)
    if source.text is not None:
        return FilePart(text=source.text, name=media.name)
    if source.content is not None:
        return FilePart(text="\n".join(piece.text for piece in source.content), name=media.name)
    raise invalid(f"{param}.source", "needs `bytes`, `text`, `content` or `s3Location`.")


def _read_result(shape: ToolResultShape, param: str) -> ToolResult:
    parts: list[Results] = [
        _read_item(item, f"{param}.content[{number}]") for number, item in enumerate(shape.content or ())
    ]
    return ToolResult(shape.tool_use_id, tuple(parts), shape.status == "error")


def _read_item(item: ResultItem, param: str) -> Results:
    if item.text is not None:
        return TextPart(item.text)
    if bytes(item.json):
        return TextPart(bytes(item.json).decode())
    if item.image is not None:
        return read_image(item.image, f"{param}.image")
    if item.document is not None:
        return read_document(item.document, f"{param}.document")
    raise inexpressible(param, "any form but Bedrock's", "It is a content block of Bedrock's own.")


# ---- writing


def tool_id(call_id: str) -> str:
    """Converse takes up to 64 letters, digits, `_` and `-`: another id is replaced by one made of it."""
    if _TOOL_ID.fullmatch(call_id):
        return call_id
    return "tooluse_" + sha256(call_id.encode()).hexdigest()[:24]


class BlockWriter:
    """Writes the blocks of one request. Documents have names there, each its own."""

    def __init__(self) -> None:
        self._names: set[str] = set()

    def write(self, parts: Iterable[Part], param: str) -> list[Json]:
        """Without empty texts, which Converse refuses, and with cache points behind what is marked. Raises
        Inexpressible for what the form has no block for."""
        blocks: list[Json] = []
        for number, part in enumerate(parts):
            if isinstance(part, TextPart | Refusal) and not part.text.strip():
                continue
            blocks.append(self._block(part, f"{param}[{number}]"))
            mark = getattr(part, "cache", None)
            if isinstance(mark, CacheMark):
                blocks.append(cache_point(mark))
        return blocks

    def _block(self, part: Part, param: str) -> Json:
        match part:
            case TextPart() if part.citations:
                cited = [write_citation(each) for each in part.citations]
                return {"citationsContent": {"content": [{"text": part.text}], "citations": cited}}
            case TextPart() | Refusal():
                return {"text": part.text}
            case ImagePart():
                return {"image": _image(part, param)}
            case FilePart():
                return {"document": self._document(part, param)}
            case AudioPart():
                return {"audio": {"format": part.format, "source": {"bytes": part.data}}}
            case ToolCall():
                return {"toolUse": {"toolUseId": tool_id(part.id), "name": part.name, "input": _input(part, param)}}
            case ToolResult():
                return {"toolResult": self._result(part, param)}
            case Reasoning():
                return {"reasoningContent": write_reasoning(part)}
            case _:
                raise inexpressible(param, FORMAT)

    def _result(self, result: ToolResult, param: str) -> Json:
        content = self.write((msgspec.structs.replace(part, cache=None) for part in result.parts), f"{param}.content")
        written: Json = {"toolUseId": tool_id(result.call_id), "content": content}
        if result.is_error:
            written["status"] = "error"
        return written

    def _document(self, part: FilePart, param: str) -> Json:
        if part.text is not None:
            return {"format": "txt", "name": self._name(part.name), "source": {"text": part.text}}
        if part.data is not None:
            word = DOCUMENTS.get(part.media_type or "")
            if word is None:
                raise inexpressible(param, FORMAT, f"It takes {', '.join(_DOCUMENT_TYPES)}, not {part.media_type}.")
            return {"format": word, "name": self._name(part.name), "source": {"bytes": part.data}}
        if part.url is not None and part.url.startswith("s3://"):
            word = part.url.rpartition(".")[2].lower()
            if word in _DOCUMENT_TYPES:
                return {"format": word, "name": self._name(part.name), "source": {"s3Location": {"uri": part.url}}}
        raise inexpressible(param, FORMAT, "A document must be sent itself, or lie at an s3:// address.")

    def _name(self, wanted: str | None) -> str:
        plain = _EXTENSION.sub("", wanted or "")
        plain = _BLANKS.sub(" ", _NOT_IN_NAMES.sub("-", plain)).strip(" -")[:180] or "document"
        name, number = plain, 1
        while name in self._names:
            number += 1
            name = f"{plain} ({number})"
        self._names.add(name)
        return name


def cache_point(mark: CacheMark) -> Json:
    """Five minutes or an hour are what Bedrock keeps: longer wishes get the hour."""
    point: Json = {"type": "default"}
    if mark.ttl is not None:
        point["ttl"] = "5m" if mark.ttl == "5m" else "1h"
    return {"cachePoint": point}


def write_reasoning(part: Reasoning) -> Json:
    if part.redacted is not None:
        return {"redactedContent": part.redacted}
    text: Json = {"text": part.text}
    if part.signature is not None:
        text["signature"] = part.signature
    return {"reasoningText": text}


def _input(call: ToolCall, param: str) -> msgspec.Raw:
    """The arguments as they are, once it is sure that they are an object."""
    text = call.arguments.strip() or "{}"
    try:
        _object(text)
    except BODY_ERRORS as error:
        raise invalid(f"{param}.arguments", "must be JSON of an object, as Converse's form has it.") from error
    return msgspec.Raw(text.encode())


def _image(part: ImagePart, param: str) -> Json:
    if part.data is not None:
        word = IMAGES.get(part.media_type or "")
        if word is None:
            raise inexpressible(param, FORMAT, f"It takes PNG, JPEG, GIF and WebP images, not {part.media_type}.")
        return {"format": word, "source": {"bytes": part.data}}
    if part.url is not None and part.url.startswith("s3://"):
        word = {"jpg": "jpeg"}.get(suffix := part.url.rpartition(".")[2].lower(), suffix)
        if word in _IMAGE_TYPES:
            return {"format": word, "source": {"s3Location": {"uri": part.url}}}
    raise inexpressible(param, FORMAT, "An image must be sent itself, as base64 data, or lie at an s3:// address.")
