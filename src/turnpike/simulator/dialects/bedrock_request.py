"""Bedrock's Converse request, checked as Bedrock checks it and turned into a conversation.

Source: Converse in the Bedrock Runtime API reference.
"""

import base64
import binascii
import hashlib
from typing import Any

import msgspec

from turnpike.simulator.conversation import Conversation, Tool, ToolCall, ToolResult, Turn
from turnpike.simulator.dialects.fields import FieldError, between, check, maybe, one_of, take

_IMAGES = ("png", "jpeg", "gif", "webp")
_KNOWN = frozenset((
    "messages", "system", "inferenceConfig", "toolConfig", "guardrailConfig", "additionalModelRequestFields",
    "promptVariables", "additionalModelResponseFieldPaths", "requestMetadata", "performanceConfig", "serviceTier",
    "outputConfig",
))  # fmt: skip


def read(data: dict[str, Any], model: str, body: bytes) -> Conversation:
    """Raises FieldError."""
    for name in data:
        if name not in _KNOWN:
            raise FieldError(name, "value", "extraneous key is not permitted")
    conversation = Conversation(model, [], [], hashlib.blake2b(body, digest_size=12).hexdigest())
    for index, block in enumerate(maybe(data, "system", list) or []):
        if "cachePoint" not in check(block, dict, f"system.{index}"):
            conversation.system.append(take(block, "text", str, f"system.{index}"))
    _read_messages(conversation, take(data, "messages", list))
    config = maybe(data, "inferenceConfig", dict) or {}
    conversation.max_tokens = maybe(config, "maxTokens", int, "inferenceConfig")
    between(conversation.max_tokens, 1, 10**7, "inferenceConfig.maxTokens")
    between(maybe(config, "temperature", float, "inferenceConfig"), 0, 1, "inferenceConfig.temperature")
    conversation.stops.extend(maybe(config, "stopSequences", list, "inferenceConfig") or [])
    _read_tools(conversation, maybe(data, "toolConfig", dict))
    _read_more(conversation, data)
    return conversation


def _read_messages(conversation: Conversation, messages: list[Any]) -> None:
    waiting: dict[str, str] = {}
    before = "assistant"
    for index, message in enumerate(messages):
        path = f"messages.{index}"
        role = one_of(take(check(message, dict, path), "role", str, path), ("user", "assistant"), f"{path}.role")
        if role == before:
            raise FieldError("messages", "value", "a conversation must alternate between user and assistant roles")
        before = role
        turn = Turn(role)
        content = take(message, "content", list, path)
        if not content:
            raise FieldError(f"{path}.content", "value", "the content field is empty")
        for number, block in enumerate(content):
            _read_block(turn, check(block, dict, f"{path}.content.{number}"), f"{path}.content.{number}", waiting)
        if waiting:
            raise FieldError(path, "value", f"expected toolResult blocks for the ids {', '.join(waiting)}")
        waiting = {call.id: call.name for call in turn.calls}
        conversation.turns.append(turn)


def _read_block(turn: Turn, block: dict[str, Any], path: str, waiting: dict[str, str]) -> None:
    if len(block) != 1:
        raise FieldError(path, "value", "exactly one member of a content block must be set")
    kind, value = next(iter(block.items()))
    if kind == "text":
        if not check(value, str, f"{path}.text").strip():
            raise FieldError(f"{path}.text", "value", "the text field is blank")
        turn.texts.append(value)
        return
    check(value, dict, f"{path}.{kind}")
    if kind == "image":
        turn.attachments.append(_describe(value, f"{path}.image", _IMAGES))
    elif kind in ("document", "audio", "video"):
        turn.attachments.append("document" if kind == "document" else kind)
    elif kind == "toolUse":
        arguments = msgspec.json.encode(take(value, "input", dict, path)).decode()
        turn.calls.append(ToolCall(take(value, "toolUseId", str, path), take(value, "name", str, path), arguments))
    elif kind == "toolResult":
        _read_result(turn, value, path, waiting)
    elif kind not in ("reasoningContent", "cachePoint", "guardContent"):
        raise FieldError(f"{path}.{kind}", "value", "unknown content block")


def _describe(value: dict[str, Any], path: str, formats: tuple[str, ...]) -> str:
    kind = one_of(take(value, "format", str, path), formats, f"{path}.format")
    try:
        size = len(base64.b64decode(take(take(value, "source", dict, path), "bytes", str, path), validate=True))
    except binascii.Error as error:
        raise FieldError(f"{path}.source.bytes", "value", "invalid base64") from error
    return f"image/{kind} of {size} bytes"


def _read_result(turn: Turn, value: dict[str, Any], path: str, waiting: dict[str, str]) -> None:
    identifier = take(value, "toolUseId", str, path)
    if identifier not in waiting:
        raise FieldError(path, "value", f"no toolUse block '{identifier}' in the previous message")
    content = take(value, "content", list, path)
    texts = [item.get("text") or msgspec.json.encode(item.get("json")).decode() for item in content]
    failed = value.get("status") == "error"
    turn.results.append(ToolResult(waiting.pop(identifier), " ".join(texts), failed=failed))


def _read_tools(conversation: Conversation, config: dict[str, Any] | None) -> None:
    if config is None:
        if any(turn.calls or turn.results for turn in conversation.turns):
            raise FieldError("toolConfig", "missing", "must be defined when toolUse and toolResult blocks are used")
        return
    for index, tool in enumerate(take(config, "tools", list, "toolConfig")):
        if "cachePoint" in tool:
            continue
        path = f"toolConfig.tools.{index}.toolSpec"
        spec = take(tool, "toolSpec", dict, path)
        schema = take(take(spec, "inputSchema", dict, path), "json", dict, path)
        conversation.tools.append(Tool(take(spec, "name", str, path), schema))
    choice = maybe(config, "toolChoice", dict, "toolConfig") or {}
    if "any" in choice:
        conversation.forced = "*"
    elif "tool" in choice:
        conversation.forced = take(choice["tool"], "name", str, "toolConfig.toolChoice.tool")


def _read_more(conversation: Conversation, data: dict[str, Any]) -> None:
    additional = maybe(data, "additionalModelRequestFields", dict) or {}
    thinking = additional.get("thinking")
    if isinstance(thinking, dict):
        conversation.think = thinking.get("type") != "disabled"
        conversation.think_budget = thinking.get("budget_tokens")
    output = maybe(data, "outputConfig", dict) or {}
    wanted = output.get("textFormat")
    if isinstance(wanted, dict):
        conversation.schema = msgspec.json.decode(wanted["structure"]["jsonSchema"]["schema"])
