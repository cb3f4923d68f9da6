"""A whole Chat Completions answer, read and written."""

import time
from typing import Any

import msgspec

from turnpike.errors import InvalidRequest, UpstreamGarbage
from turnpike.wire.dialects.common.errors import read_error
from turnpike.wire.dialects.common.reading import decode_answer, made_up_id, seconds
from turnpike.wire.dialects.openai_chat.parts import arguments_text, read_content, read_reasoning, write_details
from turnpike.wire.dialects.openai_chat.shapes import AnswerShape, MessageShape
from turnpike.wire.dialects.openai_chat.sources import sources_of, with_sources
from turnpike.wire.dialects.openai_chat.usage import usage_of, write_usage
from turnpike.wire.types.conversation import (
    Part,
    Reasoning,
    Refusal,
    Response,
    StopReason,
    TextPart,
    ToolCall,
)

Json = dict[str, Any]

_decode = msgspec.json.Decoder(AnswerShape).decode

READ_STOP: dict[str, StopReason] = {
    "stop": StopReason.END,
    "eos": StopReason.END,
    "length": StopReason.MAX_TOKENS,
    "model_length": StopReason.CONTEXT_EXCEEDED,
    "tool_calls": StopReason.TOOL_CALLS,
    "function_call": StopReason.TOOL_CALLS,
    "content_filter": StopReason.REFUSAL,
}
WRITE_STOP: dict[StopReason, str] = {
    StopReason.END: "stop",
    StopReason.MAX_TOKENS: "length",
    StopReason.STOP_SEQUENCE: "stop",
    StopReason.TOOL_CALLS: "tool_calls",
    StopReason.REFUSAL: "content_filter",
    StopReason.CONTEXT_EXCEEDED: "length",
    StopReason.PAUSED: "stop",
}


def read_stop(reason: str | None, *, called: bool, refused: bool) -> StopReason:
    """A call of a tool is the reason to stop even where the server says `stop` (OpenAI does for a forced tool)."""
    stop = READ_STOP.get(reason or "stop", StopReason.END)
    if stop is StopReason.END:
        if called:
            return StopReason.TOOL_CALLS
        if refused:
            return StopReason.REFUSAL
    return stop


def read_response(body: bytes) -> Response:
    """Raises UpstreamGarbage, or UpstreamRefused for an error that came with a good status."""
    answer = decode_answer(_decode, body, "a chat completion")
    if not answer.choices:
        if answer.error:
            raise read_error(error_status(answer.error), body)
        raise UpstreamGarbage("The provider's answer is not a chat completion: it has no choices.")
    choice = answer.choices[0]
    if choice.message is None:
        raise UpstreamGarbage("The provider's answer is not a chat completion: its choice has no message.")
    parts = with_sources(_read_parts(choice.message, answer.id or ""), sources_of(answer))
    called = any(isinstance(part, ToolCall) for part in parts)
    refused = any(isinstance(part, Refusal) for part in parts)
    return Response(
        id=answer.id or "",
        model=answer.model or "",
        parts=tuple(parts),
        stop_reason=read_stop(choice.finish_reason, called=called, refused=refused),
        usage=usage_of(answer.usage),
        created_s=seconds(answer.created),
        service_tier=answer.service_tier,
    )


def error_status(error: object) -> int:
    """OpenRouter writes the HTTP status as the error's code."""
    code = error.get("code") if isinstance(error, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return code if isinstance(code, int) and 400 <= code <= 599 else 502


def _read_parts(message: MessageShape, answer_id: str) -> list[Part]:
    parts: list[Part] = []
    parts += read_reasoning(message)
    try:
        parts += read_content(message.content, "content")
    except InvalidRequest as error:
        raise UpstreamGarbage(f"The provider's answer holds content of an unknown kind: {error.message}") from error
    if message.refusal:
        parts.append(Refusal(message.refusal))
    for number, call in enumerate(message.tool_calls or ()):
        if call.function is not None and call.function.name:
            call_id = call.id or made_up_id(answer_id, number)
            parts.append(ToolCall(call_id, call.function.name, arguments_text(call.function)))
    return parts


def write_response(response: Response, model: str) -> bytes:
    answer: Json = {
        "id": response.id or "chatcmpl-0",
        "object": "chat.completion",
        "created": response.created_s or int(time.time()),
        "model": model,
        "choices": [
            {
                "index": 0,
                "message": _write_message(response.parts),
                "logprobs": None,
                "finish_reason": WRITE_STOP[response.stop_reason],
            }
        ],
    }
    if response.usage is not None:
        answer["usage"] = write_usage(response.usage)
    if response.service_tier is not None:
        answer["service_tier"] = response.service_tier
    return msgspec.json.encode(answer)


def _write_message(parts: tuple[Part, ...]) -> Json:
    text = "".join(part.text for part in parts if isinstance(part, TextPart))
    refusal = "".join(part.text for part in parts if isinstance(part, Refusal))
    calls = [part for part in parts if isinstance(part, ToolCall)]
    thoughts = [part for part in parts if isinstance(part, Reasoning)]
    message: Json = {"role": "assistant", "content": text or None, "refusal": refusal or None}
    if not (text or refusal or calls):
        message["content"] = ""
    if calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments or "{}"}}
            for call in calls
        ]
    if thoughts:
        said = "".join(part.text for part in thoughts)
        if said:
            message["reasoning_content"] = said
        if any(part.signature is not None or part.redacted is not None for part in thoughts):
            message["reasoning_details"] = write_details(thoughts)
    return message
