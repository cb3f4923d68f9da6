"""Content of an item, between the Responses form and the canonical parts. Shared by requests and answers."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from turnpike.wire.dialects.common.logprobs import read_logprobs, write_logprobs
from turnpike.wire.dialects.common.media import data_url, is_data_url, read_data_url
from turnpike.wire.dialects.common.words import foreign, inexpressible, invalid
from turnpike.wire.dialects.openai_responses.shapes import AnnotationShape, ContentShape
from turnpike.wire.types.conversation import (
    AudioPart,
    CacheMark,
    Citation,
    FilePart,
    ImagePart,
    Part,
    Refusal,
    ServerItem,
    TextPart,
)

Json = dict[str, Any]

NAME = "openai_responses"
FORMAT = "OpenAI's Responses form"

_annotation = msgspec.json.Decoder(AnnotationShape).decode


# ---- reading


def read_content(content: str | list[ContentShape] | None, param: str) -> Iterator[Part]:
    if isinstance(content, str):
        if content:
            yield TextPart(content)
        return
    for number, part in enumerate(content or ()):
        yield read_part(part, f"{param}[{number}]")


def read_part(part: ContentShape, param: str) -> Part:
    """Raises InvalidRequest for a part without what its type says it holds."""
    match part.type:
        case "input_text" | "output_text" | "text":
            return TextPart(
                part.text or "",
                _cache_mark(part),
                citations=read_annotations(part.annotations or ()),
                logprobs=read_logprobs(part.logprobs),
            )
        case "refusal":
            return Refusal(part.refusal or "")
        case "input_image":
            return _read_image(part, param)
        case "input_file":
            return _read_file(part, param)
        case "input_audio":
            if part.input_audio is None:
                raise invalid(f"{param}.input_audio", "is required.")
            return AudioPart(part.input_audio.data, part.input_audio.format)
        case _:
            raise invalid(f"{param}.type", f"is {part.type!r}, which no other form has a word for.")


def _cache_mark(part: ContentShape) -> CacheMark | None:
    return None if part.prompt_cache_breakpoint is None else CacheMark(part.prompt_cache_breakpoint.ttl)


def _read_image(part: ContentShape, param: str) -> ImagePart:
    detail = None if part.detail == "auto" else part.detail
    mark = _cache_mark(part)
    if part.image_url is None:
        if part.file_id is None:
            raise invalid(param, "needs `image_url` or `file_id`.")
        return ImagePart(file_id=part.file_id, detail=detail, cache=mark)
    if not is_data_url(part.image_url):
        return ImagePart(url=part.image_url, detail=detail, cache=mark)
    media_type, data = read_data_url(part.image_url, f"{param}.image_url")
    return ImagePart(data=data, media_type=media_type, detail=detail, cache=mark)


def _read_file(part: ContentShape, param: str) -> FilePart:
    name, mark = part.filename, _cache_mark(part)
    if part.file_data is not None:
        if is_data_url(part.file_data):
            media_type, data = read_data_url(part.file_data, f"{param}.file_data")
        else:
            media_type, data = "application/pdf", part.file_data
        return FilePart(data=data, media_type=media_type, name=name, cache=mark)
    if part.file_url is not None:
        return FilePart(url=part.file_url, name=name, cache=mark)
    if part.file_id is not None:
        return FilePart(file_id=part.file_id, name=name, cache=mark)
    raise invalid(param, "needs `file_data`, `file_url` or `file_id`.")


def read_annotations(raws: Iterable[msgspec.Raw]) -> tuple[Citation, ...]:
    """Those that say what the text rests on; what is none is left out."""
    return tuple(citation for raw in raws if (citation := read_annotation(raw)) is not None)


def read_annotation(raw: msgspec.Raw) -> Citation | None:
    try:
        shape = _annotation(raw)
    except msgspec.DecodeError:
        return None
    if shape.type == "url_citation":
        return Citation(url=shape.url, title=shape.title or None, start=shape.start_index, end=shape.end_index)
    if shape.file_id is None:
        return None
    return Citation(
        file_id=shape.file_id,
        title=shape.filename,
        start=shape.start_index,
        end=shape.end_index,
        extra=msgspec.Raw(bytes(raw)),
        extra_of=NAME,
    )


# ---- writing


def write_input_part(part: Part, param: str) -> Json:
    """A part of what goes in. Raises Inexpressible for what the form has no part for."""
    match part:
        case TextPart():
            return {"type": "input_text", "text": part.text}
        case ImagePart():
            return _write_image(part)
        case AudioPart():
            return _write_audio(part, param)
        case FilePart():
            return _write_file(part)
        case ServerItem():
            raise foreign(part, param, FORMAT)
        case _:
            raise inexpressible(param, FORMAT)


def _write_audio(part: AudioPart, param: str) -> Json:
    if not part.data:
        raise inexpressible(f"{param}.id", FORMAT, "Audio of an earlier answer cannot be named; send the audio itself.")
    return {"type": "input_audio", "input_audio": {"data": part.data, "format": part.format}}


def _write_image(part: ImagePart) -> Json:
    written: Json = {"type": "input_image", "detail": part.detail or "auto"}
    if part.data is not None:
        written["image_url"] = data_url(part.media_type or "image/png", part.data)
    elif part.url is not None:
        written["image_url"] = part.url
    else:
        written["file_id"] = part.file_id
    return written


def _write_file(part: FilePart) -> Json:
    if part.text is not None:
        return {"type": "input_text", "text": part.text}
    written: Json = {"type": "input_file"}
    if part.name is not None:
        written["filename"] = part.name
    if part.data is not None:
        written.setdefault("filename", "document.pdf")
        written["file_data"] = data_url(part.media_type or "application/pdf", part.data)
    elif part.url is not None:
        written["file_url"] = part.url
    else:
        written["file_id"] = part.file_id
    return written


def write_output_part(part: TextPart | Refusal) -> Json:
    if isinstance(part, Refusal):
        return {"type": "refusal", "refusal": part.text}
    annotations = [written for one in part.citations if (written := write_annotation(one, len(part.text))) is not None]
    return {
        "type": "output_text",
        "text": part.text,
        "annotations": annotations,
        "logprobs": write_logprobs(part.logprobs),
    }


def write_annotation(citation: Citation, length: int) -> Any | None:
    """None for what OpenAI's annotations cannot say. `length`: characters of the text up to here."""
    if citation.extra is not None and citation.extra_of == NAME:
        return citation.extra
    start = citation.start or 0
    if citation.url is not None:
        return {
            "type": "url_citation",
            "url": citation.url,
            "title": citation.title or "",
            "start_index": start,
            "end_index": length if citation.end is None else citation.end,
        }
    if citation.file_id is not None:
        filename = citation.title or ""
        return {"type": "file_citation", "file_id": citation.file_id, "filename": filename, "index": start}
    return None
