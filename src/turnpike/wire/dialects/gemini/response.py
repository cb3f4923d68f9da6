"""A whole generateContent answer, read and written."""

from collections.abc import Iterable
from typing import Any

import msgspec

from turnpike.errors import InvalidRequest, UpstreamGarbage
from turnpike.wire.dialects.common.reading import decode_answer, made_up_id
from turnpike.wire.dialects.gemini.error import read_error
from turnpike.wire.dialects.gemini.grounding import citations_of, logprobs_of, write_grounding, write_logprobs
from turnpike.wire.dialects.gemini.parts import parts_of, read_part
from turnpike.wire.dialects.gemini.parts_write import write_part
from turnpike.wire.dialects.gemini.shapes import AnswerShape, Candidate, PartShape, Rating
from turnpike.wire.dialects.gemini.signatures import wrap
from turnpike.wire.dialects.gemini.usage import usage_of, write_usage
from turnpike.wire.types.conversation import (
    Part,
    Reasoning,
    Refusal,
    Response,
    SafetyRating,
    StopReason,
    TextPart,
    ToolCall,
)

Json = dict[str, Any]

READ_STOP: dict[str, StopReason] = {
    "STOP": StopReason.END,
    "MAX_TOKENS": StopReason.MAX_TOKENS,
    "SAFETY": StopReason.REFUSAL,
    "RECITATION": StopReason.REFUSAL,
    "LANGUAGE": StopReason.REFUSAL,
    "BLOCKLIST": StopReason.REFUSAL,
    "PROHIBITED_CONTENT": StopReason.REFUSAL,
    "SPII": StopReason.REFUSAL,
    "IMAGE_SAFETY": StopReason.REFUSAL,
    "IMAGE_PROHIBITED_CONTENT": StopReason.REFUSAL,
    "IMAGE_RECITATION": StopReason.REFUSAL,
    "MODEL_ARMOR": StopReason.REFUSAL,
    "ESCALATION": StopReason.REFUSAL,
    "PUP_LIMITED_DISABLED": StopReason.REFUSAL,
    "CONTINUATION": StopReason.PAUSED,
}
"""The others (OTHER, MALFORMED_FUNCTION_CALL, NO_IMAGE ...) are ends that no other form has a word for."""
WRITE_STOP: dict[StopReason, str] = {
    StopReason.END: "STOP",
    StopReason.MAX_TOKENS: "MAX_TOKENS",
    StopReason.STOP_SEQUENCE: "STOP",
    StopReason.TOOL_CALLS: "STOP",
    StopReason.REFUSAL: "SAFETY",
    StopReason.CONTEXT_EXCEEDED: "MAX_TOKENS",
    StopReason.PAUSED: "STOP",
}

_decode = msgspec.json.Decoder(AnswerShape).decode


def read_stop(reason: str | None, *, called: bool) -> StopReason:
    """Gemini says STOP where it calls a function."""
    stop = READ_STOP.get(reason or "STOP", StopReason.END)
    return StopReason.TOOL_CALLS if called and stop is StopReason.END else stop


def read_ratings(ratings: Iterable[Rating] | None) -> tuple[SafetyRating, ...]:
    return tuple(SafetyRating(one.category or "", one.probability or "", bool(one.blocked)) for one in ratings or ())


def read_answer_part(part: PartShape, answer_id: str, calls: int) -> Part:
    """`calls`: how many were made before. Raises UpstreamGarbage."""
    try:
        read = read_part(part, "content")
    except InvalidRequest as error:
        raise UpstreamGarbage(f"The provider's answer holds an unknown kind of part: {error.message}") from error
    if isinstance(read, ToolCall) and not read.id:
        return msgspec.structs.replace(read, id=made_up_id(answer_id, calls))
    return read


