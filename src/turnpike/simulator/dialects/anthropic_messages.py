"""POST /v1/messages and /v1/messages/count_tokens as Anthropic answers them, whole and streamed.

Source: the Anthropic API reference, "Messages", "Streaming messages" and "Count tokens".
"""

import base64
from collections.abc import Iterator
from typing import Any

import msgspec

from turnpike.simulator import tokens
from turnpike.simulator.dialects import anthropic, anthropic_request
from turnpike.simulator.dialects.anthropic import event
from turnpike.simulator.dialects.anthropic_request import MessagesRequest
from turnpike.simulator.dialects.fields import FieldError
from turnpike.simulator.exchange import Answer, Call, Operation, Refused, json_answer, stream_answer
from turnpike.simulator.instances import SchemaError
from turnpike.simulator.replies import GREETING, SOURCE_TITLE, SOURCE_URL, Answered, Reply, Stop, answer
from turnpike.wire.types.usage import Usage

_STOP_REASONS = {
    Stop.END: "end_turn",
    Stop.SEQUENCE: "stop_sequence",
    Stop.LENGTH: "max_tokens",
    Stop.TOOLS: "tool_use",
    Stop.FILTER: "refusal",
    Stop.REFUSAL: "refusal",
}
JSON_PIECE = 12
"""Characters of a tool's input in one event."""


def _read(call: Call, *, needs_limit: bool = True) -> MessagesRequest:
    if "anthropic-version" not in call.headers:
        raise Refused("anthropic-version: header is required")
    try:
        request = anthropic_request.read(call.data, call.body, needs_limit=needs_limit)
    except FieldError as error:
        raise anthropic.refused_field(error) from error
    anthropic.refuse_missing_model(request.conversation.model)
    return request


def messages(call: Call) -> Answer:
    request = _read(call)
    try:
        answered = answer(request.conversation)
    except SchemaError as error:
        raise Refused(str(error)) from error
    headers = anthropic.ANTHROPIC.headers(call.number)
    if request.stream:
        return stream_answer(list(_events(request, answered, no_usage=call.faults.no_usage)), headers)
    reply = answered.replies[0]
    whole = _message(request, _blocks(request, reply), reply)
    if not call.faults.no_usage:
        whole["usage"] = _usage(answered.usage)
    return json_answer(whole, headers)


def count_tokens(call: Call) -> Answer:
    request = _read(call, needs_limit=False)
    headers = anthropic.ANTHROPIC.headers(call.number)
    return json_answer({"input_tokens": request.conversation.input_tokens()}, headers)


def _message(request: MessagesRequest, content: list[dict[str, Any]], reply: Reply | None) -> dict[str, Any]:
    """`reply` is None for the message that opens a stream: it has no stop reason yet."""
    return {
        "id": f"msg_sim{request.conversation.digest}",
        "type": "message",
        "role": "assistant",
        "model": request.conversation.model,
        "content": content,
        "stop_reason": _STOP_REASONS[reply.stop] if reply else None,
        "stop_sequence": reply.stop_sequence if reply else None,
    }


