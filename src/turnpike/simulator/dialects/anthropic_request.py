"""Anthropic's messages request, checked as Anthropic checks it and turned into a conversation.

Unknown fields are let through. Source: the Anthropic API reference, "Messages" and "Errors".
"""

import base64
import binascii
import hashlib
from typing import Any

import msgspec

from turnpike.simulator.conversation import Conversation, Tool, ToolCall, ToolResult, Turn
from turnpike.simulator.dialects.fields import FieldError, between, check, maybe, one_of, present, take

MIN_THINKING_BUDGET = 1024
_IMAGE_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")
_BLOCKS = ("text", "image", "document", "tool_use", "tool_result", "thinking", "redacted_thinking", "search_result")


class MessagesRequest(msgspec.Struct):
    conversation: Conversation
    stream: bool
    omit_thinking: bool


def read(data: dict[str, Any], body: bytes, *, needs_limit: bool = True) -> MessagesRequest:
    """`needs_limit` is False for count_tokens, which has no `max_tokens`. Raises FieldError."""
    conversation = Conversation(take(data, "model", str), [], [], hashlib.blake2b(body, digest_size=12).hexdigest())
    if needs_limit:
        conversation.max_tokens = take(data, "max_tokens", int)
        between(conversation.max_tokens, 1, 10**7, "max_tokens")
    conversation.system.extend(_system(data))
    _read_messages(conversation, take(data, "messages", list))
    _read_tools(conversation, data)
    between(maybe(data, "temperature", float), 0, 1, "temperature")
    between(maybe(data, "top_p", float), 0, 1, "top_p")
    for index, stop in enumerate(maybe(data, "stop_sequences", list) or []):
        if not check(stop, str, f"stop_sequences.{index}").strip():
            raise FieldError(f"stop_sequences.{index}", "value", "each stop sequence must contain non-whitespace")
        conversation.stops.append(stop)
    omit = _read_thinking(conversation, data)
    _read_format(conversation, data)
    return MessagesRequest(conversation, bool(maybe(data, "stream", bool)), omit)


def _system(data: dict[str, Any]) -> list[str]:
    system = data.get("system")
    if system is None:
        return []
    if isinstance(system, str):
        return [system]
    return [
        take(check(block, dict, f"system.{index}"), "text", str, f"system.{index}")
        for index, block in enumerate(check(system, list, "system"))
    ]


# ---- messages


def _read_messages(conversation: Conversation, messages: list[Any]) -> None:
    if not messages:
        raise FieldError("messages", "value", "at least one message is required")
    open_calls: dict[str, str] = {}
    for index, message in enumerate(messages):
        path = f"messages.{index}"
        check(message, dict, path)
        role = one_of(take(message, "role", str, path), ("user", "assistant", "system"), f"{path}.role")
        if index == 0 and role == "assistant":
            raise FieldError("messages", "value", "the first message must use the 'user' role")
        turn = _turn(role, message, path, open_calls)
        if open_calls:
            waiting = ", ".join(open_calls)
            raise FieldError(path, "value", f"`tool_use` ids without `tool_result` blocks right after: {waiting}")
        open_calls = {call.id: call.name for call in turn.calls}
        if role == "system":
            conversation.system.extend(turn.texts)
        else:
            conversation.turns.append(turn)
    if open_calls:
        waiting = ", ".join(open_calls)
        raise FieldError("messages", "value", f"`tool_use` ids without `tool_result` blocks right after: {waiting}")


def _turn(role: str, message: dict[str, Any], path: str, open_calls: dict[str, str]) -> Turn:
    turn = Turn(role)
    content = present(message, "content", path)
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    blocks = check(content, list, f"{path}.content")
    if not blocks and role == "user":
        raise FieldError(f"{path}.content", "value", "user messages must have non-empty content")
    for index, block in enumerate(blocks):
        place = f"{path}.content.{index}"
        check(block, dict, place)
        _read_block(turn, block, place, open_calls)
    return turn


def _read_block(turn: Turn, block: dict[str, Any], path: str, open_calls: dict[str, str]) -> None:
    kind = one_of(take(block, "type", str, path), _BLOCKS, f"{path}.type")
    if kind == "text":
        text = take(block, "text", str, path)
        if not text:
            raise FieldError(f"{path}.text", "value", "text content blocks must be non-empty")
        turn.texts.append(text)
    elif kind == "image":
        turn.attachments.append(_describe_image(take(block, "source", dict, path), f"{path}.source"))
    elif kind in {"document", "search_result"}:
        turn.attachments.append("document")
    elif kind == "tool_use":
        arguments = msgspec.json.encode(take(block, "input", dict, path)).decode()
        turn.calls.append(ToolCall(take(block, "id", str, path), take(block, "name", str, path), arguments))
    elif kind == "tool_result":
        _read_result(turn, block, path, open_calls)
    elif kind == "thinking":
        take(block, "signature", str, path)


