"""A Chat Completions stream read into canonical events."""

import msgspec

from turnpike.errors import InvalidRequest, UpstreamCut, UpstreamGarbage
from turnpike.kit.sse import SseParser
from turnpike.wire.dialects.common.errors import read_error
from turnpike.wire.dialects.common.reading import decode_answer, feed_sse, made_up_id, seconds
from turnpike.wire.dialects.openai_chat.parts import arguments_text, read_content, read_detail
from turnpike.wire.dialects.openai_chat.response import error_status, read_stop
from turnpike.wire.dialects.openai_chat.shapes import AnswerShape, MessageShape, ToolCallShape
from turnpike.wire.dialects.openai_chat.sources import sources_of
from turnpike.wire.dialects.openai_chat.usage import chunk_usage
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
from turnpike.wire.types.usage import Usage

_decode = msgspec.json.Decoder(AnswerShape).decode


class ChatReader:
    """The form has no beginnings and ends of parts: a part begins where another kind of delta begins."""

    def __init__(self) -> None:
        self._sse = SseParser()
        self._started = False
        self._id = ""
        self._finished = False
        self._failed = False
        self._reason: str | None = None
        self._usage: Usage | None = None
        self._count = 0
        self._open: tuple[int, str] | None = None
        """Number and kind of the part that is open."""
        self._calls: dict[int, tuple[int, str]] = {}
        """By the provider's index: our number of the part and its id."""
        self._called = False
        self._refused = False
        self._cited = False

    def feed(self, data: bytes) -> list[Event]:
        events: list[Event] = []
        for event in feed_sse(self._sse, data):
            if self._finished or self._failed:
                break
            if event.data.strip() == "[DONE]":
                self._finish(events)
            elif event.data:
                self._chunk(event.data.encode(), events)
        return events

    def end(self) -> list[Event]:
        if not self._finished and not self._failed:
            raise UpstreamCut("The provider broke its stream off before the end.")
        return []

    def _chunk(self, data: bytes, events: list[Event]) -> None:
        chunk = decode_answer(_decode, data, "a chunk of a chat completion")
        if chunk.error:
            refused = read_error(error_status(chunk.error), data)
            self._failed = True
            events.append(
                Failed(
                    message=refused.message,
                    status=refused.status,
                    code=refused.upstream_code,
                    kind=refused.upstream_type,
                )
            )
            return
        self._usage = chunk_usage(chunk) or self._usage
        if not chunk.choices:
            return
        if not self._started:
            self._started = True
            self._id = chunk.id or ""
            events.append(
                Started(
                    id=chunk.id or "",
                    model=chunk.model or "",
                    created_s=seconds(chunk.created),
                    service_tier=chunk.service_tier,
                )
            )
        choice = chunk.choices[0]
        if choice.delta is not None:
            self._delta(choice.delta, events)
        self._cite(chunk, events)
        if choice.finish_reason:
            self._reason = choice.finish_reason

    def _cite(self, chunk: AnswerShape, events: list[Event]) -> None:
        """Once, to the first text that is open when they are known: every chunk may repeat them."""
        if self._cited or self._open is None or self._open[1] != "text":
            return
        for source in sources_of(chunk):
            self._cited = True
            events.append(CitationAdded(self._open[0], source))

    def _delta(self, delta: MessageShape, events: list[Event]) -> None:
        if delta.reasoning_details:
            for detail in delta.reasoning_details:
                self._reason_part(read_detail(detail), events)
        elif thought := delta.reasoning_content or delta.reasoning:
            self._text("reasoning", thought, events)
        try:
            for part in read_content(delta.content, "delta.content"):
                if isinstance(part, Reasoning):
                    self._text("reasoning", part.text, events)
                elif isinstance(part, TextPart):
                    self._text("text", part.text, events)
        except InvalidRequest as error:
            raise UpstreamGarbage(f"The provider's stream holds an unknown kind: {error.message}") from error
        if delta.refusal:
            self._refused = True
            self._text("refusal", delta.refusal, events)
        for call in delta.tool_calls or ():
            self._call(call, events)

    def _open_part(self, kind: str, part: Part, events: list[Event]) -> int:
        self._close(events)
        number = self._count
        self._count += 1
        self._open = (number, kind)
        events.append(PartOpened(number, part))
        return number

    def _close(self, events: list[Event]) -> None:
        if self._open is not None:
            events.append(PartClosed(self._open[0]))
            self._open = None

    def _text(self, kind: str, text: str, events: list[Event]) -> None:
        if not text:
            return
        if self._open is None or self._open[1] != kind:
            empty: Part = TextPart("") if kind == "text" else Refusal("") if kind == "refusal" else Reasoning()
            self._open_part(kind, empty, events)
        assert self._open is not None
        events.append(TextDelta(self._open[0], text))

    def _reason_part(self, part: Reasoning, events: list[Event]) -> None:
        """A signature ends its block of reasoning; what follows is another."""
        if part.redacted is not None:
            self._open_part("redacted", part, events)
            self._close(events)
            return
        self._text("reasoning", part.text, events)
        if part.signature is not None:
            if self._open is None or self._open[1] != "reasoning":
                self._open_part("reasoning", Reasoning(), events)
            assert self._open is not None
            events.append(SignatureDelta(self._open[0], part.signature))
            self._close(events)

    def _call(self, call: ToolCallShape, events: list[Event]) -> None:
        """A new index, or another id at a known one (some servers number every call 0), begins a call."""
        function = call.function
        index = call.index if call.index is not None else len(self._calls) - (not call.id and bool(self._calls))
        known = self._calls.get(index)
        if known is None or (call.id and call.id != known[1]):
            name = function.name if function is not None and function.name else ""
            call_id = call.id or made_up_id(self._id, len(self._calls))
            number = self._open_part("call", ToolCall(call_id, name, ""), events)
            self._calls[index] = known = (number, call.id or "")
            self._called = True
        piece = arguments_text(function) if function is not None else ""
        if piece:
            events.append(ArgumentsDelta(known[0], piece))

    def _finish(self, events: list[Event]) -> None:
        if not self._started:
            raise UpstreamGarbage("The provider's stream ended without an answer.")
        self._finished = True
        self._close(events)
        stop = read_stop(self._reason, called=self._called, refused=self._refused)
        events.append(Finished(stop_reason=stop, usage=self._usage))
