"""OpenAI's chat request, checked as OpenAI checks it and turned into a conversation.

Unknown fields are let through: servers that speak this dialect disagree about them. Source: the OpenAI API reference,
"Create chat completion".
"""

import base64
import binascii
import hashlib
from typing import Any

import msgspec

from turnpike.simulator.conversation import Conversation, Tool, ToolCall, ToolResult, Turn
from turnpike.simulator.dialects.fields import FieldError, between, check, maybe, one_of, present, take

_ROLES = ("system", "developer", "user", "assistant", "tool", "function")
_PARTS = ("text", "image_url", "input_audio", "file", "refusal")


class ChatRequest(msgspec.Struct):
    conversation: Conversation
    choices: int
    stream: bool
    include_usage: bool
    logprobs: bool
    top_logprobs: int


def read(data: dict[str, Any], body: bytes) -> ChatRequest:
    """Raises FieldError."""
    model = take(data, "model", str)
    messages = take(data, "messages", list)
    if not messages:
        raise FieldError("messages", "value", "the array is empty, at least one message is required")
    stream = bool(maybe(data, "stream", bool))
    conversation = Conversation(model, [], [], hashlib.blake2b(body, digest_size=12).hexdigest())
    _read_messages(conversation, messages)
    _read_tools(conversation, data)
    _read_sampling(conversation, data)
    _read_format(conversation, data)
    choices = maybe(data, "n", int) or 1
    between(choices, 1, 128, "n")
    top = maybe(data, "top_logprobs", int) or 0
    between(top, 0, 20, "top_logprobs")
    logprobs = bool(maybe(data, "logprobs", bool))
    if top and not logprobs:
        raise FieldError("top_logprobs", "value", "'top_logprobs' needs 'logprobs' to be true")
    return ChatRequest(conversation, choices, stream, _include_usage(data, stream=stream), logprobs, top)


def _include_usage(data: dict[str, Any], *, stream: bool) -> bool:
    options = maybe(data, "stream_options", dict)
    if options is None:
        return False
    if not stream:
        raise FieldError("stream_options", "value", "it is only allowed when 'stream' is true")
    return bool(maybe(options, "include_usage", bool, "stream_options"))


# ---- messages


def _read_messages(conversation: Conversation, messages: list[Any]) -> None:
    open_calls: dict[str, str] = {}
    for index, message in enumerate(messages):
        path = f"messages[{index}]"
        check(message, dict, path)
        role = one_of(take(message, "role", str, path), _ROLES, f"{path}.role")
        if role != "tool" and open_calls:
            waiting = ", ".join(open_calls)
            raise FieldError(path, "value", f"these tool calls are not answered by tool messages yet: {waiting}")
        if role in {"system", "developer"}:
            conversation.system.extend(_content(message, path, Turn(role)).texts)
        elif role in {"tool", "function"}:
            conversation.turns.append(_tool_turn(message, path, open_calls))
        elif role == "assistant":
            turn = _assistant_turn(message, path)
            open_calls = {call.id: call.name for call in turn.calls}
            conversation.turns.append(turn)
        else:
            present(message, "content", path)
            conversation.turns.append(_content(message, path, Turn("user")))
    if open_calls:
        waiting = ", ".join(open_calls)
        raise FieldError("messages", "value", f"these tool calls are not answered by tool messages: {waiting}")


def _content(message: dict[str, Any], path: str, turn: Turn) -> Turn:
    content = message.get("content")
    if content is None:
        return turn
    if isinstance(content, str):
        turn.texts.append(content)
        return turn
    for index, part in enumerate(check(content, list, f"{path}.content")):
        _read_part(check(part, dict, f"{path}.content[{index}]"), f"{path}.content[{index}]", turn)
    return turn


def _read_part(part: dict[str, Any], path: str, turn: Turn) -> None:
    kind = one_of(take(part, "type", str, path), _PARTS, f"{path}.type")
    if kind == "image_url":
        url = take(take(part, "image_url", dict, path), "url", str, f"{path}.image_url")
        turn.attachments.append(describe_url(url, f"{path}.image_url.url"))
    elif kind in {"text", "refusal"}:
        turn.texts.append(take(part, kind, str, path))
    else:
        turn.attachments.append("audio" if kind == "input_audio" else "document")


def describe_url(url: str, path: str) -> str:
    if url.startswith(("https://", "http://")):
        return url
    media, comma, payload = url.removeprefix("data:").partition(";base64,")
    if not comma or not url.startswith("data:image/"):
        raise FieldError(path, "value", "expected an http(s) address or a base64 data URL of an image")
    try:
        size = len(base64.b64decode(payload, validate=True))
    except binascii.Error as error:
        raise FieldError(path, "value", "the data URL is not valid base64") from error
    return f"{media} of {size} bytes"