def _usage(usage: Usage) -> dict[str, Any]:
    """Anthropic counts cached input beside `input_tokens`, not within."""
    written = usage.cache_write_tokens + usage.cache_write_1h_tokens
    counted: dict[str, Any] = {
        "input_tokens": usage.input_tokens - usage.cache_read_tokens - written,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": usage.cache_read_tokens,
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.cache_write_tokens,
            "ephemeral_1h_input_tokens": usage.cache_write_1h_tokens,
        },
        "output_tokens": usage.output_tokens,
        "service_tier": "standard",
    }
    if usage.reasoning_tokens:
        counted["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
    return counted


def _blocks(request: MessagesRequest, reply: Reply) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    if reply.thinking:
        blocks.append(_thinking_block(request, reply))
    if reply.text:
        blocks += _text_blocks("".join(reply.text), cites=reply.cites)
    for call in reply.calls:
        arguments = msgspec.json.decode(call.arguments)
        blocks.append({"type": "tool_use", "id": f"toolu_{call.id}", "name": call.name, "input": arguments})
    return blocks


def _text_blocks(text: str, *, cites: bool) -> list[dict[str, Any]]:
    """What rests on a source is a block of its own."""
    if not cites:
        return [{"type": "text", "text": text}]
    source = {"type": "web_search_result_location", "url": SOURCE_URL, "title": SOURCE_TITLE}
    citation = {**source, "encrypted_index": "c2ltdWxhdGVk", "cited_text": GREETING}
    cited = {"type": "text", "text": GREETING, "citations": [citation]}
    rest = text.removeprefix(GREETING)
    return [cited, {"type": "text", "text": rest}] if rest else [cited]


def _signature(request: MessagesRequest) -> str:
    return base64.b64encode(f"simulator {request.conversation.digest}".encode()).decode()


def _thinking_block(request: MessagesRequest, reply: Reply) -> dict[str, Any]:
    if reply.hidden_thinking:
        return {"type": "redacted_thinking", "data": _signature(request)}
    text = "" if request.omit_thinking else "".join(reply.thinking)
    return {"type": "thinking", "thinking": text, "signature": _signature(request)}


# ---- streamed


def _events(request: MessagesRequest, answered: Answered, *, no_usage: bool) -> Iterator[bytes]:
    reply = answered.replies[0]
    opened = _message(request, [], None)
    opened["usage"] = {**_usage(answered.usage), "output_tokens": 1}
    opened["usage"].pop("output_tokens_details", None)
    if no_usage:
        del opened["usage"]
    yield event("message_start", {"type": "message_start", "message": opened})
    for index, block in enumerate(_blocks(request, reply)):
        yield from _block_events(index, block, reply, is_first=index == 0)
    delta = {"stop_reason": _STOP_REASONS[reply.stop], "stop_sequence": reply.stop_sequence}
    closing: dict[str, Any] = {"type": "message_delta", "delta": delta}
    if not no_usage:
        totals = _usage(answered.usage)
        closing["usage"] = {name: totals[name] for name in totals if name not in {"cache_creation", "service_tier"}}
    yield event("message_delta", closing)
    yield event("message_stop", {"type": "message_stop"})


_EMPTY: dict[str, dict[str, Any]] = {
    "text": {"text": ""},
    "thinking": {"thinking": "", "signature": ""},
    "tool_use": {"input": {}},
    "redacted_thinking": {},
}


def _block_events(index: int, block: dict[str, Any], reply: Reply, *, is_first: bool) -> Iterator[bytes]:
    start = {**block, **_EMPTY[block["type"]]}
    if "citations" in start:
        start["citations"] = []
    yield event("content_block_start", {"type": "content_block_start", "index": index, "content_block": start})
    if is_first:
        yield event("ping", {"type": "ping"})
    for delta in _deltas(block, reply):
        yield event("content_block_delta", {"type": "content_block_delta", "index": index, "delta": delta})
    yield event("content_block_stop", {"type": "content_block_stop", "index": index})


def _deltas(block: dict[str, Any], reply: Reply) -> Iterator[dict[str, Any]]:
    kind = block["type"]
    if kind == "text":
        yield from ({"type": "text_delta", "text": piece} for piece in tokens.pieces(block["text"]))
        for citation in block.get("citations", ()):
            yield {"type": "citations_delta", "citation": citation}
    elif kind == "thinking":
        if block["thinking"]:
            yield from ({"type": "thinking_delta", "thinking": piece} for piece in reply.thinking)
        yield {"type": "signature_delta", "signature": block["signature"]}
    elif kind == "tool_use":
        arguments = msgspec.json.encode(block["input"]).decode()
        yield {"type": "input_json_delta", "partial_json": ""}
        for start in range(0, len(arguments), JSON_PIECE):
            yield {"type": "input_json_delta", "partial_json": arguments[start : start + JSON_PIECE]}


OPERATIONS = (
    Operation("POST", "/v1/messages", anthropic.vendor, messages),
    Operation("POST", "/v1/messages/count_tokens", anthropic.vendor, count_tokens),
)
