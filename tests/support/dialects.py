"""A case of tests/support/cases.py in the words of each SDK, and each SDK's answer as `Seen`."""

import base64
import json
from typing import Any

from tests.support.cases import Case, Said, Seen, Tool, Usage
from tests.support.gemini_dialect import GEMINI_STOPS, gemini_arguments, seen_in_generated
from tests.support.sdks import Calls

DIALECTS = ("openai_chat", "anthropic_messages", "gemini")

OPENAI_STOPS = {
    "end": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "tools": "tool_calls",
    "filter": "content_filter",
}
ANTHROPIC_STOPS = {
    "end": "end_turn",
    "stop_sequence": "stop_sequence",
    "length": "max_tokens",
    "tools": "tool_use",
    "filter": "refusal",
}
STOPS = {"openai_chat": OPENAI_STOPS, "anthropic_messages": ANTHROPIC_STOPS, "gemini": GEMINI_STOPS}
THINKING_BUDGET = 1024


async def ask(calls: Calls, dialect: str, case: Case, model: str, *, stream: bool, **extra: Any) -> Seen:
    """Asks in the caller's dialect and reads the answer."""
    if dialect == "openai_chat":
        arguments = {**openai_arguments(case), **extra, "model": model}
        if not stream:
            return seen_in_completion(await calls.chat(**arguments))
        return seen_in_chunks(await calls.chat_stream(stream_options={"include_usage": True}, **arguments))
    if dialect == "gemini":
        asked = {**gemini_arguments(case), **extra, "model": model}
        if not stream:
            return seen_in_generated([await calls.generate(**asked)])
        return seen_in_generated(await calls.generate_stream(**asked))
    arguments = {**anthropic_arguments(case), **extra, "model": model}
    if not stream:
        return seen_in_message(await calls.messages(**arguments))
    return seen_in_events(await calls.messages_stream(**arguments))


def stop_of(dialect: str, stop: str) -> str:
    return STOPS[dialect][stop]


# ---- OpenAI


def openai_arguments(case: Case) -> dict[str, Any]:
    messages: list[dict[str, Any]] = []
    if case.system is not None:
        messages.append({"role": "system", "content": case.system})
    for said in case.messages:
        messages.extend(_openai_messages(said))
    arguments: dict[str, Any] = {"messages": messages, "max_completion_tokens": case.max_tokens}
    if case.tools:
        arguments["tools"] = [_openai_tool(tool) for tool in case.tools]
    if case.tool_choice in {"auto", "none", "required"}:
        arguments["tool_choice"] = case.tool_choice
    elif case.tool_choice is not None:
        arguments["tool_choice"] = {"type": "function", "function": {"name": case.tool_choice}}
    if case.parallel is not None:
        arguments["parallel_tool_calls"] = case.parallel
    if case.schema is not None:
        described = {"name": "answer", "schema": case.schema, "strict": True}
        arguments["response_format"] = {"type": "json_schema", "json_schema": described}
    if case.stops:
        arguments["stop"] = list(case.stops)
    if case.think is not None:
        arguments["reasoning_effort"] = "low" if case.think else "none"
    return arguments


def _openai_messages(said: Said) -> list[dict[str, Any]]:
    if said.results:
        return [{"role": "tool", "tool_call_id": one.call_id, "content": one.text} for one in said.results]
    message: dict[str, Any] = {"role": said.role, "content": said.text or None}
    if said.images:
        parts: list[dict[str, Any]] = [{"type": "text", "text": said.text}]
        parts += [{"type": "image_url", "image_url": {"url": _address(image)}} for image in said.images]
        message["content"] = parts
    if said.calls:
        message["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": json.dumps(call.arguments)},
            }
            for call in said.calls
        ]
    return [message]


def _address(image: bytes | str) -> str:
    return image if isinstance(image, str) else "data:image/png;base64," + base64.b64encode(image).decode()


def _openai_tool(tool: Tool) -> dict[str, Any]:
    function = {"name": tool.name, "description": tool.description, "parameters": tool.schema}
    return {"type": "function", "function": function}


def openai_usage(usage: Any) -> Usage | None:
    if usage is None:
        return None
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    prompt, completion = usage.prompt_tokens_details, usage.completion_tokens_details
    return Usage(
        usage.prompt_tokens,
        usage.completion_tokens,
        (prompt.cached_tokens or 0) if prompt else 0,
        (prompt.cache_write_tokens or 0) if prompt else 0,
        (completion.reasoning_tokens or 0) if completion else 0,
    )


def seen_in_completion(completion: Any) -> Seen:
    choice = completion.choices[0]
    message = choice.message
    calls = tuple((call.function.name, json.loads(call.function.arguments)) for call in message.tool_calls or ())
    reasoning = getattr(message, "reasoning_content", None) or ""
    return Seen(message.content or "", reasoning, calls, choice.finish_reason, openai_usage(completion.usage))


