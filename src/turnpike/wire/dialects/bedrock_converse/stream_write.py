"""Canonical events written as a Converse stream."""

from typing import Any

import msgspec

from turnpike.kit.eventstream import encode_message
from turnpike.wire.dialects.bedrock_converse.citations import write_citation
from turnpike.wire.dialects.bedrock_converse.error import write_stream_error
from turnpike.wire.dialects.bedrock_converse.parts import tool_id
from turnpike.wire.dialects.bedrock_converse.response import WRITE_STOP
from turnpike.wire.dialects.bedrock_converse.usage import write_usage
from turnpike.wire.types.conversation import Part, Reasoning, Refusal, TextPart, ToolCall
from turnpike.wire.types.stream import (
    ArgumentsDelta,
    CitationAdded,
    Event,
    Failed,
    Finished,
    PartClosed,
    PartOpened,
    SignatureDelta,
    Started,
    TextDelta,
)

Json = dict[str, Any]


class ConverseWriter:
    def __init__(self) -> None:
        self._parts: dict[int, Part] = {}
        """Those that are open."""

    def write(self, event: Event) -> bytes:
        match event:
            case Started():
                return write_event("messageStart", {"role": "assistant"})
            case PartOpened():
                return self._open(event.index, event.part)
            case TextDelta():
                if isinstance(self._parts.get(event.index), Reasoning):
                    return _delta(event.index, {"reasoningContent": {"text": event.text}})
                return _delta(event.index, {"text": event.text})
            case SignatureDelta():
                return _delta(event.index, {"reasoningContent": {"signature": event.signature}})
            case CitationAdded():
                return _delta(event.index, {"citation": write_citation(event.citation)})
            case ArgumentsDelta():
                return _delta(event.index, {"toolUse": {"input": event.json}})
            case PartClosed():
                self._parts.pop(event.index, None)
                return write_event("contentBlockStop", {"contentBlockIndex": event.index})
            case Finished():
                stop = write_event("messageStop", {"stopReason": WRITE_STOP[event.stop_reason]})
                told = {"usage": write_usage(event.usage), "metrics": {"latencyMs": 0}}
                return stop + write_event("metadata", told)
            case Failed():
                return write_stream_error(event.to_error(), "")
            case _:
                return b""  # what only other forms can say of an answer

    def _open(self, index: int, part: Part) -> bytes:
        self._parts[index] = part
        match part:
            case ToolCall():
                start = {"toolUse": {"toolUseId": tool_id(part.id), "name": part.name}}
                opened = write_event("contentBlockStart", {"start": start, "contentBlockIndex": index})
                return opened + (_delta(index, {"toolUse": {"input": part.arguments}}) if part.arguments else b"")
            case Reasoning(redacted=str() as redacted):
                return _delta(index, {"reasoningContent": {"redactedContent": redacted}})
            case TextPart() | Refusal() if part.text:
                return _delta(index, {"text": part.text})
            case _:
                return b""


def _delta(index: int, delta: Json) -> bytes:
    return write_event("contentBlockDelta", {"delta": delta, "contentBlockIndex": index})


def write_event(kind: str, payload: Json) -> bytes:
    headers = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    return encode_message(headers, msgspec.json.encode(payload))
