"""A Responses stream read into canonical events.

A part opens with its first piece, not with its item: an item may turn out to hold nothing. Items of OpenAI's own tools
are parts once they are whole.
"""

from typing import Any

import msgspec

from turnpike.errors import UpstreamCut, UpstreamGarbage
from turnpike.kit.sse import SseParser
from turnpike.wire.dialects.common.logprobs import LogprobShape, read_logprobs
from turnpike.wire.dialects.common.reading import decode_answer, feed_sse, seconds
from turnpike.wire.dialects.openai_responses.items import answer_item, read_output
from turnpike.wire.dialects.openai_responses.parts import read_annotation
from turnpike.wire.dialects.openai_responses.reasoning import JOINT
from turnpike.wire.dialects.openai_responses.response import failure_of, read_stop, usage_in
from turnpike.wire.dialects.openai_responses.shapes import AnswerShape, EventShape
from turnpike.wire.types.conversation import Part, Reasoning, Refusal, Response, TextPart, ToolCall
from turnpike.wire.types.stream import (
    ArgumentsDelta,
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
    events_of,
)

_decode = msgspec.json.Decoder(EventShape).decode
_logprobs = msgspec.json.Decoder(list[LogprobShape] | None).decode

Place = tuple[int, int]
"""Output index, and content index within it; -1 for the item as a whole."""

_REASONING = {
    "response.reasoning_text.delta": "content",
    "response.reasoning_summary_text.delta": "summary",
}


