"""POST /v2/chat as Cohere answers it, whole and streamed.

Source: https://docs.cohere.com/reference/chat and https://docs.cohere.com/docs/streaming.
"""

from collections.abc import Iterator
from typing import Any

from turnpike.simulator.conversation import ToolCall
from turnpike.simulator.dialects import cohere, cohere_chat_request
from turnpike.simulator.dialects.cohere import event
from turnpike.simulator.dialects.cohere_chat_request import CohereRequest
from turnpike.simulator.dialects.fields import FieldError
from turnpike.simulator.exchange import Answer, Call, Operation, Refused, json_answer, stream_answer
from turnpike.simulator.instances import SchemaError
from turnpike.simulator.replies import GREETING, Answered, Reply, Stop, answer
from turnpike.wire.types.usage import Usage

_FINISH = {
    Stop.END: "COMPLETE",
    Stop.SEQUENCE: "STOP_SEQUENCE",
    Stop.REFUSAL: "COMPLETE",
    Stop.LENGTH: "MAX_TOKENS",
    Stop.TOOLS: "TOOL_CALL",
    Stop.FILTER: "COMPLETE",
}
ARGUMENT_PIECE = 12
"""Characters of a tool call's arguments in one event."""
TEMPLATE_TOKENS = 100
"""What Cohere's own prompt template adds to `tokens`, and never to `billed_units`."""


def chat(call: Call) -> Answer:
    try:
        request = cohere_chat_request.read(call.data, call.body)
    except FieldError as error:
        raise cohere.refused_field(error) from error
    cohere.refuse_missing_model(request.conversation.model)
    try:
        answered = answer(request.conversation)
    except SchemaError as error:
        raise Refused(f"invalid request: {error}") from error
    headers = cohere.COHERE.headers(call.number)
    usage = None if call.faults.no_usage else _usage(answered.usage)
    if request.stream:
        return stream_answer(list(_events(request, answered, usage)), headers)
    return json_answer(_whole(request, answered.replies[0], usage), headers)


def _id(request: CohereRequest) -> str:
    return f"sim-{request.conversation.digest}"


def _usage(usage: Usage) -> dict[str, Any]:
    counted: dict[str, Any] = {
        "billed_units": {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens},
        "tokens": {"input_tokens": usage.input_tokens + TEMPLATE_TOKENS, "output_tokens": usage.output_tokens},
    }
    if usage.cache_read_tokens:
        counted["cached_tokens"] = usage.cache_read_tokens
    return counted


def _whole(request: CohereRequest, reply: Reply, usage: dict[str, Any] | None) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant"}
    content: list[dict[str, Any]] = []
    if reply.thinking and not reply.hidden_thinking:
        content.append({"type": "thinking", "thinking": "".join(reply.thinking)})
    text = "".join(reply.text)
    if reply.calls:
        message["tool_calls"] = [_call(call, call.arguments) for call in reply.calls]
        if text:
            message["tool_plan"] = text
    elif text:
        content.append({"type": "text", "text": text})
    if content:
        message["content"] = content
    if request.cites and text and not reply.calls:
        message["citations"] = [_citation(reply, len(content) - 1)]
    whole: dict[str, Any] = {"id": _id(request), "finish_reason": _FINISH[reply.stop], "message": message}
    if usage is not None:
        whole["usage"] = usage
    if request.logprobs:
        whole["logprobs"] = [_logprob(piece) for piece in reply.text]
    return whole


def _call(call: ToolCall, arguments: str) -> dict[str, Any]:
    return {"id": f"{call.name}_{call.id}", "type": "function", "function": {"name": call.name, "arguments": arguments}}


def _citation(reply: Reply, content_index: int) -> dict[str, Any]:
    """The simulator's introduction of itself is what it takes from the first document."""
    cited = "".join(reply.text)[: len(GREETING)]
    source = {"type": "document", "id": "doc:0", "document": {"id": "doc:0", "title": "The first document"}}
    return {
        "start": 0,
        "end": len(cited),
        "text": cited,
        "sources": [source],
        "content_index": content_index,
        "type": "TEXT_CONTENT",
    }


def _logprob(piece: str) -> dict[str, Any]:
    return {"text": piece, "token_ids": [len(piece)], "logprobs": [-0.01]}


# ---- streamed


def _events(request: CohereRequest, answered: Answered, usage: dict[str, Any] | None) -> Iterator[bytes]:
    reply = answered.replies[0]
    opened = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
    yield event({"id": _id(request), "type": "message-start", "delta": {"message": opened}})
    contents = 0
    if reply.thinking and not reply.hidden_thinking:
        yield from _content(contents, "thinking", reply.thinking, logprobs=False)
        contents += 1
    if reply.calls:
        for piece in reply.text:
            yield event({"type": "tool-plan-delta", "delta": {"message": {"tool_plan": piece}}})
        for index, call in enumerate(reply.calls):
            yield from _call_events(index, call)
    elif reply.text:
        yield from _content(contents, "text", reply.text, logprobs=request.logprobs)
        if request.cites:
            cited = {"message": {"citations": _citation(reply, contents)}}
            yield event({"type": "citation-start", "index": 0, "delta": cited})
            yield event({"type": "citation-end", "index": 0})
    delta: dict[str, Any] = {"finish_reason": _FINISH[reply.stop]}
    if usage is not None:
        delta["usage"] = usage
    yield event({"id": _id(request), "type": "message-end", "delta": delta})


def _content(index: int, kind: str, pieces: list[str], *, logprobs: bool) -> Iterator[bytes]:
    start = {"message": {"content": {"type": kind, kind: ""}}}
    yield event({"type": "content-start", "index": index, "delta": start})
    for piece in pieces:
        delta: dict[str, object] = {
            "type": "content-delta",
            "index": index,
            "delta": {"message": {"content": {kind: piece}}},
        }
        if logprobs:
            delta["logprobs"] = _logprob(piece)
        yield event(delta)
    yield event({"type": "content-end", "index": index})


def _call_events(index: int, call: ToolCall) -> Iterator[bytes]:
    yield event({"type": "tool-call-start", "index": index, "delta": {"message": {"tool_calls": _call(call, "")}}})
    for start in range(0, len(call.arguments), ARGUMENT_PIECE):
        piece = {"function": {"arguments": call.arguments[start : start + ARGUMENT_PIECE]}}
        yield event({"type": "tool-call-delta", "index": index, "delta": {"message": {"tool_calls": piece}}})
    yield event({"type": "tool-call-end", "index": index})


OPERATIONS = (Operation("POST", "/v2/chat", cohere.vendor, chat),)
