"""Canonical events written as a v2 chat stream."""

from typing import Any

import msgspec

from turnpike.kit.sse import encode_sse
from turnpike.wire.dialects.cohere_chat.citations import write_citation, write_logprob
from turnpike.wire.dialects.cohere_chat.error import write_stream_error
from turnpike.wire.dialects.cohere_chat.response import WRITE_STOP
from turnpike.wire.dialects.cohere_chat.usage import write_usage
from turnpike.wire.types.conversation import Part, Reasoning, Refusal, TextPart, ToolCall
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


class CohereWriter:
    """Contents, calls and citations are each counted from 0."""

    def __init__(self) -> None:
        self._id = "0"
        self._parts: dict[int, Part] = {}
        """Those that are open."""
        self._numbers: dict[int, int] = {}
        """By number of the part: its index among contents or calls."""
        self._texts: dict[int, str] = {}
        """What was said so far, for citations of it."""
        self._contents = 0
        self._calls = 0
        self._citations = 0

    def write(self, event: Event) -> bytes:
        match event:
            case Started():
                self._id = event.id or "0"
                message: Json = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
                return _event({"id": self._id, "type": "message-start", "delta": {"message": message}})
            case PartOpened():
                return self._open(event.index, event.part)
            case TextDelta():
                return self._text(event.index, event.text)
            case ArgumentsDelta():
                return self._piece(event.index, "tool-call-delta", {"tool_calls": {"function": _args(event.json)}})
            case CitationAdded():
                return self._cite(event)
            case LogprobsDelta():
                return b"".join(
                    self._content(event.index, {"text": ""}, logprobs=write_logprob(one)) for one in event.logprobs
                )
            case PartClosed():
                return self._close(event.index)
            case SignatureDelta() | AudioDelta():
                return b""
            case Finished():
                return self._finish(event)
            case Failed():
                return write_stream_error(event.to_error(), "")

    def _open(self, index: int, part: Part) -> bytes:
        match part:
            case ToolCall():
                self._numbers[index] = self._calls
                self._calls += 1
                call = {"id": part.id, "type": "function", "function": {"name": part.name, **_args(part.arguments)}}
                opened = self._piece(index, "tool-call-start", {"tool_calls": call})
            case Reasoning(redacted=None) | TextPart() | Refusal():
                self._numbers[index] = self._contents
                self._contents += 1
                kind = "thinking" if isinstance(part, Reasoning) else "text"
                opened = self._piece(index, "content-start", {"content": {"type": kind, kind: ""}})
            case _:
                return b""  # thinking that only its provider can read, and providers' own tools, have no place here
        self._parts[index] = part
        if not isinstance(part, ToolCall) and part.text:
            opened += self._text(index, part.text)
        return opened

    def _text(self, index: int, text: str) -> bytes:
        part = self._parts.get(index)
        if part is None:
            return b""
        self._texts[index] = self._texts.get(index, "") + text
        return self._content(index, {"thinking" if isinstance(part, Reasoning) else "text": text})

    def _content(self, index: int, content: Json, **more: Json) -> bytes:
        return self._piece(index, "content-delta", {"content": content}, **more)

    def _piece(self, index: int, kind: str, message: Json, **more: Json) -> bytes:
        return _event({"type": kind, "index": self._numbers[index], "delta": {"message": message}, **more})

    def _cite(self, event: CitationAdded) -> bytes:
        number = self._citations
        self._citations += 1
        cited = write_citation(event.citation, self._texts.get(event.index, ""), self._numbers[event.index])
        begin = {"type": "citation-start", "index": number, "delta": {"message": {"citations": cited}}}
        return _event(begin) + _event({"type": "citation-end", "index": number})

    def _close(self, index: int) -> bytes:
        part = self._parts.pop(index, None)
        if part is None:
            return b""
        kind = "tool-call-end" if isinstance(part, ToolCall) else "content-end"
        return _event({"type": kind, "index": self._numbers[index]})

    def _finish(self, event: Finished) -> bytes:
        delta: Json = {"finish_reason": WRITE_STOP[event.stop_reason]}
        if event.usage is not None:
            delta["usage"] = write_usage(event.usage)
        return _event({"id": self._id, "type": "message-end", "delta": delta}) + b"data: [DONE]\n\n"


def _args(json: str) -> Json:
    return {"arguments": json}


def _event(body: Json) -> bytes:
    return encode_sse(msgspec.json.encode(body), event=body["type"])