def _describe_image(source: dict[str, Any], path: str) -> str:
    kind = one_of(take(source, "type", str, path), ("base64", "url", "file"), f"{path}.type")
    if kind == "url":
        return take(source, "url", str, path)
    if kind == "file":
        return "file"
    media = one_of(take(source, "media_type", str, path), _IMAGE_TYPES, f"{path}.media_type")
    try:
        size = len(base64.b64decode(take(source, "data", str, path), validate=True))
    except binascii.Error as error:
        raise FieldError(f"{path}.data", "value", "invalid base64 data") from error
    return f"{media} of {size} bytes"


def _read_result(turn: Turn, block: dict[str, Any], path: str, open_calls: dict[str, str]) -> None:
    identifier = take(block, "tool_use_id", str, path)
    if identifier not in open_calls:
        raise FieldError(path, "value", f"no `tool_use` block '{identifier}' in the previous message")
    content = block.get("content") or []
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    texts: list[str] = []
    for index, part in enumerate(check(content, list, f"{path}.content")):
        place = f"{path}.content.{index}"
        if check(part, dict, place).get("type") == "image":
            turn.attachments.append(_describe_image(take(part, "source", dict, place), f"{place}.source"))
        elif part.get("type") == "text":
            texts.append(take(part, "text", str, place))
    name = open_calls.pop(identifier)
    turn.results.append(ToolResult(name, " ".join(texts), failed=bool(maybe(block, "is_error", bool, path))))


# ---- tools, thinking, formats


def _read_tools(conversation: Conversation, data: dict[str, Any]) -> None:
    for index, tool in enumerate(maybe(data, "tools", list) or []):
        path = f"tools.{index}"
        name = take(check(tool, dict, path), "name", str, path)
        is_custom = tool.get("type") in {None, "custom"}
        schema = take(tool, "input_schema", dict, path) if is_custom else {}
        if is_custom and schema.get("type") != "object":
            raise FieldError(f"{path}.input_schema.type", "value", "must be 'object'")
        conversation.tools.append(Tool(name, schema))
    choice = maybe(data, "tool_choice", dict)
    if choice is None:
        return
    kind = one_of(take(choice, "type", str, "tool_choice"), ("auto", "any", "tool", "none"), "tool_choice.type")
    if not conversation.tools:
        raise FieldError("tool_choice", "value", "may only be specified while providing `tools`")
    conversation.may_call = kind != "none"
    conversation.parallel = not maybe(choice, "disable_parallel_tool_use", bool, "tool_choice")
    if kind == "any":
        conversation.forced = "*"
    elif kind == "tool":
        conversation.forced = take(choice, "name", str, "tool_choice")
        if all(tool.name != conversation.forced for tool in conversation.tools):
            raise FieldError("tool_choice.name", "value", f"tool '{conversation.forced}' not found in `tools`")


def _read_thinking(conversation: Conversation, data: dict[str, Any]) -> bool:
    """Returns whether the text of the thinking is to be left out."""
    thinking = maybe(data, "thinking", dict)
    if thinking is None:
        return False
    kinds = ("enabled", "disabled", "adaptive", "between_tools")
    kind = one_of(take(thinking, "type", str, "thinking"), kinds, "thinking.type")
    conversation.think = kind != "disabled"
    if kind == "enabled":
        budget = take(thinking, "budget_tokens", int, "thinking")
        if budget < MIN_THINKING_BUDGET:
            raise FieldError("thinking.budget_tokens", "value", f"must be at least {MIN_THINKING_BUDGET}")
        if conversation.max_tokens is not None and budget >= conversation.max_tokens:
            raise FieldError("max_tokens", "value", "must be greater than `thinking.budget_tokens`")
        conversation.think_budget = budget
    if conversation.think and conversation.forced is not None:
        raise FieldError("tool_choice", "value", "thinking may not be on when `tool_choice` forces tool use")
    return maybe(thinking, "display", str, "thinking") == "omitted"


def _read_format(conversation: Conversation, data: dict[str, Any]) -> None:
    config = maybe(data, "output_config", dict) or {}
    wanted = maybe(config, "format", dict, "output_config") or maybe(data, "output_format", dict)
    if wanted is not None:
        one_of(take(wanted, "type", str, "output_config.format"), ("json_schema",), "output_config.format.type")
        conversation.schema = take(wanted, "schema", dict, "output_config.format")