def seen_in_chunks(chunks: list[Any]) -> Seen:
    """Reads a stream of one choice, checking its form on the way."""
    text = reasoning = stop = ""
    names: dict[int, str] = {}
    arguments: dict[int, str] = {}
    usage = None
    for chunk in chunks:
        assert chunk.object == "chat.completion.chunk"
        assert chunk.id == chunks[0].id
        if chunk.usage is not None:
            assert usage is None, "usage came twice"
            usage = chunk.usage
        for choice in chunk.choices:
            assert not stop, "a choice went on after its finish reason"
            text += choice.delta.content or ""
            reasoning += getattr(choice.delta, "reasoning_content", None) or ""
            for part in choice.delta.tool_calls or ():
                if part.id:
                    names[part.index] = part.function.name
                arguments[part.index] = arguments.get(part.index, "") + (part.function.arguments or "")
            stop = choice.finish_reason or stop
    calls = tuple((names[index], json.loads(arguments[index])) for index in sorted(names))
    return Seen(text, reasoning, calls, stop, openai_usage(usage))


# ---- Anthropic


def anthropic_arguments(case: Case) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "messages": [_anthropic_message(said) for said in case.messages],
        "max_tokens": case.max_tokens,
    }
    if case.system is not None:
        arguments["system"] = case.system
    if case.tools:
        arguments["tools"] = [
            {"name": tool.name, "description": tool.description, "input_schema": tool.schema} for tool in case.tools
        ]
    if case.tool_choice is not None:
        arguments["tool_choice"] = _anthropic_choice(case.tool_choice)
    if case.parallel is not None:
        arguments["tool_choice"]["disable_parallel_tool_use"] = not case.parallel
    if case.schema is not None:
        arguments["output_config"] = {"format": {"type": "json_schema", "schema": case.schema}}
    if case.stops:
        arguments["stop_sequences"] = list(case.stops)
    if case.think is not None:
        enabled = {"type": "enabled", "budget_tokens": THINKING_BUDGET}
        arguments["thinking"] = enabled if case.think else {"type": "disabled"}
    return arguments


def _anthropic_choice(choice: str) -> dict[str, Any]:
    if choice in {"auto", "none"}:
        return {"type": choice}
    return {"type": "any"} if choice == "required" else {"type": "tool", "name": choice}


def _anthropic_message(said: Said) -> dict[str, Any]:
    if said.text and not said.images and not said.calls:
        return {"role": said.role, "content": said.text}
    blocks: list[dict[str, Any]] = []
    for result in said.results:
        block = {"type": "tool_result", "tool_use_id": result.call_id, "content": result.text}
        blocks.append({**block, "is_error": True} if result.failed else block)
    if said.text:
        blocks.append({"type": "text", "text": said.text})
    blocks += [{"type": "image", "source": _source(image)} for image in said.images]
    blocks += [{"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments} for call in said.calls]
    return {"role": said.role, "content": blocks}


def _source(image: bytes | str) -> dict[str, Any]:
    if isinstance(image, str):
        return {"type": "url", "url": image}
    return {"type": "base64", "media_type": "image/png", "data": base64.b64encode(image).decode()}


def anthropic_usage(usage: Any) -> Usage | None:
    """Anthropic counts cached input beside `input_tokens`; here, as in the ledger, the input holds it."""
    if usage is None:
        return None
    cached = usage.cache_read_input_tokens or 0
    written = usage.cache_creation_input_tokens or 0
    details = usage.output_tokens_details
    reasoning = details.thinking_tokens if details else 0
    return Usage((usage.input_tokens or 0) + cached + written, usage.output_tokens, cached, written, reasoning)


def seen_in_message(message: Any) -> Seen:
    text = "".join(block.text for block in message.content if block.type == "text")
    reasoning = "".join(block.thinking for block in message.content if block.type == "thinking")
    calls = tuple((block.name, block.input) for block in message.content if block.type == "tool_use")
    return Seen(text, reasoning, calls, message.stop_reason, anthropic_usage(message.usage))


def seen_in_events(events: list[Any]) -> Seen:
    """Reads a stream, checking the order of Anthropic's events on the way."""
    assert events[0].type == "message_start"
    assert events[0].message.content == []
    assert [event.type for event in events[-2:]] == ["message_delta", "message_stop"]
    text = reasoning = ""
    calls: list[tuple[str, str]] = []
    open_index: int | None = None
    next_index = 0
    for event in events[1:-2]:
        if event.type == "content_block_start":
            assert (open_index, event.index) == (None, next_index)
            open_index, next_index = event.index, next_index + 1
            if event.content_block.type == "tool_use":
                calls.append((event.content_block.name, ""))
        elif event.type == "content_block_delta":
            assert event.index == open_index
            if event.delta.type == "text_delta":
                text += event.delta.text
            elif event.delta.type == "thinking_delta":
                reasoning += event.delta.thinking
            elif event.delta.type == "input_json_delta":
                calls[-1] = (calls[-1][0], calls[-1][1] + event.delta.partial_json)
        else:
            assert (event.type, event.index) == ("content_block_stop", open_index)
            open_index = None
    assert open_index is None
    read = tuple((name, json.loads(arguments or "{}")) for name, arguments in calls)
    last = events[-2]
    return Seen(text, reasoning, read, last.delta.stop_reason, _streamed_usage(events[0].message.usage, last.usage))


def _streamed_usage(first: Any, last: Any) -> Usage | None:
    """The first event's figures, replaced by those that the last one brings: they are totals, not additions."""
    if last is None:
        return None
    for name in ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"):
        if getattr(last, name) is None and first is not None:
            setattr(last, name, getattr(first, name))
    return anthropic_usage(last)
