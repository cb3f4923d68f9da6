"""Canonical events written as a streamGenerateContent stream, of either framing."""

from typing import Any

import msgspec

from turnpike.kit.sse import encode_sse
from turnpike.wire.dialects.gemini.error import error_object
from turnpike.wire.dialects.gemini.framing import ArrayWriter
from turnpike.wire.dialects.gemini.grounding import write_grounding, write_logprobs
from turnpike.wire.dialects.gemini.parts_write import write_call
from turnpike.wire.dialects.gemini.response import WRITE_STOP, write_answer_part, write_safety, write_thought
from turnpike.wire.dialects.gemini.signatures import wrap
from turnpike.wire.dialects.gemini.usage import write_usage
from turnpike.wire.types.conversation import AudioPart, Citation, Part, Reasoning, Refusal, TextPart, ToolCall
from turnpike.wire.types.stream import (
    ArgumentsDelta,
    AudioDelta,
    CitationAdded,
    Event,
    Failed,
    Finished,
    LogprobsDelta,
    PartClosed,
    PartOpened,
    SignatureDelta,
    Started,
    TextDelta,
)

Json = dict[str, Any]


class GeminiWriter:
    """A call is written when it is whole: the form has no pieces of arguments."""

    def __init__(self, model: str, *, array: bool = False) -> None:
        self._array = ArrayWriter() if array else None
        self._frame: Json = {"modelVersion": model, "responseId": ""}
        self._parts: dict[int, Part] = {}
        """Those that are open, texts and calls as far as they have come."""

    def write(self, event: Event) -> bytes:
        match event:
            case Started():
                self._frame["responseId"] = event.id
                return b""
            case PartOpened():
                return self._open(event.index, event.part)
            case TextDelta():
                return self._text(event.index, event.text)
            case SignatureDelta():
                return self._sign(event.index, event.signature)
            case ArgumentsDelta():
                self._grow(event.index, "arguments", event.json)
                return b""
            case AudioDelta():
                return self._audio(event)
            case LogprobsDelta():
                return self._candidate([], logprobsResult=write_logprobs(event.logprobs))
            case CitationAdded():
                self._cite(event.index, event.citation)
                return b""
            case PartClosed():
                return self._close(event.index)
            case Finished():
                return self._finish(event)
            case Failed():
                error = self._emit(error_object(event.to_error(), ""))
                return error + (self._array.end() if self._array is not None else b"")

    def _open(self, index: int, part: Part) -> bytes:
        self._parts[index] = part
        match part:
            case ToolCall() | AudioPart(data=""):
                return b""
            case Reasoning(redacted=None):
                return self._candidate([write_thought(part)]) if part.text or part.signature else b""
            case _:
                written = write_answer_part(part)
                return self._candidate(written) if written else b""

    def _text(self, index: int, text: str) -> bytes:
        part = self._parts[index]
        if isinstance(part, Reasoning):
            return self._candidate([{"text": text, "thought": True}])
        if not isinstance(part, Refusal):
            self._grow(index, "text", text)
        return self._candidate([{"text": text}])

    def _sign(self, index: int, signature: str) -> bytes:
        part = self._parts[index]
        if isinstance(part, ToolCall):
            self._parts[index] = msgspec.structs.replace(part, signature=signature)
            return b""
        if isinstance(part, Reasoning):
            return self._candidate([{"text": "", "thought": True, "thoughtSignature": wrap("signature", signature)}])
        return self._candidate([{"text": "", "thoughtSignature": signature}])

    def _audio(self, event: AudioDelta) -> bytes:
        part = self._parts[event.index]
        if not isinstance(part, AudioPart) or not event.data:
            return b""
        return self._candidate(write_answer_part(AudioPart(event.data, part.format)))

    def _cite(self, index: int, citation: Citation) -> None:
        part = self._parts.get(index)
        if isinstance(part, TextPart):
            self._parts[index] = msgspec.structs.replace(part, citations=(*part.citations, citation))

    def _grow(self, index: int, field: str, piece: str) -> None:
        part = self._parts[index]
        grown: dict[str, Any] = {field: getattr(part, field) + piece}
        self._parts[index] = msgspec.structs.replace(part, **grown)

    def _close(self, index: int) -> bytes:
        part = self._parts.pop(index, None)
        if isinstance(part, ToolCall):
            return self._candidate([write_call(part, "content")])
        if isinstance(part, TextPart) and part.citations:
            return self._candidate([], groundingMetadata=write_grounding([(index, part)]))
        return b""

    def _finish(self, event: Finished) -> bytes:
        more: Json = {"finishReason": WRITE_STOP[event.stop_reason], **write_safety(event.safety)}
        chunk: Json = self._chunk([], more)
        if event.usage is not None:
            chunk["usageMetadata"] = write_usage(event.usage)
        return self._emit(chunk) + (self._array.end() if self._array is not None else b"")

    def _candidate(self, parts: list[Json], **more: Any) -> bytes:
        return self._emit(self._chunk(parts, more))

    def _chunk(self, parts: list[Json], more: Json) -> Json:
        content = {"parts": parts or [{"text": ""}], "role": "model"}
        return {"candidates": [{"content": content, **more, "index": 0}], **self._frame}

    def _emit(self, chunk: Json) -> bytes:
        body = msgspec.json.encode(chunk)
        return encode_sse(body) if self._array is None else self._array.write(body)
