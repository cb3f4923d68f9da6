"""A Converse stream read into canonical events."""

import msgspec

from turnpike.errors import UpstreamCut, UpstreamGarbage
from turnpike.kit.eventstream import EventMessage, EventStreamDecoder, EventStreamError
from turnpike.wire.dialects.bedrock_converse.citations import read_citation, read_safety
from turnpike.wire.dialects.bedrock_converse.error import stream_error
from turnpike.wire.dialects.bedrock_converse.response import READ_STOP, made_up_id
from turnpike.wire.dialects.bedrock_converse.shapes import Delta, EventShape, ReasoningDelta
from turnpike.wire.dialects.bedrock_converse.usage import usage_in
from turnpike.wire.dialects.common.reading import decode_answer
from turnpike.wire.types.conversation import Part, Reasoning, SafetyRating, StopReason, TextPart, ToolCall
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

_decode = msgspec.json.Decoder(EventShape).decode


def feed_messages(decoder: EventStreamDecoder, data: bytes) -> list[EventMessage]:
    """Raises UpstreamGarbage for what is no event stream."""
    try:
        return decoder.feed(data)
    except EventStreamError as error:
        raise UpstreamGarbage(f"The provider's stream is not one of Amazon's events: {error}.") from error


class ConverseReader:
    def __init__(self) -> None:
        self._decoder = EventStreamDecoder()
        self._started = False
        self._done = False
        self._stop: StopReason | None = None
        self._usage: Usage | None = None
        self._safety: tuple[SafetyRating, ...] = ()
        self._numbers: dict[int, int] = {}
        """By Converse's index: our number of the part that is open. Text has no start of its own there."""
        self._count = 0
        self._silent_calls: set[int] = set()
        """Calls whose arguments have not begun."""

    def feed(self, data: bytes) -> list[Event]:
        events: list[Event] = []
        for message in feed_messages(self._decoder, data):
            if self._done:
                break
            error = stream_error(message)
            if error is not None:
                self._done = True
                events.append(Failed(message=error.message, status=error.status, kind=error.upstream_type))
            else:
                event = decode_answer(_decode, message.payload, "an event of Converse's form")
                self._event(message.headers.get(":event-type", ""), event, events)
        return events

    def end(self) -> list[Event]:
        events: list[Event] = []
        if not self._done and self._stop is not None:
            self._finish(events)  # it broke off between the answer and its counts
        if not self._done:
            raise UpstreamCut("The provider broke its stream off before the end.")
        return events

    def _event(self, kind: str, event: EventShape, events: list[Event]) -> None:
        match kind:
            case "messageStart":
                self._started = True
                events.append(Started(id=made_up_id(), model=""))
            case "contentBlockStart" if event.start is not None and event.start.tool_use is not None:
                call = event.start.tool_use
                number = self._open(event.content_block_index, ToolCall(call.tool_use_id, call.name, ""), events)
                self._silent_calls.add(number)
            case "contentBlockDelta" if event.delta is not None:
                self._delta(event.content_block_index, event.delta, events)
            case "contentBlockStop":
                self._close(event.content_block_index, events)
            case "messageStop":
                if not self._started:
                    raise UpstreamGarbage("The provider's stream ended without an answer.")
                for index in list(self._numbers):
                    self._close(index, events)
                self._stop = READ_STOP.get(event.stop_reason or "end_turn", StopReason.END)
            case "metadata":
                self._usage = usage_in(event.usage) or self._usage
                self._safety = read_safety(event.trace)
                if self._stop is not None:
                    self._finish(events)
            case _:
                pass  # types to come

    def _open(self, index: int, part: Part, events: list[Event]) -> int:
        number = self._numbers[index] = self._count
        self._count += 1
        events.append(PartOpened(number, part))
        return number

    def _delta(self, index: int, delta: Delta, events: list[Event]) -> None:
        number = self._numbers.get(index)
        if delta.text is not None:
            if number is None:
                number = self._open(index, TextPart(""), events)
            if delta.text:
                events.append(TextDelta(number, delta.text))
        elif delta.reasoning_content is not None:
            self._reasoning(index, delta.reasoning_content, events)
        elif delta.citation is not None:
            if number is None:
                number = self._open(index, TextPart(""), events)
            events.append(CitationAdded(number, read_citation(delta.citation)))
        elif delta.tool_use is not None and number is not None and delta.tool_use.input:
            self._silent_calls.discard(number)
            events.append(ArgumentsDelta(number, delta.tool_use.input))

    def _reasoning(self, index: int, delta: ReasoningDelta, events: list[Event]) -> None:
        number = self._numbers.get(index)
        if delta.redacted_content is not None:
            if number is None:
                self._open(index, Reasoning(redacted=delta.redacted_content), events)
            return
        if number is None:
            number = self._open(index, Reasoning(), events)
        if delta.text:
            events.append(TextDelta(number, delta.text))
        if delta.signature:
            events.append(SignatureDelta(number, delta.signature))

    def _close(self, index: int, events: list[Event]) -> None:
        number = self._numbers.pop(index, None)
        if number is None:
            return
        if number in self._silent_calls:
            events.append(ArgumentsDelta(number, "{}"))
        events.append(PartClosed(number))

    def _finish(self, events: list[Event]) -> None:
        self._done = True
        events.append(Finished(stop_reason=self._stop or StopReason.END, usage=self._usage, safety=self._safety))
