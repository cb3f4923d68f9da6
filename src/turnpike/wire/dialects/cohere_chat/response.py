"""A whole v2 chat answer, read and written."""

from typing import Any

import msgspec

from turnpike.errors import InvalidRequest, UpstreamGarbage, UpstreamRefused
from turnpike.wire.dialects.cohere_chat.citations import (
    read_citation,
    read_logprobs,
    write_citations,
    write_logprob,
)
from turnpike.wire.dialects.cohere_chat.parts import read_content, write_call
from turnpike.wire.dialects.cohere_chat.shapes import AnswerShape, MessageShape
from turnpike.wire.dialects.cohere_chat.usage import usage_in, write_usage
from turnpike.wire.dialects.common.errors import scrub
from turnpike.wire.dialects.common.reading import decode_answer, made_up_id
from turnpike.wire.types.conversation import Part, Reasoning, Refusal, Response, StopReason, TextPart, ToolCall

Json = dict[str, Any]

_decode = msgspec.json.Decoder(AnswerShape).decode

READ_STOP: dict[str, StopReason] = {
    "COMPLETE": StopReason.END,
    "STOP_SEQUENCE": StopReason.STOP_SEQUENCE,
    "MAX_TOKENS": StopReason.MAX_TOKENS,
    "TOOL_CALL": StopReason.TOOL_CALLS,
}
WRITE_STOP: dict[StopReason, str] = {
    StopReason.END: "COMPLETE",
    StopReason.MAX_TOKENS: "MAX_TOKENS",
    StopReason.STOP_SEQUENCE: "STOP_SEQUENCE",
    StopReason.TOOL_CALLS: "TOOL_CALL",
    StopReason.REFUSAL: "COMPLETE",
    StopReason.CONTEXT_EXCEEDED: "MAX_TOKENS",
    StopReason.PAUSED: "COMPLETE",
}
FAILED: dict[str, int] = {"ERROR": 502, "TIMEOUT": 504}
"""Reasons to stop that are failures, and the status that says so."""


def read_response(body: bytes) -> Response:
    """Raises UpstreamGarbage, or UpstreamRefused for a failure that came with a good status."""
    answer = decode_answer(_decode, body, "a chat answer of Cohere's form")
    reason = answer.finish_reason or "COMPLETE"
    if reason in FAILED:
        raise failure(reason, None)
    if answer.message is None:
        raise UpstreamGarbage("The provider's answer is not one of Cohere's form: it has no message.")
    try:
        parts = _read_parts(answer.message, answer)
    except InvalidRequest as error:
        raise UpstreamGarbage(f"The provider's answer holds content of an unknown kind: {error.message}") from error
    return Response(
        id=answer.id or "",
        model="",
        parts=tuple(parts),
        stop_reason=READ_STOP.get(reason, StopReason.END),
        usage=usage_in(answer.usage),
    )


def failure(reason: str, message: str | None) -> UpstreamRefused:
    said = scrub(message) if message else f"The provider ended its answer with {reason}."
    return UpstreamRefused(said, status=FAILED.get(reason, 502), upstream_code=reason)


def _read_parts(message: MessageShape, answer: AnswerShape) -> list[Part]:
    parts = read_content(message.content, "content")
    for shape in message.citations or ():
        index = shape.content_index or 0
        part = parts[index] if index < len(parts) else None
        if isinstance(part, TextPart):
            cited = (*part.citations, *read_citation(shape))
            parts[index] = msgspec.structs.replace(part, citations=cited)
    if answer.logprobs:
        for index, part in enumerate(parts):
            if isinstance(part, TextPart):
                parts[index] = msgspec.structs.replace(part, logprobs=read_logprobs(answer.logprobs))
                break
    if message.tool_plan:
        parts.append(TextPart(message.tool_plan))
    for number, call in enumerate(message.tool_calls or ()):
        if call.function is not None and call.function.name:
            call_id = call.id or made_up_id(answer.id or "", number)
            parts.append(ToolCall(call_id, call.function.name, call.function.arguments or ""))
    return parts


def write_response(response: Response, model: str) -> bytes:
    """`model` is not said: the form has no place for it."""
    answer: Json = {
        "id": response.id or "0",
        "finish_reason": WRITE_STOP[response.stop_reason],
        "message": _write_message(response.parts),
    }
    if response.usage is not None:
        answer["usage"] = write_usage(response.usage)
    logprobs = [one for part in response.parts if isinstance(part, TextPart) for one in part.logprobs]
    if logprobs:
        answer["logprobs"] = [write_logprob(one) for one in logprobs]
    return msgspec.json.encode(answer)


def _write_message(parts: tuple[Part, ...]) -> Json:
    """What is said beside calls is their plan, unless it cites something: plans are text alone."""
    message: Json = {"role": "assistant"}
    calls = [write_call(part) for part in parts if isinstance(part, ToolCall)]
    content: list[Json] = []
    citations: list[Json] = []
    plan = ""
    for part in parts:
        match part:
            case Reasoning() if part.text:
                content.append({"type": "thinking", "thinking": part.text})
            case TextPart(text=text) if text and calls and not part.citations:
                plan += text
            case TextPart(text=text) if text:
                citations += write_citations(part.citations, text, len(content))
                content.append({"type": "text", "text": text})
            case Refusal(text=text) if text:
                content.append({"type": "text", "text": text})
            case _:
                pass
    if calls:
        message["tool_calls"] = calls
    if plan:
        message["tool_plan"] = plan
    if content or not calls:
        message["content"] = content
    if citations:
        message["citations"] = citations
    return message
