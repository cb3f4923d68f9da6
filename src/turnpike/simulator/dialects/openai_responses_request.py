"""OpenAI's request for a response, checked as OpenAI checks it and turned into a conversation.

Unknown fields are let through. Nothing is kept: a `previous_response_id` changes nothing here. Source: the OpenAI API
reference, "Create a model response".
"""

import base64
import binascii
import hashlib
from typing import Any

import msgspec

from turnpike.simulator.conversation import Conversation, Tool, ToolCall, ToolResult, Turn
from turnpike.simulator.dialects.fields import FieldError, between, check, maybe, one_of, take

SEAL = b"simulator "
"""What sealed reasoning begins with: anything else was sealed by somebody else."""
_ROLES = ("user", "assistant", "system", "developer")
_TEXTS = ("input_text", "output_text")


class ResponsesRequest(msgspec.Struct):
    conversation: Conversation
    data: dict[str, Any]
    stream: bool
    summary: bool
    sealed: bool
    """Whether reasoning is asked for in encrypted form."""
    logprobs: bool
    top_logprobs: int
    searches: bool
    """Whether the built-in web search is to be used."""


def read(data: dict[str, Any], body: bytes) -> ResponsesRequest:
    """Raises FieldError."""
    model = take(data, "model", str)
    stream = bool(maybe(data, "stream", bool))
    conversation = Conversation(model, [], [], hashlib.blake2b(body, digest_size=12).hexdigest())
    instructions = maybe(data, "instructions", str)
    if instructions:
        conversation.system.append(instructions)
    _read_input(conversation, data)
    hosted = _read_tools(conversation, data)
    _read_sampling(conversation, data)
    _read_format(conversation, data)
    summary = _read_reasoning(conversation, data)
    include = maybe(data, "include", list) or []
    top = maybe(data, "top_logprobs", int) or 0
    between(top, 0, 20, "top_logprobs")
    searches = "web_search" in hosted and "[tool:web_search]" in conversation.last_prompt()
    logprobs = "message.output_text.logprobs" in include
    sealed = "reasoning.encrypted_content" in include
    return ResponsesRequest(conversation, data, stream, summary, sealed, logprobs, top, searches)


# ---- input


def _read_input(conversation: Conversation, data: dict[str, Any]) -> None:
    given = data.get("input")
    if given is None and not any(data.get(name) for name in ("previous_response_id", "conversation", "prompt")):
        raise FieldError("input", "missing", "it is required")
    if isinstance(given, str):
        conversation.turns.append(Turn("user", texts=[given]))
        return
    calls: dict[str, str] = {}
    for index, item in enumerate(check(given or [], list, "input")):
        path = f"input[{index}]"
        _read_item(conversation, check(item, dict, path), path, calls)
    if calls:
        raise FieldError("input", "value", f"no tool output found for function call {next(iter(calls))}")


def _read_item(conversation: Conversation, item: dict[str, Any], path: str, calls: dict[str, str]) -> None:
    kind = maybe(item, "type", str, path) or "message"
    turns = conversation.turns
    if kind == "message":
        role = one_of(take(item, "role", str, path), _ROLES, f"{path}.role")
        turn = _message(item, role, path)
        if role in {"system", "developer"}:
            conversation.system.extend(turn.texts)
        else:
            turns.append(turn)
    elif kind == "function_call":
        call = ToolCall(
            take(item, "call_id", str, path), take(item, "name", str, path), take(item, "arguments", str, path)
        )
        calls[call.id] = call.name
        if not turns or turns[-1].role != "assistant":
            turns.append(Turn("assistant"))
        turns[-1].calls.append(call)
    elif kind == "function_call_output":
        identifier = take(item, "call_id", str, path)
        if identifier not in calls:
            raise FieldError(f"{path}.call_id", "value", f"no function call '{identifier}' stands before its output")
        turns.append(_result(calls.pop(identifier), item, path))
    elif kind == "reasoning":
        _check_reasoning(item, path)
    else:
        take(item, "type", str, path)


def _message(item: dict[str, Any], role: str, path: str) -> Turn:
    turn = Turn(role)
    content = item.get("content")
    if isinstance(content, str):
        turn.texts.append(content)
        return turn
    _read_parts(turn, take(item, "content", list, path), f"{path}.content")
    return turn


def _read_parts(turn: Turn, parts: list[Any], path: str) -> None:
    for index, part in enumerate(parts):
        place = f"{path}[{index}]"
        kind = take(check(part, dict, place), "type", str, place)
        if kind in _TEXTS:
            turn.texts.append(take(part, "text", str, place))
        elif kind == "refusal":
            turn.texts.append(take(part, "refusal", str, place))
        elif kind == "input_image":
            turn.attachments.append(_image(part, place))
        elif kind == "input_file":
            turn.attachments.append("document")
        elif kind == "input_audio":
            turn.attachments.append("audio")
        else:
            raise FieldError(f"{place}.type", "value", f"'{kind}' is not a supported value")


