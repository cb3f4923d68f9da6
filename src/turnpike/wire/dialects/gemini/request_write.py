"""The canonical request written as a generateContent one."""

from collections.abc import Iterable
from typing import Any

import msgspec

from turnpike.wire.dialect import Target
from turnpike.wire.dialects.common.words import inexpressible, invalid
from turnpike.wire.dialects.gemini.config import PREFIX, write_config
from turnpike.wire.dialects.gemini.parts import FORMAT, NAME, response_of
from turnpike.wire.dialects.gemini.parts_write import write_part
from turnpike.wire.dialects.gemini.signatures import UNSIGNED
from turnpike.wire.dialects.gemini.tools import write_choice, write_tools
from turnpike.wire.profiles import quirks as q
from turnpike.wire.profiles.gemini import gemini
from turnpike.wire.types.conversation import (
    FilePart,
    ImagePart,
    Message,
    Part,
    Reasoning,
    Refusal,
    Request,
    TextPart,
    ToolCall,
    ToolResult,
)

Json = dict[str, Any]

_TIERS = {"default": "standard", "flex": "flex", "priority": "priority"}


def write_request(request: Request, target: Target) -> bytes:
    """Raises Inexpressible for what the form, or this model by what is known of it, has no word for."""
    return msgspec.json.encode(write_members(request, target))


def write_members(request: Request, target: Target) -> Json:
    if request.extra and request.extra_of != NAME:
        raise inexpressible(next(iter(request.extra)), FORMAT)
    if request.parallel_tool_calls is False and request.tools:
        raise inexpressible("parallel_tool_calls", FORMAT, "It cannot be told to make one call at a time.")
    body = write_prompt(request, target)
    if request.tool_choice is not None and request.tools:
        body["toolConfig"] = write_choice(request.tool_choice)
    config = write_config(request, target)
    if config:
        body["generationConfig"] = config
    tier = _TIERS.get(request.service_tier or "")
    if tier is not None and tier != "standard":
        body["serviceTier"] = tier
    if request.metadata and q.LABELS in target.quirks:
        body["labels"] = request.metadata
    _add_extra(body, request.extra)
    return body


def write_prompt(request: Request, target: Target) -> Json:
    """What is counted as input: contents, system instruction and tools."""
    system, contents = _Contents(target).write(request.messages)
    body: Json = {"contents": contents}
    if system:
        body["systemInstruction"] = {"parts": system}
    tools = write_tools(request.tools, request.server_tools)
    if tools:
        body["tools"] = tools
    return body


def _add_extra(body: Json, extra: dict[str, msgspec.Raw]) -> None:
    for name, raw in extra.items():
        outer, _, inner = name.partition(".")
        if name.startswith(PREFIX):
            continue
        if inner:
            body.setdefault(outer, {})[inner] = raw
        else:
            body[name] = raw


class _Contents:
    """Writes the messages of one request."""

    def __init__(self, target: Target) -> None:
        self._facts = gemini(target.upstream_model)
        self._ids = q.NO_CALL_IDS not in target.quirks
        self._names: dict[str, str] = {}
        """Of functions, by the ids of calls, in their order: a result must name its function."""

    def write(self, messages: Iterable[Message]) -> tuple[list[Json], list[Json]]:
        """System prompts stand apart, wherever they were."""
        system: list[Json] = []
        contents: list[Json] = []
        for number, message in enumerate(messages):
            param = f"messages[{number}]"
            match message.role:
                case "system" | "developer":
                    system += self._system(message, param)
                case "assistant":
                    self._add(contents, "model", self._said(message.parts, param))
                case "tool":
                    self._add(contents, "user", self._results(message.parts, param))
                case _:
                    self._add(contents, "user", self._parts(message.parts, param))
        return system, contents

    def _add(self, contents: list[Json], role: str, parts: list[Json]) -> None:
        if parts:
            contents.append({"role": role, "parts": parts})

    def _system(self, message: Message, param: str) -> list[Json]:
        for number, part in enumerate(message.parts):
            if not isinstance(part, TextPart):
                raise inexpressible(f"{param}.content[{number}]", FORMAT, "A system instruction is text.")
        return self._parts(message.parts, param)

    def _parts(self, parts: Iterable[Part], param: str) -> list[Json]:
        """Without empty texts, which Gemini refuses."""
        return [
            write_part(part, f"{param}.content[{number}]")
            for number, part in enumerate(parts)
            if not (isinstance(part, (TextPart, Refusal)) and not part.text and not getattr(part, "signature", None))
        ]

    def _said(self, parts: Iterable[Part], param: str) -> list[Json]:
        """Thoughts go back without a signature of another provider's; hidden ones not at all."""
        said: list[Json] = []
        signed = not self._facts.signed_calls
        for number, part in enumerate(parts):
            where = f"{param}.content[{number}]"
            match part:
                case Reasoning():
                    if part.text:
                        said.append({"text": part.text, "thought": True})
                case ToolCall():
                    self._names.pop(part.id, None)
                    self._names[part.id] = part.name
                    written = write_part(part if self._ids else msgspec.structs.replace(part, id=""), where)
                    if not signed and "thoughtSignature" not in written:
                        written["thoughtSignature"] = UNSIGNED
                    signed = True
                    said.append(written)
                case _:
                    said += self._parts((part,), param)
        return said

    def _results(self, parts: Iterable[Part], param: str) -> list[Json]:
        """In the order of their calls, by which Gemini may match them. Media of results stand inside of them for
        models that take it, else behind them all."""
        written: list[Json] = []
        behind: list[Json] = []
        for where, result in self._in_order(parts, param):
            media = [write_part(part, where) for part in result.parts if isinstance(part, (ImagePart, FilePart))]
            response = self._response(result, where, bool(media))
            if media and self._facts.media_in_results:
                response["parts"] = media
            else:
                behind += media
            written.append({"functionResponse": response})
        return written + behind

    def _in_order(self, parts: Iterable[Part], param: str) -> list[tuple[str, ToolResult]]:
        results: list[tuple[str, ToolResult]] = []
        for number, part in enumerate(parts):
            where = f"{param}.content[{number}]"
            if not isinstance(part, ToolResult):
                raise inexpressible(where, FORMAT)
            results.append((where, part))
        order = {call_id: place for place, call_id in enumerate(self._names)}
        return sorted(results, key=lambda pair: order.get(pair[1].call_id, -1))

    def _response(self, result: ToolResult, param: str, media: bool) -> Json:
        name = self._names.get(result.call_id)
        if name is None:
            raise invalid(f"{param}.call_id", f"is {result.call_id!r}, which no call before it has.")
        texts = [part for part in result.parts if isinstance(part, TextPart)]
        response: Json = {"id": result.call_id} if self._ids and result.call_id else {}
        response["name"] = name
        if texts or result.is_error or not media:
            response["response"] = response_of(texts, failed=result.is_error)
        else:
            response["response"] = {}
        return response
