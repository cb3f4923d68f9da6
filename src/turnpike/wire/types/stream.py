"""Canonical stream events: an answer as it grows.

Order: `Started`, then for each part `PartOpened`, its deltas and `PartClosed`, then `Finished`. Parts are numbered
from 0 in the order in which they open. `Failed` may come at any time and is the last.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from turnpike.errors import UpstreamRefused
from turnpike.wire.types.conversation import (
    AudioPart,
    Citation,
    Part,
    Reasoning,
    Refusal,
    Response,
    SafetyRating,
    StopReason,
    TextPart,
    TokenLogprob,
    ToolCall,
)
from turnpike.wire.types.usage import Usage


class Started(msgspec.Struct, frozen=True, tag="started", kw_only=True):
    id: str
    model: str
    """As the provider calls it."""
    created_s: int = 0
    usage: Usage | None = None
    """What is known so early: input tokens, from a provider that says."""
    service_tier: str | None = None


class PartOpened(msgspec.Struct, frozen=True, tag="part_opened"):
    """`part` holds what is known: a call's id and name, redacted reasoning whole, otherwise empty text."""

    index: int
    part: Part


class TextDelta(msgspec.Struct, frozen=True, tag="text_delta"):
    """Of a text, a refusal or a reasoning part: which one, its `PartOpened` said."""

    index: int
    text: str


class SignatureDelta(msgspec.Struct, frozen=True, tag="signature_delta"):
    index: int
    signature: str


class CitationAdded(msgspec.Struct, frozen=True, tag="citation_added"):
    index: int
    citation: Citation


class LogprobsDelta(msgspec.Struct, frozen=True, tag="logprobs_delta"):
    index: int
    logprobs: tuple[TokenLogprob, ...]


class AudioDelta(msgspec.Struct, frozen=True, tag="audio_delta"):
    """A piece of an audio part: base64 of whole bytes, of the transcript, or both."""

    index: int
    data: str = ""
    transcript: str = ""


class ArgumentsDelta(msgspec.Struct, frozen=True, tag="arguments_delta"):
    """A piece of a call's arguments: not JSON by itself."""

    index: int
    json: str


class PartClosed(msgspec.Struct, frozen=True, tag="part_closed"):
    index: int


class Finished(msgspec.Struct, frozen=True, tag="finished", kw_only=True):
    stop_reason: StopReason
    stop_sequence: str | None = None
    usage: Usage | None = None
    safety: tuple[SafetyRating, ...] = ()


class Failed(msgspec.Struct, frozen=True, tag="failed", kw_only=True):
    """The provider said so in its stream."""

    message: str
    status: int = 502
    code: str | None = None
    kind: str | None = None
    """The provider's own `type` of the error."""

    def to_error(self) -> UpstreamRefused:
        return UpstreamRefused(self.message, status=self.status, upstream_code=self.code, upstream_type=self.kind)


Event = (
    Started
    | PartOpened
    | TextDelta
    | SignatureDelta
    | ArgumentsDelta
    | CitationAdded
    | LogprobsDelta
    | AudioDelta
    | PartClosed
    | Finished
    | Failed
)


def events_of(response: Response) -> list[Event]:
    """A whole answer as the shortest stream that says the same."""
    events: list[Event] = [
        Started(
            id=response.id,
            model=response.model,
            created_s=response.created_s,
            service_tier=response.service_tier,
        )
    ]
    for index, part in enumerate(response.parts):
        match part:
            case ToolCall():
                opened = ToolCall(part.id, part.name, "", signature=part.signature)
                events += (PartOpened(index, opened), ArgumentsDelta(index, part.arguments))
            case Reasoning(redacted=None):
                events += (PartOpened(index, Reasoning()), TextDelta(index, part.text))
                if part.signature is not None:
                    events.append(SignatureDelta(index, part.signature))
            case TextPart():
                events += (PartOpened(index, TextPart("")), TextDelta(index, part.text))
                events += (CitationAdded(index, citation) for citation in part.citations)
                if part.logprobs:
                    events.append(LogprobsDelta(index, part.logprobs))
                if part.signature is not None:
                    events.append(SignatureDelta(index, part.signature))
            case AudioPart():
                opened = msgspec.structs.replace(part, data="", transcript=None)
                events += (PartOpened(index, opened), AudioDelta(index, part.data, part.transcript or ""))
            case Refusal():
                events += (PartOpened(index, Refusal("")), TextDelta(index, part.text))
            case _:
                events.append(PartOpened(index, part))
        events.append(PartClosed(index))
    events.append(
        Finished(
            stop_reason=response.stop_reason,
            stop_sequence=response.stop_sequence,
            usage=response.usage,
            safety=response.safety,
        )
    )
    return events


def collect(events: Iterable[Event]) -> Response:
    """A stream as one whole answer. Raises UpstreamRefused for a stream that failed."""
    response = Response(id="", model="")
    parts: dict[int, Part] = {}
    for event in events:
        match event:
            case Started():
                response.id, response.model, response.created_s = event.id, event.model, event.created_s
                response.service_tier, response.usage = event.service_tier, event.usage
            case PartOpened():
                parts[event.index] = event.part
            case TextDelta():
                parts[event.index] = _appended(parts[event.index], "text", event.text)
            case ArgumentsDelta():
                parts[event.index] = _appended(parts[event.index], "arguments", event.json)
            case SignatureDelta():
                parts[event.index] = _appended(parts[event.index], "signature", event.signature)
            case CitationAdded() | LogprobsDelta() | AudioDelta():
                parts[event.index] = _extended(parts[event.index], event)
            case Finished():
                response.stop_reason, response.stop_sequence = event.stop_reason, event.stop_sequence
                response.usage, response.safety = event.usage or response.usage, event.safety
            case Failed():
                raise event.to_error()
            case PartClosed():
                pass
    response.parts = tuple(parts[index] for index in sorted(parts))
    return response


def _appended(part: Part, field: str, piece: str) -> Part:
    changed: dict[str, Any] = {field: (getattr(part, field) or "") + piece}
    return msgspec.structs.replace(part, **changed)


def _extended(part: Part, event: CitationAdded | LogprobsDelta | AudioDelta) -> Part:
    match part, event:
        case TextPart(), CitationAdded():
            return msgspec.structs.replace(part, citations=(*part.citations, event.citation))
        case TextPart(), LogprobsDelta():
            return msgspec.structs.replace(part, logprobs=part.logprobs + event.logprobs)
        case AudioPart(), AudioDelta():
            transcript = (part.transcript or "") + event.transcript or None
            return msgspec.structs.replace(part, data=part.data + event.data, transcript=transcript)
        case _:
            raise TypeError(f"{type(event).__name__} does not belong to a {type(part).__name__}")