def _image(part: dict[str, Any], path: str) -> str:
    if part.get("file_id"):
        return "image"
    url = take(part, "image_url", str, path)
    if url.startswith(("https://", "http://")):
        return url
    media, comma, payload = url.removeprefix("data:").partition(";base64,")
    if not comma or not url.startswith("data:image/"):
        raise FieldError(f"{path}.image_url", "value", "expected an address or a base64 data URL of an image")
    try:
        size = len(base64.b64decode(payload, validate=True))
    except binascii.Error as error:
        raise FieldError(f"{path}.image_url", "value", "the data URL is not valid base64") from error
    return f"{media} of {size} bytes"


def _result(name: str, item: dict[str, Any], path: str) -> Turn:
    output = item.get("output")
    turn = Turn("tool")
    if isinstance(output, str):
        turn.texts.append(output)
    else:
        _read_parts(turn, take(item, "output", list, path), f"{path}.output")
    return Turn("tool", attachments=turn.attachments, results=[ToolResult(name, " ".join(turn.texts))])


def _check_reasoning(item: dict[str, Any], path: str) -> None:
    sealed = maybe(item, "encrypted_content", str, path)
    if sealed is None:
        if not item.get("content"):
            raise FieldError(f"{path}.id", "value", f"item '{item.get('id')}' was not found: nothing is stored")
        return
    try:
        opened = base64.b64decode(sealed, validate=True)
    except binascii.Error:
        opened = b""
    if not opened.startswith(SEAL):
        raise FieldError(f"{path}.encrypted_content", "value", "the encrypted content could not be verified")
    if item.get("id") != reasoning_id(opened.removeprefix(SEAL).decode()):
        raise FieldError(f"{path}.id", "value", "the encrypted content does not belong to this item")


def reasoning_id(digest: str) -> str:
    return f"rs_sim{digest}"


# ---- tools, limits, formats


def _read_tools(conversation: Conversation, data: dict[str, Any]) -> list[str]:
    """The functions go into the conversation; types of built-in tools are returned."""
    hosted: list[str] = []
    for index, tool in enumerate(maybe(data, "tools", list) or []):
        path = f"tools[{index}]"
        kind = take(check(tool, dict, path), "type", str, path)
        if kind != "function":
            hosted.append(kind)
            continue
        name = take(tool, "name", str, path)
        conversation.tools.append(Tool(name, maybe(tool, "parameters", dict, path) or {}))
    conversation.parallel = maybe(data, "parallel_tool_calls", bool) is not False
    _read_tool_choice(conversation, data.get("tool_choice"))
    return hosted


def _read_tool_choice(conversation: Conversation, choice: Any) -> None:
    if choice is None:
        return
    if isinstance(choice, str):
        one_of(choice, ("none", "auto", "required"), "tool_choice")
        conversation.may_call = choice != "none"
        conversation.forced = "*" if choice == "required" and conversation.tools else None
        return
    kind = take(check(choice, dict, "tool_choice"), "type", str, "tool_choice")
    if kind == "function":
        name = take(choice, "name", str, "tool_choice")
        if all(tool.name != name for tool in conversation.tools):
            raise FieldError("tool_choice", "value", f"tool choice '{name}' not found in 'tools' parameter")
        conversation.forced = name
    elif kind == "allowed_tools":
        allowed = [tool.get("name") for tool in take(choice, "tools", list, "tool_choice")]
        conversation.tools = [tool for tool in conversation.tools if tool.name in allowed]
        conversation.forced = "*" if choice.get("mode") == "required" else None


def _read_sampling(conversation: Conversation, data: dict[str, Any]) -> None:
    between(maybe(data, "temperature", float), 0, 2, "temperature")
    between(maybe(data, "top_p", float), 0, 1, "top_p")
    limit = maybe(data, "max_output_tokens", int)
    if limit is not None:
        between(limit, 1, 10**7, "max_output_tokens")
        conversation.max_tokens = limit
    if data.get("stop") is not None:
        raise FieldError("stop", "value", "unknown parameter")


def _read_reasoning(conversation: Conversation, data: dict[str, Any]) -> bool:
    """Whether a summary is asked for."""
    wanted = maybe(data, "reasoning", dict)
    if wanted is None:
        return False
    effort = maybe(wanted, "effort", str, "reasoning")
    if effort is not None:
        efforts = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
        conversation.think = one_of(effort, efforts, "reasoning.effort") != "none"
    return maybe(wanted, "summary", str, "reasoning") is not None


def _read_format(conversation: Conversation, data: dict[str, Any]) -> None:
    wanted = maybe(maybe(data, "text", dict) or {}, "format", dict, "text")
    if wanted is None:
        return
    kinds = ("text", "json_object", "json_schema")
    kind = one_of(take(wanted, "type", str, "text.format"), kinds, "text.format.type")
    if kind == "json_schema":
        take(wanted, "name", str, "text.format")
        conversation.schema = take(wanted, "schema", dict, "text.format")
    conversation.any_json = kind == "json_object"