def _assistant_turn(message: dict[str, Any], path: str) -> Turn:
    turn = _content(message, path, Turn("assistant"))
    if maybe(message, "refusal", str, path):
        turn.texts.append(message["refusal"])
    for index, call in enumerate(maybe(message, "tool_calls", list, path) or []):
        place = f"{path}.tool_calls[{index}]"
        check(call, dict, place)
        function = take(call, "function", dict, place)
        name = take(function, "name", str, f"{place}.function")
        arguments = take(function, "arguments", str, f"{place}.function")
        turn.calls.append(ToolCall(take(call, "id", str, place), name, arguments))
    if message.get("content") is None and not turn.calls and not turn.texts:
        raise FieldError(f"{path}.content", "type", "expected a string, but got null instead")
    return turn


def _tool_turn(message: dict[str, Any], path: str, open_calls: dict[str, str]) -> Turn:
    if message["role"] == "function":
        name = take(message, "name", str, path)
    else:
        identifier = take(message, "tool_call_id", str, path)
        if identifier not in open_calls:
            raise FieldError(path, "value", f"no tool call '{identifier}' stands before this tool message")
        name = open_calls.pop(identifier)
    present(message, "content", path)
    texts = _content(message, path, Turn("tool")).texts
    return Turn("tool", results=[ToolResult(name, " ".join(texts))])


# ---- tools, limits, formats


def _read_tools(conversation: Conversation, data: dict[str, Any]) -> None:
    for index, tool in enumerate(maybe(data, "tools", list) or []):
        path = f"tools[{index}]"
        check(tool, dict, path)
        one_of(take(tool, "type", str, path), ("function", "custom"), f"{path}.type")
        function = take(tool, tool["type"], dict, path)
        name = take(function, "name", str, f"{path}.function")
        conversation.tools.append(Tool(name, maybe(function, "parameters", dict, f"{path}.function") or {}))
    conversation.parallel = maybe(data, "parallel_tool_calls", bool) is not False
    _read_tool_choice(conversation, data.get("tool_choice"))


def _read_tool_choice(conversation: Conversation, choice: Any) -> None:
    if choice is None:
        return
    if not conversation.tools:
        raise FieldError("tool_choice", "value", "it is only allowed when 'tools' are offered")
    if isinstance(choice, str):
        one_of(choice, ("none", "auto", "required"), "tool_choice")
        conversation.may_call = choice != "none"
        conversation.forced = "*" if choice == "required" else None
        return
    function = take(check(choice, dict, "tool_choice"), "function", dict, "tool_choice")
    name = take(function, "name", str, "tool_choice.function")
    if all(tool.name != name for tool in conversation.tools):
        raise FieldError("tool_choice", "value", f"no tool '{name}' is among 'tools'")
    conversation.forced = name


def _read_sampling(conversation: Conversation, data: dict[str, Any]) -> None:
    between(maybe(data, "temperature", float), 0, 2, "temperature")
    between(maybe(data, "top_p", float), 0, 1, "top_p")
    between(maybe(data, "frequency_penalty", float), -2, 2, "frequency_penalty")
    between(maybe(data, "presence_penalty", float), -2, 2, "presence_penalty")
    maybe(data, "seed", int)
    for name in ("max_completion_tokens", "max_tokens"):
        limit = maybe(data, name, int)
        if limit is not None:
            between(limit, 1, 10**7, name)
            conversation.max_tokens = limit
            break
    stop = data.get("stop")
    stops = [stop] if isinstance(stop, str) else maybe(data, "stop", list) or []
    if len(stops) > 4:
        raise FieldError("stop", "value", "at most 4 stop sequences are allowed")
    conversation.stops = [check(one, str, "stop") for one in stops]
    effort = maybe(data, "reasoning_effort", str)
    if effort is not None:
        efforts = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
        conversation.think = one_of(effort, efforts, "reasoning_effort") != "none"


def _read_format(conversation: Conversation, data: dict[str, Any]) -> None:
    wanted = maybe(data, "response_format", dict)
    if wanted is None:
        return
    kinds = ("text", "json_object", "json_schema")
    kind = one_of(take(wanted, "type", str, "response_format"), kinds, "response_format.type")
    if kind == "json_schema":
        described = take(wanted, "json_schema", dict, "response_format")
        take(described, "name", str, "response_format.json_schema")
        conversation.schema = maybe(described, "schema", dict, "response_format.json_schema") or {"type": "object"}
    conversation.any_json = kind == "json_object"
