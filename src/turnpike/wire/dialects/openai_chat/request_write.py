"""The canonical request written as a Chat Completions one."""

import hashlib
from collections.abc import Iterable
from typing import Any

import msgspec

from turnpike.wire.dialect import Target
from turnpike.wire.dialects.common.schema import fits_openai_strict
from turnpike.wire.dialects.common.words import inexpressible, refuse_own_tools
from turnpike.wire.dialects.openai_chat.parts import write_details, write_part
from turnpike.wire.dialects.openai_chat.request_read import NAME
from turnpike.wire.profiles import quirks as q
from turnpike.wire.profiles.gpt import gpt
from turnpike.wire.profiles.reasoning import effort_of
from turnpike.wire.types.conversation import (
    CacheMark,
    Message,
    Part,
    Reasoning,
    ReasoningConfig,
    Refusal,
    Request,
    ResponseFormat,
    TextPart,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)

_FORMAT = "OpenAI's Chat Completions form"
_MAX_USER_CHARS = 64
_NO_ARGUMENTS = msgspec.Raw(b'{"type":"object","properties":{}}')

Json = dict[str, Any]


def write_request(request: Request, target: Target) -> bytes:
    """Raises Inexpressible for what the form, or this provider by its quirks, has no word for."""
    if request.extra and request.extra_of != NAME:
        raise inexpressible(next(iter(request.extra)), _FORMAT)
    refuse_own_tools(request, NAME, _FORMAT)
    quirks = target.quirks
    body: Json = {"model": target.upstream_model, "messages": _Messages(target).write(request.messages)}
    if request.stream:
        body["stream"] = True
        if q.NO_STREAM_OPTIONS not in quirks:
            body["stream_options"] = {"include_usage": True}
    if request.max_output_tokens is not None:
        body["max_tokens" if q.MAX_TOKENS in quirks else "max_completion_tokens"] = request.max_output_tokens
    if request.tools:
        body["tools"] = [_tool(tool, quirks) for tool in request.tools]
        if request.tool_choice is not None:
            body["tool_choice"] = _tool_choice(request.tool_choice)
        if request.parallel_tool_calls is not None and q.NO_PARALLEL_TOOL_CALLS not in quirks:
            body["parallel_tool_calls"] = request.parallel_tool_calls
    if request.response_format is not None:
        body["response_format"] = _response_format(request.response_format, quirks)
    _sampling(body, request, target)
    _reasoning(body, request.reasoning, target)
    _account(body, request, quirks)
    body.update(request.extra)
    return msgspec.json.encode(body)


def _sampling(body: Json, request: Request, target: Target) -> None:
    quirks = target.quirks
    if gpt(target.upstream_model).sampling:
        for name in ("temperature", "top_p", "frequency_penalty", "presence_penalty"):
            value: float | None = getattr(request, name)
            if value is not None:
                body[name] = value
        if request.top_k is not None and q.TOP_K in quirks:
            body["top_k"] = request.top_k
    if request.stop:
        body["stop"] = request.stop[0] if len(request.stop) == 1 else list(request.stop)
    if request.seed is not None:
        body["random_seed" if q.RANDOM_SEED in quirks else "seed"] = request.seed


def _reasoning(body: Json, config: ReasoningConfig | None, target: Target) -> None:
    if config is None:
        return
    quirks = target.quirks
    if q.THINKING_SWITCH in quirks:
        off = config.mode == "disabled" or config.effort == "none"
        body["thinking"] = {"type": "disabled" if off else "enabled"}
        if off:
            return
    if q.NO_REASONING_EFFORT in quirks or not gpt(target.upstream_model).reasons:
        return
    if config.effort is not None:
        body["reasoning_effort"] = config.effort
    elif config.mode != "disabled" and config.budget_tokens is not None:
        body["reasoning_effort"] = effort_of(config.budget_tokens)


def _account(body: Json, request: Request, quirks: frozenset[str]) -> None:
    if request.user is not None and q.NO_USER not in quirks:
        user = request.user
        body["user"] = user if len(user) <= _MAX_USER_CHARS else hashlib.sha256(user.encode()).hexdigest()
    if q.NO_METADATA in quirks:
        return
    for name in ("metadata", "service_tier", "store", "prompt_cache_key", "verbosity"):
        value: Any = getattr(request, name)
        if value is not None:
            body[name] = value


def _tool(tool: Tool, quirks: frozenset[str]) -> Json:
    function: Json = {"name": tool.name}
    if tool.description is not None:
        function["description"] = tool.description
    function["parameters"] = tool.parameters or _NO_ARGUMENTS
    if tool.strict is not None:
        function["strict"] = tool.strict
    written: Json = {"type": "function", "function": function}
    if tool.cache is not None and q.CACHE_CONTROL in quirks:
        written["cache_control"] = _cache_control(tool.cache)
    return written


def _tool_choice(choice: ToolChoice) -> str | Json:
    if choice.mode == "tool":
        return {"type": "function", "function": {"name": choice.name}}
    return choice.mode


def _response_format(wanted: ResponseFormat, quirks: frozenset[str]) -> Json:
    if wanted.kind != "json_schema":
        return {"type": wanted.kind}
    if q.NO_JSON_SCHEMA in quirks:
        raise inexpressible("response_format", "this provider's form", "It has no JSON schema output; use a tool.")
    schema: Json = {"name": wanted.name or "response"}
    if wanted.description is not None:
        schema["description"] = wanted.description
    strict = wanted.strict
    if wanted.json_schema is not None:
        schema["schema"] = wanted.json_schema
        if strict is None and fits_openai_strict(wanted.json_schema):
            strict = True
    if strict is not None:
        schema["strict"] = strict
    return {"type": "json_schema", "json_schema": schema}