class ResponsesReader:
    def __init__(self) -> None:
        self._sse = SseParser()
        self._started = False
        self._done = False
        self._count = 0
        self._open: dict[Place, int] = {}
        """Numbers of the parts that are open."""
        self._spoken: set[int] = set()
        """Numbers of the parts of which a piece came."""
        self._thought: dict[int, tuple[str, int]] = {}
        """By output index of a reasoning item: which of its two texts is read, and the last piece's number."""
        self._called = False
        self._refused = False

    def feed(self, data: bytes) -> list[Event]:
        events: list[Event] = []
        for sse in feed_sse(self._sse, data):
            if self._done:
                break
            if sse.data and sse.data.strip() != "[DONE]":
                self._event(decode_answer(_decode, sse.data.encode(), "an event of the Responses form"), events)
        return events

    def end(self) -> list[Event]:
        if not self._done:
            raise UpstreamCut("The provider broke its stream off before the end.")
        return []

    def _event(self, event: EventShape, events: list[Event]) -> None:
        match event.type:
            case "response.created" | "response.in_progress":
                self._start(event.response, events)
            case "response.output_text.delta":
                self._text(event, TextPart(""), events)
            case "response.refusal.delta":
                self._refused = True
                self._text(event, Refusal(""), events)
            case "response.output_text.annotation.added":
                self._annotation(event, events)
            case "response.content_part.done":
                self._close((event.output_index, event.content_index), events)
            case "response.reasoning_text.delta" | "response.reasoning_summary_text.delta":
                self._think(event, events)
            case "response.output_item.added":
                self._item_added(event, events)
            case "response.function_call_arguments.delta":
                self._arguments(event, events)
            case "response.output_item.done":
                self._item_done(event, events)
            case "response.completed" | "response.incomplete":
                self._finish(event.response, events)
            case "response.failed" | "error":
                self._fail(event, events)
            case _:
                pass  # progress of OpenAI's own tools, and types to come

    def _start(self, response: AnswerShape | None, events: list[Event]) -> None:
        if self._started:
            return
        self._started = True
        response = response or AnswerShape()
        events.append(
            Started(
                id=response.id or "",
                model=response.model or "",
                created_s=seconds(response.created_at),
                service_tier=response.service_tier,
            )
        )

    # ---- parts

    def _open_part(self, place: Place, part: Part, events: list[Event]) -> int:
        number = self._open[place] = self._count
        self._count += 1
        events.append(PartOpened(number, part))
        return number

    def _close(self, place: Place, events: list[Event]) -> None:
        number = self._open.pop(place, None)
        if number is not None:
            events.append(PartClosed(number))

    def _text(self, event: EventShape, empty: TextPart | Refusal, events: list[Event]) -> None:
        piece: Any = event.delta
        if not isinstance(piece, str):
            return
        place = (event.output_index, event.content_index)
        number = self._open.get(place)
        if piece:
            if number is None:
                number = self._open_part(place, empty, events)
            events.append(TextDelta(number, piece))
        if number is not None and b"{" in bytes(event.logprobs):
            events.append(LogprobsDelta(number, read_logprobs(decode_answer(_logprobs, event.logprobs, "logprobs"))))

    def _annotation(self, event: EventShape, events: list[Event]) -> None:
        number = self._open.get((event.output_index, event.content_index))
        citation = read_annotation(event.annotation) if bytes(event.annotation) else None
        if number is not None and citation is not None:
            events.append(CitationAdded(number, citation))

    def _think(self, event: EventShape, events: list[Event]) -> None:
        """Of a summary and the reasoning itself, what comes first is read. Pieces are apart by an empty line."""
        kind = _REASONING[event.type]
        piece: Any = event.delta
        at = event.content_index if kind == "content" else event.summary_index
        known = self._thought.get(event.output_index)
        if not isinstance(piece, str) or not piece or (known is not None and known[0] != kind):
            return
        place = (event.output_index, -1)
        number = self._open.get(place)
        if number is None:
            number = self._open_part(place, Reasoning(), events)
        elif known is not None and known[1] != at:
            piece = JOINT + piece
        self._thought[event.output_index] = (kind, at)
        events.append(TextDelta(number, piece))

    # ---- items

    def _item_added(self, event: EventShape, events: list[Event]) -> None:
        if b'"function_call"' not in bytes(event.item):
            return
        for part in answer_item(event.item):
            if isinstance(part, ToolCall):
                self._called = True
                opened = ToolCall(part.id, part.name, "", signature=part.signature)
                self._open_part((event.output_index, -1), opened, events)

    def _arguments(self, event: EventShape, events: list[Event]) -> None:
        number = self._open.get((event.output_index, -1))
        piece: Any = event.delta
        if number is not None and isinstance(piece, str) and piece:
            self._spoken.add(number)
            events.append(ArgumentsDelta(number, piece))

    def _item_done(self, event: EventShape, events: list[Event]) -> None:
        place = (event.output_index, -1)
        parts = answer_item(event.item) if bytes(event.item) else []
        match parts:
            case [ToolCall() as call]:
                self._call_done(place, call, events)
            case [Reasoning() as thought]:
                self._reasoning_done(place, thought, events)
            case [TextPart() | Refusal(), *_]:
                pass  # its pieces came before
            case _:
                for part in parts:
                    self._open_part(place, part, events)
        for open_place in [key for key in self._open if key[0] == event.output_index]:
            self._close(open_place, events)

    def _call_done(self, place: Place, call: ToolCall, events: list[Event]) -> None:
        number = self._open.get(place)
        if number is None:
            self._called = True
            number = self._open_part(place, ToolCall(call.id, call.name, "", signature=call.signature), events)
        if number not in self._spoken and call.arguments:
            events.append(ArgumentsDelta(number, call.arguments))

    def _reasoning_done(self, place: Place, thought: Reasoning, events: list[Event]) -> None:
        number = self._open.get(place)
        if thought.redacted is not None:
            if number is None:
                self._open_part(place, thought, events)
            return
        if number is None:
            number = self._open_part(place, Reasoning(), events)
            if thought.text:
                events.append(TextDelta(number, thought.text))
        if thought.signature is not None:
            events.append(SignatureDelta(number, thought.signature))

    # ---- ends

    def _finish(self, response: AnswerShape | None, events: list[Event]) -> None:
        if response is None:
            raise UpstreamGarbage("The provider's stream ended without an answer.")
        self._start(response, events)
        if not self._count and response.output:
            # A server that streams nothing but its whole answer.
            parts = tuple(read_output(response.output))
            self._called = any(isinstance(part, ToolCall) for part in parts)
            self._refused = any(isinstance(part, Refusal) for part in parts)
            events += events_of(Response(id="", model="", parts=parts))[1:-1]
        for place in list(self._open):
            self._close(place, events)
        self._done = True
        stop = read_stop(response, called=self._called, refused=self._refused)
        events.append(Finished(stop_reason=stop, usage=usage_in(response)))

    def _fail(self, event: EventShape, events: list[Event]) -> None:
        self._done = True
        told: Any = event.error
        if event.response is not None:
            told = event.response.error
        elif not isinstance(told, dict):
            told = {"message": event.message, "code": event.code}
        failure = failure_of(told)
        events.append(
            Failed(
                message=failure.message,
                status=failure.status,
                code=failure.upstream_code,
                kind=failure.upstream_type,
            )
        )
