"""A whole Chat Completions answer, read and written."""

import time
from collections.abc import Iterator
from typing import Any

import msgspec

from turnpike.errors import InvalidRequest, UpstreamGarbage
from turnpike.wire.dialects.common.errors import read_error
from turnpike.wire.dialects.common.logprobs import read_logprobs, write_logprobs
from turnpike.wire.dialects.common.reading import decode_answer, made_up_id, seconds
from turnpike.wire.dialects.common.signatures import call_signature
from turnpike.wire.dialects.openai_chat.parts import (
    arguments_text,
    read_audio,
    read_citation,
    read_content,
    read_reasoning,
    write_call,
    write_citation,
    write_details,
)
from turnpike.wire.dialects.openai_chat.shapes import AnswerShape, ChoiceLogprobs, MessageShape
from turnpike.wire.dialects.openai_chat.sources import sources_of, with_sources
from turnpike.wire.dialects.openai_chat.usage import usage_of, write_usage
from turnpike.wire.types.conversation import (
    AudioPart,
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
    parts = with_sources(_read_parts(choice.message, answer.id or "", choice.logprobs), sources_of(answer))
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
    code = error.get("code") if isinstance(error, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - JSON of any shape
    return code if isinstance(code, int) and 400 <= code <= 599 else 502


def _read_parts(message: MessageShape, answer_id: str, logprobs: ChoiceLogprobs | None) -> list[Part]:
    parts: list[Part] = []
    parts += read_reasoning(message)
    try:
        said = list(read_content(message.content, "content"))
    except InvalidRequest as error:
        raise UpstreamGarbage(f"The provider's answer holds content of an unknown kind: {error.message}") from error
    parts += (_supported(part, message, logprobs) for part in said)
    if message.refusal:
        parts.append(Refusal(message.refusal))
    if message.audio is not None:
        parts.append(read_audio(message.audio))
    for number, call in enumerate(message.tool_calls or ()):
        if call.function is not None and call.function.name:
            call_id = call.id or made_up_id(answer_id, number)
            text = arguments_text(call.function)
            parts.append(ToolCall(call_id, call.function.name, text, signature=call_signature(call.extra_content)))
    return parts


def _supported(part: Part, message: MessageShape, logprobs: ChoiceLogprobs | None) -> Part:
    """The text with what it rests on and how likely it was; both belong to the message as a whole."""
    if not isinstance(part, TextPart) or not (message.annotations or logprobs):
        return part
    cited = (read_citation(annotation) for annotation in message.annotations or ())
    return msgspec.structs.replace(
        part,
        citations=tuple(citation for citation in cited if citation is not None),
        logprobs=read_logprobs(None if logprobs is None else logprobs.content),
    )


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
                "logprobs": _logprobs(response.parts),
                "finish_reason": WRITE_STOP[response.stop_reason],
            }
        ],
    }
    if response.usage is not None:
        answer["usage"] = write_usage(response.usage)
    if response.service_tier is not None:
        answer["service_tier"] = response.service_tier
    return msgspec.json.encode(answer)


def _logprobs(parts: tuple[Part, ...]) -> Json | None:
    found = [token for part in parts if isinstance(part, TextPart) for token in part.logprobs]
    return {"content": write_logprobs(found), "refusal": None} if found else None


def _annotations(parts: tuple[Part, ...]) -> Iterator[Json]:
    """In characters of the whole message."""
    before = 0
    for part in parts:
        if isinstance(part, TextPart):
            for citation in part.citations:
                written = write_citation(citation, before, len(part.text))
                if written is not None:
                    yield written
            before += len(part.text)


def _audio(parts: tuple[Part, ...]) -> Json:
    for part in parts:
        if isinstance(part, AudioPart):
            spoken = {"id": part.id or "audio_0", "data": part.data, "transcript": part.transcript or ""}
            return {"audio": {**spoken, "expires_at": part.expires_at_s or 0}}
    return {}


def _write_message(parts: tuple[Part, ...]) -> Json:
    text = "".join(part.text for part in parts if isinstance(part, TextPart))
    refusal = "".join(part.text for part in parts if isinstance(part, Refusal))
    calls = [part for part in parts if isinstance(part, ToolCall)]
    thoughts = [part for part in parts if isinstance(part, Reasoning)]
    message: Json = {"role": "assistant", "content": text or None, "refusal": refusal or None}
    if not (text or refusal or calls or any(isinstance(part, AudioPart) for part in parts)):
        message["content"] = ""
    if calls:
        message["tool_calls"] = [write_call(call, call.id) for call in calls]
    annotations = list(_annotations(parts))
    if annotations:
        message["annotations"] = annotations
    message.update(_audio(parts))
    if thoughts:
        said = "".join(part.text for part in thoughts)
        if said:
            message["reasoning_content"] = said
        if any(part.signature is not None or part.redacted is not None for part in thoughts):
            message["reasoning_details"] = write_details(thoughts)
    return message
