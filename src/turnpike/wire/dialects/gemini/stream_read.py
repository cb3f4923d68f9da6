"""A streamGenerateContent stream, of either framing, read into canonical events."""

import msgspec

from turnpike.errors import UpstreamCut, UpstreamGarbage
from turnpike.wire.dialects.common.errors import scrub
from turnpike.wire.dialects.common.reading import decode_answer
from turnpike.wire.dialects.gemini.error import status_of
from turnpike.wire.dialects.gemini.framing import Frames
from turnpike.wire.dialects.gemini.grounding import citations_of, logprobs_of
from turnpike.wire.dialects.gemini.parts import parts_of
from turnpike.wire.dialects.gemini.response import read_answer_part, read_ratings, read_stop, searches_of
from turnpike.wire.dialects.gemini.shapes import AnswerShape, Candidate, ErrorShape, PartShape
from turnpike.wire.dialects.gemini.usage import usage_of
from turnpike.wire.types.conversation import (
    AudioPart,
    Part,
    Reasoning,
    SafetyRating,
    StopReason,
    TextPart,
    ToolCall,
)
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
from turnpike.wire.types.usage import Usage

_decode = msgspec.json.Decoder(AnswerShape).decode


class GeminiReader:
    """The form has no beginnings and ends of parts: a part goes on as long as pieces of its kind come."""

    def __init__(self) -> None:
        self._frames = Frames()
        self._started = False
        self._id = ""
        self._over = False
        self._reason: str | None = None
        self._blocked = False
        self._usage: Usage | None = None
        self._searches = 0
        self._safety: tuple[SafetyRating, ...] = ()
        self._count = 0
        self._open: tuple[int, type[Part]] | None = None
        """Number and kind of the part that is open."""
        self._text = ""
        """Of the open text part: citations name places in it."""
        self._calls = 0

    def feed(self, data: bytes) -> list[Event]:
        events: list[Event] = []
        for frame in self._frames.feed(data):
            if self._over:
                break
            self._chunk(decode_answer(_decode, frame, "an event of Gemini's form"), events)
        return events

    def end(self) -> list[Event]:
        events: list[Event] = []
        if not self._over:
            if self._reason is None and not self._blocked:
                raise UpstreamCut("The provider broke its stream off before the end.")
            self._finish(events)
        return events

    def _chunk(self, chunk: AnswerShape, events: list[Event]) -> None:
        if chunk.error is not None:
            self._fail(chunk.error, events)
            return
        if not self._started:
            self._started = True
            self._id = chunk.response_id or ""
            events.append(Started(id=self._id, model=chunk.model_version or ""))
        self._searches += searches_of(chunk)
        reported = usage_of(chunk.usage_metadata, self._searches)
        self._usage = reported or self._usage
        if chunk.candidates:
            self._candidate(chunk.candidates[0], events)
        elif chunk.prompt_feedback is not None and chunk.prompt_feedback.block_reason:
            self._blocked = True
            self._safety = read_ratings(chunk.prompt_feedback.safety_ratings)
        if reported is not None and (self._reason is not None or self._blocked):
            self._finish(events)

    def _candidate(self, candidate: Candidate, events: list[Event]) -> None:
        for shape in parts_of(candidate.content):
            self._part(shape, events)
        self._beside(candidate, events)
        self._safety = read_ratings(candidate.safety_ratings) or self._safety
        if candidate.finish_reason and candidate.finish_reason != "FINISH_REASON_UNSPECIFIED":
            self._reason = candidate.finish_reason

    def _part(self, shape: PartShape, events: list[Event]) -> None:
        part = read_answer_part(shape, self._id, self._calls)
        match part:
            case TextPart():
                if part.text or part.signature:
                    self._grow(TextPart(""), part.text, part.signature, events)
            case Reasoning(redacted=None):
                self._grow(Reasoning(), part.text, part.signature, events)
            case ToolCall():
                self._calls += 1
                opened = ToolCall(part.id, part.name, "", signature=part.signature)
                number = self._open_part(opened, events)
                events.append(ArgumentsDelta(number, part.arguments))
                self._close(events)
            case AudioPart():
                if self._open is None or self._open[1] is not AudioPart:
                    self._open_part(AudioPart("", part.format), events)
                assert self._open is not None
                events.append(AudioDelta(self._open[0], part.data))
            case _:
                self._open_part(part, events)
                self._close(events)

    def _grow(self, empty: Part, text: str, signature: str | None, events: list[Event]) -> None:
        """A piece of text or thought. A signature ends a thought: what follows is another."""
        if self._open is None or self._open[1] is not type(empty):
            self._open_part(empty, events)
        assert self._open is not None
        number = self._open[0]
        if text:
            self._text += text
            events.append(TextDelta(number, text))
        if signature is not None:
            events.append(SignatureDelta(number, signature))
            if isinstance(empty, Reasoning):
                self._close(events)

    def _beside(self, candidate: Candidate, events: list[Event]) -> None:
        """Citations and logprobs of the text that is open."""
        if self._open is None or self._open[1] is not TextPart:
            return
        number = self._open[0]
        found = citations_of(candidate.grounding_metadata, candidate.citation_metadata, self._text)
        events += (CitationAdded(number, citation) for citation in found)
        logprobs = logprobs_of(candidate.logprobs_result)
        if logprobs:
            events.append(LogprobsDelta(number, logprobs))

    def _open_part(self, part: Part, events: list[Event]) -> int:
        self._close(events)
        number = self._count
        self._count += 1
        self._open = (number, type(part))
        self._text = ""
        events.append(PartOpened(number, part))
        return number

    def _close(self, events: list[Event]) -> None:
        if self._open is not None:
            events.append(PartClosed(self._open[0]))
            self._open = None

    def _finish(self, events: list[Event]) -> None:
        if not self._started:
            raise UpstreamGarbage("The provider's stream ended without an answer.")
        self._over = True
        self._close(events)
        stop = StopReason.REFUSAL if self._blocked else read_stop(self._reason, called=self._calls > 0)
        events.append(Finished(stop_reason=stop, usage=self._usage, safety=self._safety))

    def _fail(self, error: ErrorShape, events: list[Event]) -> None:
        self._over = True
        message = error.message or "The provider's stream failed without a message."
        status = status_of(error.code, error.status)
        events.append(Failed(message=scrub(message), status=status, code=error.status))
