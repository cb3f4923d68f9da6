"""A case of tests/support/cases.py in the words of OpenAI's Responses, and its answers as `Seen`."""

import base64
import json
from itertools import count
from typing import Any

from tests.support.cases import Case, Said, Seen, Tool, Usage

RESPONSES_STOPS = {
    "end": "completed",
    "length": "incomplete: max_output_tokens",
    "tools": "completed with calls",
    "filter": "incomplete: content_filter",
}


def responses_arguments(case: Case) -> dict[str, Any]:
    assert not case.stops, "the form has no stop sequences"
    items: list[dict[str, Any]] = []
    for said in case.messages:
        items.extend(_items(said))
    arguments: dict[str, Any] = {"input": items, "max_output_tokens": case.max_tokens}
    if case.system is not None:
        arguments["instructions"] = case.system
    if case.tools:
        arguments["tools"] = [_tool(tool) for tool in case.tools]
    if case.tool_choice in {"auto", "none", "required"}:
        arguments["tool_choice"] = case.tool_choice
    elif case.tool_choice is not None:
        arguments["tool_choice"] = {"type": "function", "name": case.tool_choice}
    if case.parallel is not None:
        arguments["parallel_tool_calls"] = case.parallel
    if case.schema is not None:
        described = {"type": "json_schema", "name": "answer", "schema": case.schema, "strict": True}
        arguments["text"] = {"format": described}
    if case.think is not None:
        arguments["reasoning"] = {"effort": "low" if case.think else "none"}
    return arguments


def _items(said: Said) -> list[dict[str, Any]]:
    if said.results:
        return [{"type": "function_call_output", "call_id": one.call_id, "output": one.text} for one in said.results]
    items: list[dict[str, Any]] = []
    if said.images:
        content: list[dict[str, Any]] = [{"type": "input_text", "text": said.text}]
        content += [{"type": "input_image", "detail": "auto", "image_url": _address(image)} for image in said.images]
        items.append({"role": said.role, "content": content})
    elif said.text:
        items.append({"role": said.role, "content": said.text})
    items += [
        {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": json.dumps(call.arguments)}
        for call in said.calls
    ]
    return items


def _address(image: bytes | str) -> str:
    return image if isinstance(image, str) else "data:image/png;base64," + base64.b64encode(image).decode()


def _tool(tool: Tool) -> dict[str, Any]:
    function = {"name": tool.name, "description": tool.description, "parameters": tool.schema}
    return {"type": "function", **function, "strict": False}


def responses_usage(usage: Any) -> Usage | None:
    if usage is None:
        return None
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens
    details = usage.input_tokens_details
    return Usage(
        usage.input_tokens,
        usage.output_tokens,
        details.cached_tokens,
        details.cache_write_tokens,
        usage.output_tokens_details.reasoning_tokens,
    )


def seen_in_response(response: Any) -> Seen:
    assert response.object == "response"
    reasoning = text = ""
    calls: list[tuple[str, dict[str, Any]]] = []
    for item in response.output:
        if item.type == "reasoning":
            reasoning += "".join(part.text for part in item.content or item.summary)
        elif item.type == "message":
            text += "".join(getattr(part, "text", None) or getattr(part, "refusal", "") for part in item.content)
        elif item.type == "function_call":
            calls.append((item.name, json.loads(item.arguments)))
    stop = str(response.status)
    if response.incomplete_details is not None:
        stop += f": {response.incomplete_details.reason}"
    elif calls:
        stop += " with calls"
    return Seen(text, reasoning, tuple(calls), stop, responses_usage(response.usage))


def seen_in_response_events(events: list[Any]) -> Seen:
    """Reads a stream from its pieces, checking its order and that its last event says the same."""
    assert [event.type for event in events[:2]] == ["response.created", "response.in_progress"]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    texts: dict[str, str] = {"text": "", "reasoning": ""}
    calls: dict[int, list[str]] = {}
    added: list[int] = []
    done: list[int] = []
    numbers = count()
    for event in events[2:-1]:
        if event.type == "response.output_item.added":
            assert event.output_index == next(numbers)
            added.append(event.output_index)
            if event.item.type == "function_call":
                calls[event.output_index] = [event.item.name, ""]
        elif event.type == "response.output_item.done":
            done.append(event.output_index)
        elif event.type in {"response.output_text.delta", "response.refusal.delta"}:
            texts["text"] += event.delta
        elif event.type in {"response.reasoning_text.delta", "response.reasoning_summary_text.delta"}:
            texts["reasoning"] += event.delta
        elif event.type == "response.function_call_arguments.delta":
            calls[event.output_index][1] += event.delta
    assert sorted(done) == added, "every item ends"
    whole = seen_in_response(events[-1].response)
    read = tuple((name, json.loads(arguments)) for name, arguments in calls.values())
    assert (texts["text"], texts["reasoning"], read) == (whole.text, whole.reasoning, whole.calls)
    return whole
