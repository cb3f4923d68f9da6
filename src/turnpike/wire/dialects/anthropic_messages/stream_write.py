"""Canonical events written as a Messages stream."""

from typing import Any

import msgspec

from turnpike.kit.sse import encode_sse
from turnpike.wire.dialects.anthropic_messages.error import write_stream_error
from turnpike.wire.dialects.anthropic_messages.parts import write_block
from turnpike.wire.dialects.anthropic_messages.response import WRITE_STOP
from turnpike.wire.dialects.anthropic_messages.usage import write_usage
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


class MessagesWriter:
    def __init__(self, model: str) -> None:
        self._model = model
        self._parts: dict[int, Part] = {}
        """Those that are open."""

    def write(self, event: Event) -> bytes:
        match event:
            case Started():
                return self._start(event)
            case PartOpened():
                return self._open(event.index, event.part)
            case TextDelta():
                if isinstance(self._parts.get(event.index), Reasoning):
                    return self._delta(event.index, {"type": "thinking_delta", "thinking": event.text})
                return self._delta(event.index, {"type": "text_delta", "text": event.text})
            case SignatureDelta():
                return self._delta(event.index, {"type": "signature_delta", "signature": event.signature})
            case ArgumentsDelta():
                return self._delta(event.index, {"type": "input_json_delta", "partial_json": event.json})
            case PartClosed():
                self._parts.pop(event.index, None)
                return _event({"type": "content_block_stop", "index": event.index})
            case CitationAdded() | LogprobsDelta() | AudioDelta():
                return b""
            case Finished():
                return self._finish(event)
            case Failed():
                return write_stream_error(event.to_error(), "")

    def _start(self, event: Started) -> bytes:
        message: Json = {
            "id": event.id or "msg_0",
            "type": "message",
            "role": "assistant",
            "model": self._model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": write_usage(event.usage),
        }
        return _event({"type": "message_start", "message": message})

    def _open(self, index: int, part: Part) -> bytes:
        self._parts[index] = part
        block: Json
        late = b""
        match part:
            case ToolCall():
                block = {**write_block(ToolCall(part.id, part.name, "{}"), "content"), "input": {}}
                if part.arguments:
                    late = self._delta(index, {"type": "input_json_delta", "partial_json": part.arguments})
            case TextPart() | Refusal():
                block = {"type": "text", "text": part.text}
            case _:
                block = write_block(part, "content")
        return _event({"type": "content_block_start", "index": index, "content_block": block}) + late

    def _delta(self, index: int, delta: Json) -> bytes:
        return _event({"type": "content_block_delta", "index": index, "delta": delta})

    def _finish(self, event: Finished) -> bytes:
        delta = {"stop_reason": WRITE_STOP[event.stop_reason], "stop_sequence": event.stop_sequence}
        usage = write_usage(event.usage)
        if event.usage is None or not event.usage.cache_write_1h_tokens:
            usage.pop("cache_creation")  # this event has no such field in the reference: only where it says more
        end = _event({"type": "message_delta", "delta": delta, "usage": usage})
        return end + _event({"type": "message_stop"})


def _event(body: Json) -> bytes:
    return encode_sse(msgspec.json.encode(body), event=body["type"])