def _cache_control(mark: CacheMark) -> Json:
    return {"type": "ephemeral"} if mark.ttl not in ("5m", "1h") else {"type": "ephemeral", "ttl": mark.ttl}


class _Messages:
    """Writes the messages of one request."""

    def __init__(self, target: Target) -> None:
        self._quirks = target.quirks
        self._short_ids = q.SHORT_TOOL_IDS in target.quirks
        self._breakpoints = q.CACHE_BREAKPOINTS in target.quirks and gpt(target.upstream_model).cache_breakpoints

    def write(self, messages: Iterable[Message]) -> list[Json]:
        written: list[Json] = []
        for number, message in enumerate(messages):
            param = f"messages[{number}]"
            if message.role == "tool":
                written += self._results(message.parts, param)
            elif message.role == "assistant":
                written.append(self._assistant(message, param))
            else:
                developer = message.role == "developer" and q.NO_DEVELOPER_ROLE in self._quirks
                role = "system" if developer else message.role
                entry: Json = {"role": role, "content": self._content(message.parts, param, "\n")}
                if message.name is not None:
                    entry["name"] = message.name
                written.append(entry)
        return written

    def _assistant(self, message: Message, param: str) -> Json:
        entry: Json = {"role": "assistant"}
        said = [part for part in message.parts if isinstance(part, (TextPart, Refusal))]
        calls = [part for part in message.parts if isinstance(part, ToolCall)]
        for number, part in enumerate(message.parts):
            if not isinstance(part, (TextPart, Refusal, ToolCall, Reasoning)):
                raise inexpressible(f"{param}.content[{number}]", _FORMAT)
        texts: list[Part] = [part for part in said if isinstance(part, TextPart)]
        entry["content"] = self._content(texts, param, "") if texts or not calls else None
        refusals = [part.text for part in said if isinstance(part, Refusal)]
        if refusals:
            entry["refusal"] = "".join(refusals)
        if calls:
            entry["tool_calls"] = [
                {
                    "id": self._id(call.id),
                    "type": "function",
                    "function": {"name": call.name, "arguments": call.arguments or "{}"},
                }
                for call in calls
            ]
        if message.name is not None:
            entry["name"] = message.name
        self._add_reasoning(entry, message.parts)
        return entry

    def _add_reasoning(self, entry: Json, parts: Iterable[Part]) -> None:
        thoughts = [part for part in parts if isinstance(part, Reasoning)]
        if not thoughts:
            return
        text = "".join(part.text for part in thoughts)
        if q.REASONING_DETAILS_BACK in self._quirks:
            entry["reasoning_details"] = write_details(thoughts)
        elif q.REASONING_CONTENT_BACK in self._quirks and text:
            entry["reasoning_content"] = text
        elif q.REASONING_BACK in self._quirks and text:
            entry["reasoning"] = text

    def _results(self, parts: Iterable[Part], param: str) -> list[Json]:
        """A message for each result; images and files of theirs follow in one user message, since a result is text."""
        written: list[Json] = []
        attached: list[Part] = []
        for number, result in enumerate(parts):
            if not isinstance(result, ToolResult):
                raise inexpressible(f"{param}.content[{number}]", _FORMAT)
            texts: list[Part] = [part for part in result.parts if isinstance(part, TextPart)]
            media = [part for part in result.parts if not isinstance(part, TextPart)]
            if result.is_error:
                texts = [_as_error(texts), *texts[1:]]
            content = self._content(texts, param, "\n")
            if media and not texts:
                content = "The result is in the next message."
            written.append({"role": "tool", "tool_call_id": self._id(result.call_id), "content": content})
            attached += media
        if attached:
            content_parts = [self._part(part, f"{param}.content") for part in attached]
            written.append({"role": "user", "content": content_parts})
        return written

    def _content(self, parts: Iterable[Part], param: str, joint: str) -> str | list[Json]:
        parts = list(parts)
        if not parts:
            return ""
        plain = [part for part in parts if isinstance(part, TextPart)]
        one = len(parts) == 1 or q.TEXT_AS_STRING in self._quirks
        if one and len(parts) == len(plain) and not any(self._marked(part) for part in plain):
            return joint.join(part.text for part in plain)
        return [self._part(part, f"{param}.content[{number}]") for number, part in enumerate(parts)]

    def _part(self, part: Part, param: str) -> Json:
        written = write_part(part, param)
        written.update(self._marked(part))
        return written

    def _marked(self, part: Part) -> Json:
        mark: CacheMark | None = getattr(part, "cache", None)
        if mark is None:
            return {}
        if q.CACHE_CONTROL in self._quirks:
            return {"cache_control": _cache_control(mark)}
        if self._breakpoints:
            ttl = {"1h": "12h", "12h": "12h"}.get(mark.ttl or "")
            return {"prompt_cache_breakpoint": {"mode": "explicit"} | ({"ttl": ttl} if ttl else {})}
        return {}

    def _id(self, call_id: str) -> str:
        if not self._short_ids or (len(call_id) == 9 and call_id.isascii() and call_id.isalnum()):
            return call_id
        return hashlib.sha256(call_id.encode()).hexdigest()[:9]


def _as_error(texts: list[Part]) -> TextPart:
    """OpenAI's form has no flag for a failed call: the text says so."""
    first = texts[0] if texts else None
    text = first.text if isinstance(first, TextPart) else ""
    return TextPart(text if text.lower().startswith("error") else f"Error: {text}".rstrip(": "))
