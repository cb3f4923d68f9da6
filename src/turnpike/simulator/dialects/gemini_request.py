"""Gemini's request, checked as Google checks it and turned into a conversation. Unknown fields are let through.

Source: Google's Gemini API reference, "GenerateContentRequest", and its guides to function calling and thinking.
"""

import base64
import binascii
import hashlib
from typing import Any

import msgspec

from turnpike.simulator.conversation import Conversation, Tool, ToolCall, ToolResult, Turn
from turnpike.simulator.dialects.fields import FieldError, between, check, maybe, one_of, present, take
from turnpike.wire.dialects.gemini.schema import to_json_schema
from turnpike.wire.dialects.gemini.spelling import in_camel_case


class GenerateRequest(msgspec.Struct):
    conversation: Conversation
    show_thoughts: bool = True
    searches: bool = False
    logprobs: int | None = None


def read(body: bytes, model: str) -> GenerateRequest:
    """Raises FieldError."""
    data: dict[str, Any] = msgspec.json.decode(in_camel_case(body))
    conversation = Conversation(model, [], [], hashlib.blake2b(body, digest_size=12).hexdigest())
    request = GenerateRequest(conversation)
    system = maybe(data, "systemInstruction", dict)
    if system is not None:
        conversation.system.extend(_texts(system, "systemInstruction"))
    contents = present(data, "contents")
    _read_contents(conversation, [contents] if isinstance(contents, dict) else check(contents, list, "contents"))
    _read_tools(request, data)
    _read_config(request, maybe(data, "generationConfig", dict) or {})
    return request


def _texts(content: dict[str, Any], path: str) -> list[str]:
    parts = content.get("parts")
    parts = [parts] if isinstance(parts, dict) else parts
    return [take(part, "text", str, path) for part in check(parts, list, f"{path}.parts")]


# ---- contents


def _read_contents(conversation: Conversation, contents: list[Any]) -> None:
    if not contents:
        raise FieldError("contents", "missing", "it is required")
    waiting: list[ToolCall] = []
    for index, content in enumerate(contents):
        path = f"contents[{index}]"
        role = one_of(check(content, dict, path).get("role") or "user", ("user", "model", "function"), f"{path}.role")
        turn = Turn("assistant" if role == "model" else "user")
        parts = content.get("parts")
        parts = [parts] if isinstance(parts, dict) else parts
        if not parts:
            raise FieldError(f"{path}.parts", "missing", "it is required")
        for number, part in enumerate(check(parts, list, f"{path}.parts")):
            _read_part(turn, check(part, dict, f"{path}.parts[{number}]"), f"{path}.parts[{number}]", waiting)
        if waiting:
            message = "the number of function response parts must equal that of the function call parts before them"
            raise FieldError(path, "value", message)
        waiting = list(turn.calls)
        conversation.turns.append(turn)
    if waiting:
        raise FieldError("contents", "value", "a function call must be followed by its function response")


def _read_part(turn: Turn, part: dict[str, Any], path: str, waiting: list[ToolCall]) -> None:
    _check_signature(part, path)
    if "functionCall" in part:
        call = take(part, "functionCall", dict, path)
        arguments = msgspec.json.encode(maybe(call, "args", dict, path) or {}).decode()
        turn.calls.append(ToolCall(call.get("id") or "", take(call, "name", str, path), arguments))
    elif "functionResponse" in part:
        _read_result(turn, take(part, "functionResponse", dict, path), path, waiting)
    elif "inlineData" in part:
        turn.attachments.append(_describe(take(part, "inlineData", dict, path), path))
    elif "fileData" in part:
        turn.attachments.append(take(take(part, "fileData", dict, path), "fileUri", str, path))
    elif part.get("thought") is not True:
        text = take(part, "text", str, path)
        if not text and "thoughtSignature" not in part:
            raise FieldError(path, "value", "a part must hold data: text is empty")
        if text:
            turn.texts.append(text)


def _check_signature(part: dict[str, Any], path: str) -> None:
    signature = maybe(part, "thoughtSignature", str, path)
    if signature is None:
        return
    try:
        base64.urlsafe_b64decode(signature)
    except binascii.Error as error:
        raise FieldError(path, "value", "corrupted thought signature") from error


def _describe(blob: dict[str, Any], path: str) -> str:
    media = take(blob, "mimeType", str, path)
    try:
        size = len(base64.urlsafe_b64decode(take(blob, "data", str, path).replace("+", "-").replace("/", "_")))
    except binascii.Error as error:
        raise FieldError(f"{path}.inlineData.data", "value", "Base64 decoding failed") from error
    return f"{media} of {size} bytes" if media.startswith("image/") else media


