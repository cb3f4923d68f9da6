"""POST /v1/chat/completions as OpenAI answers it, whole and streamed.

Reasoning is shown as `reasoning_content`, the field that DeepSeek introduced and most servers of this dialect use.
Source: the OpenAI API reference, "Create chat completion" and "Streaming events".
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from turnpike.simulator.conversation import ToolCall
from turnpike.simulator.dialects import openai, openai_chat_request
from turnpike.simulator.dialects.fields import FieldError
from turnpike.simulator.dialects.openai_chat_request import ChatRequest
from turnpike.simulator.exchange import Answer, Call, Operation, Refused, json_answer, stream_answer
from turnpike.simulator.instances import SchemaError
from turnpike.simulator.replies import GREETING, SOURCE_TITLE, SOURCE_URL, Answered, Reply, Stop, answer
from turnpike.wire.types.usage import Usage

CREATED_S = 1_767_225_600
"""2026-01-01T00:00:00Z: the same request gets the same answer, whenever it is asked."""

_FINISH = {
    Stop.END: "stop",
    Stop.SEQUENCE: "stop",
    Stop.REFUSAL: "stop",
    Stop.LENGTH: "length",
    Stop.TOOLS: "tool_calls",
    Stop.FILTER: "content_filter",
}
ARGUMENT_PIECE = 12
"""Characters of a tool call's arguments in one chunk."""


def chat(call: Call) -> Answer:
    try:
        request = openai_chat_request.read(call.data, call.body)
    except FieldError as error:
        raise openai.refused_field(error) from error
    openai.refuse_missing_model(request.conversation.model)
    try:
        answered = answer(request.conversation, request.choices)
    except SchemaError as error:
        raise Refused(str(error), code="invalid_json_schema") from error
    headers = openai.OPENAI.headers(call.number)
    if request.stream:
        return stream_answer(list(_events(request, answered, no_usage=call.faults.no_usage)), headers)
    whole = _common(request, "chat.completion")
    whole["choices"] = [_choice(index, reply, request) for index, reply in enumerate(answered.replies)]
    if not call.faults.no_usage:
        whole["usage"] = _usage(answered.usage)
    return json_answer(whole, headers)


def _common(request: ChatRequest, kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-sim{request.conversation.digest}",
        "object": kind,
        "created": CREATED_S,
        "model": request.conversation.model,
        "service_tier": "default",
        "system_fingerprint": "fp_simulator",
    }


def _usage(usage: Usage) -> dict[str, Any]:
    written = usage.cache_write_tokens + usage.cache_write_1h_tokens
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": {
            "cached_tokens": usage.cache_read_tokens,
            "audio_tokens": 0,
            **({"cache_write_tokens": written} if written else {}),
        },
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


# ---- whole


def _choice(index: int, reply: Reply, request: ChatRequest) -> dict[str, Any]:
    text: str | None = "".join(reply.text)
    if reply.calls and not text:
        text = None
    is_refusal = reply.stop is Stop.REFUSAL
    message: dict[str, Any] = {
        "role": "assistant",
        "content": None if is_refusal else text,
        "refusal": text if is_refusal else None,
        "annotations": [_annotation()] if reply.cites else [],
    }
    if reply.thinking and not reply.hidden_thinking:
        message["reasoning_content"] = "".join(reply.thinking)
    if reply.calls:
        message["tool_calls"] = [
            {"id": _call_id(call), "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in reply.calls
        ]
    logprobs = {"content": logprobs_of(reply.text, request.top_logprobs), "refusal": None} if request.logprobs else None
    return {"index": index, "message": message, "logprobs": logprobs, "finish_reason": _FINISH[reply.stop]}


def _annotation() -> dict[str, Any]:
    place = {"start_index": 0, "end_index": len(GREETING)}
    return {"type": "url_citation", "url_citation": {"url": SOURCE_URL, "title": SOURCE_TITLE, **place}}


def _call_id(call: ToolCall) -> str:
    return f"call_{call.id}"


def logprobs_of(pieces: list[str], top: int) -> list[dict[str, Any]]:
    """Every word is nearly certain; its rivals are the same word in other letters."""
    described: list[dict[str, Any]] = []
    for piece in pieces:
        rivals = [piece, piece.upper(), piece.title(), *(f"{piece}{number}" for number in range(3, 21))][:top]
        ranked = [_logprob(rival, -0.01 - position) for position, rival in enumerate(rivals)]
        described.append({**_logprob(piece, -0.01), "top_logprobs": ranked})
    return described


def _logprob(token: str, value: float) -> dict[str, Any]:
    return {"token": token, "logprob": value, "bytes": list(token.encode())}


# ---- streamed


def _events(request: ChatRequest, answered: Answered, *, no_usage: bool) -> Iterator[bytes]:
    common = _common(request, "chat.completion.chunk")
    wants_usage = request.include_usage and not no_usage
    if wants_usage:
        common["usage"] = None
    encode = msgspec.json.Encoder().encode
    for index, reply in enumerate(answered.replies):
        for delta, finish, piece in _deltas(reply):
            choice: dict[str, Any] = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
            if request.logprobs and piece is not None:
                choice["logprobs"] = {"content": logprobs_of([piece], request.top_logprobs), "refusal": None}
            yield b"data: " + encode({**common, "choices": [choice]}) + b"\n\n"
    if wants_usage:
        yield b"data: " + encode({**common, "choices": [], "usage": _usage(answered.usage)}) + b"\n\n"
    yield b"data: [DONE]\n\n"


def _deltas(reply: Reply) -> Iterator[tuple[dict[str, Any], str | None, str | None]]:
    """Each delta with its finish reason and, where it is one of the visible text, that piece."""
    is_refusal = reply.stop is Stop.REFUSAL
    first = {"role": "assistant", "content": None if reply.calls and not reply.text else "", "refusal": None}
    yield first, None, None
    if not reply.hidden_thinking:
        for piece in reply.thinking:
            yield {"reasoning_content": piece}, None, None
    for piece in reply.text:
        yield {"refusal" if is_refusal else "content": piece}, None, piece
    if reply.cites:
        yield {"annotations": [_annotation()]}, None, None
    for position, call in enumerate(reply.calls):
        function = {"name": call.name, "arguments": ""}
        opened = {"index": position, "id": _call_id(call), "type": "function", "function": function}
        yield {"tool_calls": [opened]}, None, None
        for start in range(0, len(call.arguments), ARGUMENT_PIECE):
            arguments = call.arguments[start : start + ARGUMENT_PIECE]
            yield {"tool_calls": [{"index": position, "function": {"arguments": arguments}}]}, None, None
    yield {}, _FINISH[reply.stop], None


OPERATIONS = (Operation("POST", "/v1/chat/completions", openai.vendor, chat),)
