"""A v2 chat stream read into canonical events."""

from typing import TypeVar, cast

import msgspec

from turnpike.errors import UpstreamCut, UpstreamGarbage, UpstreamRefused
from turnpike.kit.sse import SseParser
from turnpike.wire.dialects.cohere_chat.citations import read_citation, read_logprobs
from turnpike.wire.dialects.cohere_chat.response import FAILED, READ_STOP, failure
from turnpike.wire.dialects.cohere_chat.shapes import (
    CitationShape,
    Delta,
    DeltaContent,
    DeltaMessage,
    EventShape,
    ToolCallShape,
)
from turnpike.wire.dialects.cohere_chat.usage import usage_in
from turnpike.wire.dialects.common.reading import decode_answer, feed_sse, made_up_id
from turnpike.wire.types.conversation import Reasoning, StopReason, TextPart, ToolCall
from turnpike.wire.types.stream import (
    ArgumentsDelta,
    CitationAdded,
    Event,
    Failed,
    Finished,
    LogprobsDelta,
    PartClosed,
    PartOpened,
    Started,
    TextDelta,
)

_decode = msgspec.json.Decoder(EventShape).decode

T = TypeVar("T")
Kind = tuple[str, int]
"""What part is open: `text`, `thinking`, `plan` or `call`, and its index in the form's own counting."""


class CohereReader:
    """A part stays open until another one begins: citations of a text may come behind its `content-end`."""

    def __init__(self) -> None:
        self._sse = SseParser()
        self._id = ""
        self._started = False
        self._done = False
        self._open: Kind | None = None
        self._count = 0
        self._calls = 0

    def feed(self, data: bytes) -> list[Event]:
        events: list[Event] = []
        for sse in feed_sse(self._sse, data):
            if self._done:
                break
            if sse.data and sse.data != "[DONE]":
                event = decode_answer(_decode, sse.data.encode(), "an event of Cohere's form")
                self._event(event.type or sse.event, event, events)
        return events

    def end(self) -> list[Event]:
        if not self._done:
            raise UpstreamCut("The provider broke its stream off before the end.")
        return []

    def _event(self, kind: str, event: EventShape, events: list[Event]) -> None:
        delta = event.delta or Delta()
        message = delta.message or DeltaMessage()
        match kind:
            case "message-start":
                self._id = event.id or ""
                self._started = True
                events.append(Started(id=self._id, model=""))
            case "content-start" | "content-delta":
                self._content(event, _one(message.content), events)
            case "tool-plan-delta" if message.tool_plan:
                self._say("plan", 0, message.tool_plan, events)
            case "tool-call-start" | "tool-call-delta":
                call = _one(message.tool_calls)
                if call is not None:
                    self._call(kind == "tool-call-start", event.index, call, events)
            case "citation-start":
                self._cite(_one(message.citations), events)
            case "message-end":
                self._finish(delta, events)
            case "":
                self._fail(failure("ERROR", event.message), events)
            case _:
                pass  # ends of parts, debug, and types to come

    def _content(self, event: EventShape, content: DeltaContent | None, events: list[Event]) -> None:
        if content is None:
            return
        thinks = content.type == "thinking" or content.thinking is not None
        if content.text or content.thinking or content.type is not None:
            self._say("thinking" if thinks else "text", event.index, content.thinking or content.text or "", events)
        if event.logprobs is not None and not thinks:
            events.append(LogprobsDelta(self._count - 1, read_logprobs([event.logprobs])))

    def _say(self, kind: str, index: int, text: str, events: list[Event]) -> None:
        if self._open != (kind, index):
            self._begin((kind, index), Reasoning() if kind == "thinking" else TextPart(""), events)
        if text:
            events.append(TextDelta(self._count - 1, text))

    def _begin(self, kind: Kind, part: Reasoning | TextPart | ToolCall, events: list[Event]) -> None:
        self._close(events)
        self._open = kind
        events.append(PartOpened(self._count, part))
        self._count += 1

    def _close(self, events: list[Event]) -> None:
        if self._open is not None:
            events.append(PartClosed(self._count - 1))
            self._open = None

    def _call(self, starts: bool, index: int, call: ToolCallShape, events: list[Event]) -> None:
        function = call.function
        if starts or self._open != ("call", index):
            name = function.name if function is not None and function.name else ""
            call_id = call.id or made_up_id(self._id, self._calls)
            self._calls += 1
            self._begin(("call", index), ToolCall(call_id, name, ""), events)
        if function is not None and function.arguments:
            events.append(ArgumentsDelta(self._count - 1, function.arguments))

    def _cite(self, shape: CitationShape | None, events: list[Event]) -> None:
        """Only the text that is open can be cited: of one that is over, its readers have been told so."""
        if shape is not None and self._open is not None and self._open[0] == "text":
            events.extend(CitationAdded(self._count - 1, one) for one in read_citation(shape))

    def _finish(self, delta: Delta, events: list[Event]) -> None:
        reason = delta.finish_reason or "COMPLETE"
        if reason in FAILED or delta.error:
            self._fail(failure(reason, delta.error), events)
            return
        if not self._started:
            raise UpstreamGarbage("The provider's stream ended without an answer.")
        self._done = True
        self._close(events)
        stop = READ_STOP.get(reason, StopReason.END)
        events.append(Finished(stop_reason=stop, usage=usage_in(delta.usage)))

    def _fail(self, error: UpstreamRefused, events: list[Event]) -> None:
        self._done = True
        events.append(Failed(message=error.message, status=error.status, code=error.upstream_code))


def _one(value: T | list[T] | None) -> T | None:
    """The one piece, which some servers write as a list of one."""
    if isinstance(value, list):
        pieces = cast("list[T]", value)
        return pieces[0] if pieces else None
    return value