def _read_result(turn: Turn, response: dict[str, Any], path: str, waiting: list[ToolCall]) -> None:
    """By id where there is one, else by name, in order."""
    name = take(response, "name", str, path)
    given = maybe(response, "id", str, path)
    fitting = [call for call in waiting if call.name == name and given in (None, call.id)]
    if not fitting:
        raise FieldError(path, "value", f"no function call before it is named '{name}', or has its id")
    waiting.remove(fitting[0])
    result = take(response, "response", dict, path)
    for number, media in enumerate(maybe(response, "parts", list, path) or []):
        turn.attachments.append(_describe(take(media, "inlineData", dict, f"{path}.parts[{number}]"), path))
    turn.results.append(ToolResult(name, _said(result), failed=list(result) == ["error"]))


def _said(result: dict[str, Any]) -> str:
    if len(result) == 1 and next(iter(result)) in {"output", "result", "error"}:
        value = next(iter(result.values()))
        return value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return msgspec.json.encode(result).decode()


# ---- tools and generation


def _read_tools(request: GenerateRequest, data: dict[str, Any]) -> None:
    conversation = request.conversation
    for index, tool in enumerate(maybe(data, "tools", list) or []):
        path = f"tools[{index}]"
        check(tool, dict, path)
        request.searches |= "googleSearch" in tool
        for number, function in enumerate(maybe(tool, "functionDeclarations", list, path) or []):
            where = f"{path}.functionDeclarations[{number}]"
            conversation.tools.append(Tool(take(function, "name", str, where), _schema(function, "parameters", where)))
    config = maybe(data, "toolConfig", dict) or {}
    calling = maybe(config, "functionCallingConfig", dict, "toolConfig")
    if calling is not None:
        _read_choice(conversation, calling)


def _read_choice(conversation: Conversation, calling: dict[str, Any]) -> None:
    mode = one_of(calling.get("mode") or "AUTO", ("AUTO", "ANY", "NONE", "VALIDATED"), "function_calling_config.mode")
    allowed = maybe(calling, "allowedFunctionNames", list) or []
    if allowed and mode not in {"ANY", "VALIDATED"}:
        raise FieldError("allowed_function_names", "value", "should be set only for mode ANY or VALIDATED")
    for name in allowed:
        if all(tool.name != name for tool in conversation.tools):
            raise FieldError("allowed_function_names", "value", f"'{name}' is not declared")
    conversation.may_call = mode != "NONE"
    if mode == "ANY":
        conversation.forced = allowed[0] if allowed else "*"


def _schema(holder: dict[str, Any], name: str, path: str) -> dict[str, Any]:
    """Of a function's parameters or of an answer, in whichever of the two forms it was given."""
    own, plain = maybe(holder, name, dict, path), maybe(holder, _PLAIN[name], dict, path)
    if own is not None and plain is not None:
        raise FieldError(f"{path}.{name}", "value", f"excludes {_PLAIN[name]}")
    if own is None:
        return plain or {}
    if isinstance(own.get("type"), str) and own["type"] != own["type"].upper():
        raise FieldError(f"{path}.{name}.type", "value", f"'{own['type']}' is no type of this form")
    return msgspec.json.decode(to_json_schema(msgspec.Raw(msgspec.json.encode(own)), path))


_PLAIN = {"parameters": "parametersJsonSchema", "responseSchema": "responseJsonSchema"}


def _read_config(request: GenerateRequest, config: dict[str, Any]) -> None:
    conversation, path = request.conversation, "generation_config"
    conversation.max_tokens = maybe(config, "maxOutputTokens", int, path)
    between(conversation.max_tokens, 1, 10**7, f"{path}.max_output_tokens")
    between(maybe(config, "temperature", float, path), 0, 2, f"{path}.temperature")
    between(maybe(config, "topP", float, path), 0, 1, f"{path}.top_p")
    conversation.stops.extend(check(stop, str, path) for stop in maybe(config, "stopSequences", list, path) or [])
    between(maybe(config, "candidateCount", int, path), 1, 8, f"{path}.candidate_count")
    if config.get("responseMimeType") == "application/json":
        conversation.schema = _schema(config, "responseSchema", path) or None
        conversation.any_json = conversation.schema is None
    if maybe(config, "responseLogprobs", bool, path):
        request.logprobs = maybe(config, "logprobs", int, path) or 0
    thinking = maybe(config, "thinkingConfig", dict, path)
    if thinking is None:
        return
    budget = maybe(thinking, "thinkingBudget", int, path)
    if budget is not None and maybe(thinking, "thinkingLevel", str, path):
        raise FieldError(f"{path}.thinking_config", "value", "takes a budget or a level, not both")
    conversation.think = budget != 0
    conversation.think_budget = budget if budget is not None and budget > 0 else None
    request.show_thoughts = bool(maybe(thinking, "includeThoughts", bool, path))
