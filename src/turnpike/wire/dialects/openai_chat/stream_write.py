"""Canonical events written as a Chat Completions stream."""

import time
from typing import Any

import msgspec

from turnpike.wire.dialect import Head
from turnpike.wire.dialects.openai_chat.error import write_stream_error
from turnpike.wire.dialects.openai_chat.head import ChatHead
from turnpike.wire.dialects.openai_chat.parts import write_detail
from turnpike.wire.dialects.openai_chat.response import WRITE_STOP
from turnpike.wire.dialects.openai_chat.usage import write_usage
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


class ChatWriter:
    def __init__(self, head: Head, model: str) -> None:
        self._usage = isinstance(head, ChatHead) and head.wants_usage()
        self._frame: Json = {"id": "chatcmpl-0", "object": "chat.completion.chunk", "created": 0, "model": model}
        self._parts: dict[int, Part] = {}
        self._calls: dict[int, int] = {}
        """By number of the part: index of the call."""
        self._thoughts: dict[int, int] = {}
        """By number of the part: index of the reasoning detail."""

    def write(self, event: Event) -> bytes:
        match event:
            case Started():
                self._frame["id"] = event.id or "chatcmpl-0"
                self._frame["created"] = event.created_s or int(time.time())
                if event.service_tier is not None:
                    self._frame["service_tier"] = event.service_tier
                return self._delta({"role": "assistant", "content": ""})
            case PartOpened():
                return self._open(event.index, event.part)
            case TextDelta():
                return self._text(event.index, event.text)
            case ArgumentsDelta():
                call: Json = {"index": self._calls[event.index], "function": {"arguments": event.json}}
                return self._delta({"tool_calls": [call]})
            case SignatureDelta():
                detail = write_detail(Reasoning("", event.signature), self._thoughts[event.index])
                return self._delta({"reasoning_details": [detail]})
            case PartClosed():
                return b""
            case CitationAdded() | LogprobsDelta() | AudioDelta():
                return b""
            case Finished():
                return self._finish(event)
            case Failed():
                return write_stream_error(event.to_error(), "")

    def _open(self, index: int, part: Part) -> bytes:
        self._parts[index] = part
        match part:
            case ToolCall():
                number = self._calls[index] = len(self._calls)
                function = {"name": part.name, "arguments": part.arguments}
                return self._delta(
                    {"tool_calls": [{"index": number, "id": part.id, "type": "function", "function": function}]}
                )
            case Reasoning():
                number = self._thoughts[index] = len(self._thoughts)
                if part.redacted is not None:
                    return self._delta({"reasoning_details": [write_detail(part, number)]})
                return self._text(index, part.text) if part.text else b""
            case TextPart() | Refusal():
                return self._text(index, part.text) if part.text else b""
            case _:
                return b""  # a provider's own tools have no place in this form

    def _text(self, index: int, text: str) -> bytes:
        part = self._parts[index]
        if isinstance(part, Reasoning):
            return self._delta({"reasoning_content": text})
        return self._delta({"refusal" if isinstance(part, Refusal) else "content": text})

    def _delta(self, delta: Json, finish_reason: str | None = None) -> bytes:
        choice: Json = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return self._chunk({**self._frame, "choices": [choice]})

    def _chunk(self, chunk: Json) -> bytes:
        return b"data: " + msgspec.json.encode(chunk) + b"\n\n"

    def _finish(self, event: Finished) -> bytes:
        out = self._delta({}, WRITE_STOP[event.stop_reason])
        if self._usage and event.usage is not None:
            out += self._chunk({**self._frame, "choices": [], "usage": write_usage(event.usage)})
        return out + b"data: [DONE]\n\n"
