"""A Messages stream read into canonical events."""

import msgspec

from turnpike.errors import UpstreamCut, UpstreamGarbage
from turnpike.kit.sse import SseParser
from turnpike.wire.dialects.anthropic_messages.citations import read_citation
from turnpike.wire.dialects.anthropic_messages.error import STATUS
from turnpike.wire.dialects.anthropic_messages.parts import read_block
from turnpike.wire.dialects.anthropic_messages.response import READ_STOP, READABLE
from turnpike.wire.dialects.anthropic_messages.shapes import Block, Delta, EventShape
from turnpike.wire.dialects.anthropic_messages.usage import MessagesUsage, reported_in, to_usage
from turnpike.wire.dialects.common.errors import scrub
from turnpike.wire.dialects.common.reading import decode_answer, feed_sse
from turnpike.wire.types.conversation import Reasoning, StopReason, TextPart, ToolCall
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

_decode = msgspec.json.Decoder(EventShape).decode


class MessagesReader:
    def __init__(self) -> None:
        self._sse = SseParser()
        self._usage = MessagesUsage()
        self._started = False
        self._done = False
        self._stop: str | None = None
        self._stop_sequence: str | None = None
        self._numbers: dict[int, int] = {}
        """By Anthropic's index: our number of the part. Blocks that have no canonical word are not in it."""
        self._count = 0
        self._silent_calls: set[int] = set()
        """Calls whose arguments have not begun."""

    def feed(self, data: bytes) -> list[Event]:
        events: list[Event] = []
        for sse in feed_sse(self._sse, data):
            if self._done:
                break
            if sse.event != "ping" and sse.data:
                self._event(decode_answer(_decode, sse.data.encode(), "an event of Anthropic's form"), events)
        return events

    def end(self) -> list[Event]:
        if not self._done:
            raise UpstreamCut("The provider broke its stream off before the end.")
        return []

    def _event(self, event: EventShape, events: list[Event]) -> None:
        match event.type:
            case "message_start":
                self._start(event, events)
            case "content_block_start" if event.content_block is not None:
                self._open(event.index, event.content_block, events)
            case "content_block_delta" if event.delta is not None:
                self._delta(event.index, event.delta, events)
            case "content_block_stop":
                self._close(event.index, events)
            case "message_delta":
                self._usage = self._usage.updated(reported_in(event.usage) or MessagesUsage())
                if event.delta is not None:
                    self._stop = event.delta.stop_reason or self._stop
                    self._stop_sequence = event.delta.stop_sequence or self._stop_sequence
            case "message_stop":
                self._finish(events)
            case "error":
                self._fail(event, events)
            case _:
                pass  # ping, and types to come

    def _start(self, event: EventShape, events: list[Event]) -> None:
        message = event.message
        if message is None:
            raise UpstreamGarbage("The provider's stream begins without a message.")
        self._started = True
        self._usage = reported_in(message.usage) or self._usage
        events.append(Started(id=message.id or "", model=message.model or "", usage=to_usage(self._usage)))

    def _open(self, index: int, block: Block, events: list[Event]) -> None:
        if block.type not in READABLE:
            return
        number = self._numbers[index] = self._count
        self._count += 1
        part = read_block(block, "content_block")
        match part:
            case ToolCall():
                events.append(PartOpened(number, ToolCall(part.id, part.name, "", signature=part.signature)))
                if part.arguments != "{}":
                    events.append(ArgumentsDelta(number, part.arguments))
                else:
                    self._silent_calls.add(number)
            case TextPart():
                events.append(PartOpened(number, TextPart("")))
                if part.text:
                    events.append(TextDelta(number, part.text))
            case Reasoning(redacted=None):
                events.append(PartOpened(number, Reasoning()))
                if part.text:
                    events.append(TextDelta(number, part.text))
            case _:
                events.append(PartOpened(number, part))

    def _delta(self, index: int, delta: Delta, events: list[Event]) -> None:
        number = self._numbers.get(index)
        if number is None:
            return
        if delta.text:
            events.append(TextDelta(number, delta.text))
        elif delta.thinking:
            events.append(TextDelta(number, delta.thinking))
        elif delta.signature:
            events.append(SignatureDelta(number, delta.signature))
        elif bytes(delta.citation):
            citation = read_citation(delta.citation)
            if citation is not None:
                events.append(CitationAdded(number, citation))
        elif delta.partial_json:
            self._silent_calls.discard(number)
            events.append(ArgumentsDelta(number, delta.partial_json))

    def _close(self, index: int, events: list[Event]) -> None:
        number = self._numbers.get(index)
        if number is None:
            return
        if number in self._silent_calls:
            events.append(ArgumentsDelta(number, "{}"))
        events.append(PartClosed(number))

    def _finish(self, events: list[Event]) -> None:
        if not self._started:
            raise UpstreamGarbage("The provider's stream ended without an answer.")
        self._done = True
        events.append(
            Finished(
                stop_reason=READ_STOP.get(self._stop or "end_turn", StopReason.END),
                stop_sequence=self._stop_sequence,
                usage=to_usage(self._usage),
            )
        )

    def _fail(self, event: EventShape, events: list[Event]) -> None:
        self._done = True
        error = event.error
        kind = None if error is None else error.type
        message = (None if error is None else error.message) or "The provider's stream failed without a message."
        events.append(Failed(message=scrub(message), status=STATUS.get(kind or "", 502), kind=kind))