def read_response(body: bytes) -> Response:
    """Raises UpstreamGarbage, or UpstreamRefused for an error that came with a good status."""
    answer = decode_answer(_decode, body, "an answer of Gemini's form")
    response = Response(id=answer.response_id or "", model=answer.model_version or "", usage=_usage(answer))
    if answer.candidates:
        _read_candidate(answer.candidates[0], response)
    elif answer.prompt_feedback is not None:
        response.stop_reason = StopReason.REFUSAL  # the prompt was blocked: there is no candidate
        response.safety = read_ratings(answer.prompt_feedback.safety_ratings)
    elif answer.error is not None:
        raise read_error(answer.error.code or 502, body)
    else:
        raise UpstreamGarbage("The provider's answer is not one of Gemini's form: it has no candidates.")
    return response


def _usage(answer: AnswerShape) -> Any:
    return usage_of(answer.usage_metadata, searches_of(answer))


def searches_of(answer: AnswerShape) -> int:
    groundings = [candidate.grounding_metadata for candidate in answer.candidates or ()]
    return sum(len(one.web_search_queries or ()) for one in groundings if one is not None)


def _read_candidate(candidate: Candidate, response: Response) -> None:
    parts: list[Part] = []
    calls = 0
    for shape in parts_of(candidate.content):
        part = read_answer_part(shape, response.id, calls)
        calls += isinstance(part, ToolCall)
        if not isinstance(part, TextPart) or part.text or part.signature:
            parts.append(part)
    _attach(candidate, parts)
    response.parts = tuple(parts)
    response.stop_reason = read_stop(candidate.finish_reason, called=calls > 0)
    response.safety = read_ratings(candidate.safety_ratings)


def _attach(candidate: Candidate, parts: list[Part]) -> None:
    """Citations and logprobs stand beside the content: they belong to its (last) text."""
    place = next((i for i in range(len(parts) - 1, -1, -1) if isinstance(parts[i], TextPart)), None)
    if place is None:
        return
    part = parts[place]
    assert isinstance(part, TextPart)
    parts[place] = msgspec.structs.replace(
        part,
        citations=tuple(citations_of(candidate.grounding_metadata, candidate.citation_metadata, part.text)),
        logprobs=logprobs_of(candidate.logprobs_result),
    )


# ---- writing


def write_response(response: Response, model: str) -> bytes:
    parts: list[Json] = []
    texts: list[tuple[int, TextPart]] = []
    for part in response.parts:
        if isinstance(part, TextPart):
            texts.append((len(parts), part))
        parts += write_answer_part(part)
    candidate: Json = {"content": {"parts": parts, "role": "model"}}
    candidate["finishReason"] = WRITE_STOP[response.stop_reason]
    candidate["index"] = 0
    candidate.update(write_safety(response.safety))
    grounding = write_grounding(texts)
    if grounding:
        candidate["groundingMetadata"] = grounding
    logprobs = [each for _, part in texts for each in part.logprobs]
    if logprobs:
        candidate["logprobsResult"] = write_logprobs(logprobs)
    answer: Json = {"candidates": [candidate]}
    if response.usage is not None:
        answer["usageMetadata"] = write_usage(response.usage)
    return msgspec.json.encode({**answer, "modelVersion": model, "responseId": response.id})


def write_answer_part(part: Part) -> list[Json]:
    """Empty for a text that says nothing."""
    if isinstance(part, Reasoning):
        return [write_thought(part)]
    if isinstance(part, (TextPart, Refusal)) and not part.text and not getattr(part, "signature", None):
        return []
    return [write_part(part, "content")]


def write_thought(part: Reasoning) -> Json:
    """What other providers signed or hid goes in an envelope, so that it comes back to them."""
    written: Json = {"text": part.text, "thought": True}
    if part.redacted is not None:
        written["thoughtSignature"] = wrap("redacted", part.redacted)
    elif part.signature is not None:
        written["thoughtSignature"] = wrap("signature", part.signature)
    return written


def write_safety(ratings: Iterable[SafetyRating]) -> Json:
    written: list[Json] = []
    for one in ratings:
        rating: Json = {"category": one.category, "probability": one.probability}
        written.append({**rating, "blocked": True} if one.blocked else rating)
    return {"safetyRatings": written} if written else {}
