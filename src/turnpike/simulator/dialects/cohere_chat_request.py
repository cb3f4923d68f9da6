"""Cohere's v2 chat request, checked as Cohere checks it and turned into a conversation.

Unknown fields are let through. Source: https://docs.cohere.com/reference/chat.
"""

import hashlib
from typing import Any

import msgspec

from turnpike.simulator.conversation import Conversation, Tool, ToolCall, ToolResult, Turn
from turnpike.simulator.dialects.fields import FieldError, between, check, maybe, one_of, present, take
from turnpike.simulator.dialects.openai_chat_request import describe_url

_ROLES = ("system", "user", "assistant", "tool")
_BLOCKS = ("text", "image_url", "thinking", "document")


class CohereRequest(msgspec.Struct):
    conversation: Conversation
    stream: bool
    logprobs: bool
    cites: bool
    """There are documents, and citations were not switched off."""


def read(data: dict[str, Any], body: bytes) -> CohereRequest:
    """Raises FieldError."""
    model = take(data, "model", str)
    messages = take(data, "messages", list)
    if not messages:
        raise FieldError("messages", "value", "at least one message is required")
    conversation = Conversation(model, [], [], hashlib.blake2b(body, digest_size=12).hexdigest())
    _read_messages(conversation, messages)
    _read_tools(conversation, data)
    _read_sampling(conversation, data)
    _read_format(conversation, data)
    documents = maybe(data, "documents", list) or []
    for index, document in enumerate(documents):
        if not isinstance(document, str):
            take(check(document, dict, f"documents[{index}]"), "data", dict, f"documents[{index}]")
    if documents:
        conversation.turns.append(Turn("documents", attachments=["document"] * len(documents)))
    mode = (maybe(data, "citation_options", dict) or {}).get("mode")
    cites = bool(documents) and mode not in {"OFF", "DISABLED"}
    return CohereRequest(conversation, bool(maybe(data, "stream", bool)), bool(maybe(data, "logprobs", bool)), cites)


# ---- messages


def _read_messages(conversation: Conversation, messages: list[Any]) -> None:
    known: dict[str, str] = {}
    for index, message in enumerate(messages):
        path = f"messages[{index}]"
        check(message, dict, path)
        role = one_of(take(message, "role", str, path), _ROLES, f"{path}.role")
        if role == "tool":
            conversation.turns.append(_tool_turn(message, path, known))
        elif role == "system":
            conversation.system.extend(_content(message, path, Turn(role)).texts)
        elif role == "assistant":
            turn = _assistant_turn(message, path)
            known.update({call.id: call.name for call in turn.calls})
            conversation.turns.append(turn)
        else:
            present(message, "content", path)
            conversation.turns.append(_content(message, path, Turn("user")))


def _content(message: dict[str, Any], path: str, turn: Turn) -> Turn:
    content = message.get("content")
    if content is None:
        return turn
    if isinstance(content, str):
        turn.texts.append(content)
        return turn
    for index, block in enumerate(check(content, list, f"{path}.content")):
        place = f"{path}.content[{index}]"
        kind = one_of(take(check(block, dict, place), "type", str, place), _BLOCKS, f"{place}.type")
        if kind == "image_url":
            url = take(take(block, "image_url", dict, place), "url", str, f"{place}.image_url")
            turn.attachments.append(describe_url(url, f"{place}.image_url.url"))
        elif kind == "document":
            data = take(take(block, "document", dict, place), "data", dict, f"{place}.document")
            turn.texts.append(" ".join(map(str, data.values())))
        else:
            turn.texts.append(take(block, kind, str, place))
    return turn


def _assistant_turn(message: dict[str, Any], path: str) -> Turn:
    turn = _content(message, path, Turn("assistant"))
    plan = maybe(message, "tool_plan", str, path)
    if plan:
        turn.texts.append(plan)
    for index, call in enumerate(maybe(message, "tool_calls", list, path) or []):
        place = f"{path}.tool_calls[{index}]"
        function = take(check(call, dict, place), "function", dict, place)
        name = take(function, "name", str, f"{place}.function")
        arguments = take(function, "arguments", str, f"{place}.function")
        turn.calls.append(ToolCall(take(call, "id", str, place), name, arguments))
    return turn


def _tool_turn(message: dict[str, Any], path: str, known: dict[str, str]) -> Turn:
    identifier = take(message, "tool_call_id", str, path)
    if identifier not in known:
        raise FieldError(path, "value", f"tool call id {identifier} not found in previous tool calls")
    present(message, "content", path)
    turn = _content(message, path, Turn("tool"))
    turn.results.append(ToolResult(known[identifier], " ".join(turn.texts)))
    turn.texts = []
    return turn


# ---- tools, limits, formats


def _read_tools(conversation: Conversation, data: dict[str, Any]) -> None:
    for index, tool in enumerate(maybe(data, "tools", list) or []):
        path = f"tools[{index}]"
        one_of(take(check(tool, dict, path), "type", str, path), ("function",), f"{path}.type")
        function = take(tool, "function", dict, path)
        name = take(function, "name", str, f"{path}.function")
        conversation.tools.append(Tool(name, take(function, "parameters", dict, f"{path}.function")))
    choice = maybe(data, "tool_choice", str)
    if choice is None:
        return
    if not conversation.tools:
        raise FieldError("tool_choice", "value", "it is only allowed when 'tools' are given")
    one_of(choice, ("REQUIRED", "NONE"), "tool_choice")
    conversation.may_call = choice != "NONE"
    conversation.forced = "*" if choice == "REQUIRED" else None


def _read_sampling(conversation: Conversation, data: dict[str, Any]) -> None:
    between(maybe(data, "temperature", float), 0, 2, "temperature")
    between(maybe(data, "p", float), 0.01, 0.99, "p")
    between(maybe(data, "k", int), 0, 500, "k")
    between(maybe(data, "frequency_penalty", float), 0, 1, "frequency_penalty")
    between(maybe(data, "presence_penalty", float), 0, 1, "presence_penalty")
    conversation.max_tokens = maybe(data, "max_tokens", int)
    between(conversation.max_tokens, 1, 10**7, "max_tokens")
    stops = maybe(data, "stop_sequences", list) or []
    if len(stops) > 5:
        raise FieldError("stop_sequences", "value", "at most 5 are allowed")
    conversation.stops = [check(one, str, "stop_sequences") for one in stops]
    thinking = maybe(data, "thinking", dict)
    if thinking is not None:
        kind = one_of(take(thinking, "type", str, "thinking"), ("enabled", "disabled"), "thinking.type")
        conversation.think = kind == "enabled"
        conversation.think_budget = maybe(thinking, "token_budget", int, "thinking")


def _read_format(conversation: Conversation, data: dict[str, Any]) -> None:
    wanted = maybe(data, "response_format", dict)
    if wanted is None:
        return
    kind = one_of(take(wanted, "type", str, "response_format"), ("text", "json_object"), "response_format.type")
    if kind == "json_object":
        if conversation.tools:
            raise FieldError("response_format", "value", "it is not supported with 'tools'")
        schemas = [maybe(wanted, name, dict, "response_format") for name in ("json_schema", "schema")]
        conversation.schema = schemas[0] or schemas[1]
        conversation.any_json = conversation.schema is None
