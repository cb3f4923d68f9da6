"""POST /v1/responses and /v1/responses/input_tokens as OpenAI answers them, whole and streamed.

Reasoning is shown as the summary where one is asked for, else as the item's content, as servers of open models do.
Source: the OpenAI API reference, "Responses" and "Streaming events".
"""

import base64
from typing import Any

import msgspec

from turnpike.simulator.dialects import openai, openai_responses_request
from turnpike.simulator.dialects.fields import FieldError
from turnpike.simulator.dialects.openai_chat import CREATED_S, logprobs_of
from turnpike.simulator.dialects.openai_responses_request import SEAL, ResponsesRequest, reasoning_id
from turnpike.simulator.dialects.openai_responses_stream import event, events_of
from turnpike.simulator.exchange import Answer, Call, Operation, Refused, json_answer, stream_answer
from turnpike.simulator.instances import SchemaError
from turnpike.simulator.replies import GREETING, SOURCE_TITLE, SOURCE_URL, Answered, Reply, Stop, answer
from turnpike.wire.types.usage import Usage

_INCOMPLETE = {Stop.LENGTH: "max_output_tokens", Stop.FILTER: "content_filter"}
_ECHOED: dict[str, Any] = {
    "background": False,
    "instructions": None,
    "max_output_tokens": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "reasoning": {"effort": None, "summary": None},
    "store": True,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1.0,
    "truncation": "disabled",
}


class _ResponsesApi(openai.OpenAI):
    """OpenAI's API, whose streams here end in another event when they fail."""

    def error_event(self, refused: Refused, call_number: int) -> bytes:
        error: dict[str, Any] = msgspec.json.decode(self.error(refused, call_number).body)["error"]
        flat = {name: error[name] for name in ("code", "message", "param")}
        return event("error", {"type": "error", "sequence_number": 0, **flat, "error": error})


RESPONSES = _ResponsesApi()


def vendor(_headers: dict[str, str]) -> _ResponsesApi:
    return RESPONSES


def _read(call: Call) -> ResponsesRequest:
    try:
        request = openai_responses_request.read(call.data, call.body)
    except FieldError as error:
        raise openai.refused_field(error) from error
    openai.refuse_missing_model(request.conversation.model)
    return request


def responses(call: Call) -> Answer:
    request = _read(call)
    try:
        answered = answer(request.conversation)
    except SchemaError as error:
        raise Refused(str(error), code="invalid_json_schema") from error
    headers = RESPONSES.headers(call.number)
    whole = _whole(request, answered, no_usage=call.faults.no_usage)
    if request.stream:
        return stream_answer(list(events_of(whole, answered.replies[0])), headers)
    return json_answer(whole, headers)


def count_tokens(call: Call) -> Answer:
    counted = _read(call).conversation.input_tokens()
    return json_answer({"object": "response.input_tokens", "input_tokens": counted}, RESPONSES.headers(call.number))


def _whole(request: ResponsesRequest, answered: Answered, *, no_usage: bool) -> dict[str, Any]:
    reply = answered.replies[0]
    reason = _INCOMPLETE.get(reply.stop)
    echoed = {name: request.data.get(name, usual) for name, usual in _ECHOED.items()}
    return {
        "id": f"resp_sim{request.conversation.digest}",
        "object": "response",
        "created_at": CREATED_S,
        "status": "incomplete" if reason else "completed",
        "error": None,
        "incomplete_details": {"reason": reason} if reason else None,
        "model": request.conversation.model,
        "output": _output(request, reply),
        "service_tier": "default",
        **echoed,
        "usage": None if no_usage else _usage(answered.usage),
    }


def _usage(usage: Usage) -> dict[str, Any]:
    written = usage.cache_write_tokens + usage.cache_write_1h_tokens
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {"cached_tokens": usage.cache_read_tokens, "cache_write_tokens": written},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }


# ---- items


def _output(request: ResponsesRequest, reply: Reply) -> list[dict[str, Any]]:
    digest = request.conversation.digest
    items: list[dict[str, Any]] = []
    if reply.thinking:
        items.append(_reasoning(request, reply))
    if request.searches:
        action = {"type": "search", "query": "simulated", "sources": [{"type": "url", "url": SOURCE_URL}]}
        items.append({"id": f"ws_sim{digest}", "type": "web_search_call", "status": "completed", "action": action})
    if reply.text:
        items.append(
            {
                "id": f"msg_sim{digest}",
                "type": "message",
                "status": "completed",
                "role": "assistant",
                "content": [_content(request, reply)],
            }
        )
    items += [
        {
            "id": f"fc_sim{call.id}",
            "type": "function_call",
            "status": "completed",
            "call_id": f"call_{call.id}",
            "name": call.name,
            "arguments": call.arguments,
        }
        for call in reply.calls
    ]
    return items


def _reasoning(request: ResponsesRequest, reply: Reply) -> dict[str, Any]:
    digest = request.conversation.digest
    text = "" if reply.hidden_thinking else "".join(reply.thinking)
    item: dict[str, Any] = {"id": reasoning_id(digest), "type": "reasoning", "summary": []}
    if text and request.summary:
        item["summary"] = [{"type": "summary_text", "text": text}]
    elif text:
        item["content"] = [{"type": "reasoning_text", "text": text}]
    if request.sealed:
        item["encrypted_content"] = base64.b64encode(SEAL + digest.encode()).decode()
    return item


def _content(request: ResponsesRequest, reply: Reply) -> dict[str, Any]:
    text = "".join(reply.text)
    if reply.stop is Stop.REFUSAL:
        return {"type": "refusal", "refusal": text}
    annotations: list[dict[str, Any]] = []
    if reply.cites or request.searches:
        place = {"start_index": 0, "end_index": min(len(GREETING), len(text))}
        annotations.append({"type": "url_citation", "url": SOURCE_URL, "title": SOURCE_TITLE, **place})
    logprobs = logprobs_of(reply.text, request.top_logprobs) if request.logprobs else []
    return {"type": "output_text", "text": text, "annotations": annotations, "logprobs": logprobs}


OPERATIONS = (
    Operation("POST", "/v1/responses", vendor, responses),
    Operation("POST", "/v1/responses/input_tokens", vendor, count_tokens),
)
