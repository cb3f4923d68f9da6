"""A generateContent request read into the canonical one.

Its model and whether it streams stand in the path: `read_request` leaves them to its caller, who knows them.
"""

import msgspec

from turnpike.wire.dialects.common.body import BODY_ERRORS, body_error
from turnpike.wire.dialects.common.words import invalid
from turnpike.wire.dialects.gemini.config import read_config
from turnpike.wire.dialects.gemini.head import PREFIX
from turnpike.wire.dialects.gemini.parts import NAME, is_null, parts_of, read_part, read_result
from turnpike.wire.dialects.gemini.shapes import ContentShape, PartShape, RequestShape, SafetySetting
from turnpike.wire.dialects.gemini.spelling import in_camel_case
from turnpike.wire.dialects.gemini.tools import read_choice, read_tools
from turnpike.wire.types.conversation import Message, Part, Request, Role, TextPart, ToolCall, ToolResult

DROPPED: dict[str, str] = {
    "safetySettings": "dropped where they ask for no filter (BLOCK_NONE, OFF)",
    "generationConfig.candidateCount": "dropped when 1",
    "generationConfig.mediaResolution": "a hint how closely to look at media",
    "generationConfig.enableEnhancedCivicAnswers": "a feature of Google's own",
}
"""Fields that other dialects do not have and that may be left out without changing the answer's meaning, and why."""

_OPEN = frozenset(("BLOCK_NONE", "OFF", "HARM_BLOCK_THRESHOLD_UNSPECIFIED"))
_TIERS = {"standard": "default", "flex": "flex", "priority": "priority"}
_shape = msgspec.json.Decoder(RequestShape).decode
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_KNOWN = frozenset(RequestShape.__struct_encode_fields__)


def read_request(body: bytes) -> Request:
    """Raises InvalidJson, InvalidRequest or, for what has no canonical word, Inexpressible."""
    try:
        plain = in_camel_case(body)
        shape = _shape(plain)
        members = _members(plain)
    except BODY_ERRORS as error:
        raise body_error(error) from error
    return request_of(shape, members)


def request_of(shape: RequestShape, members: dict[str, msgspec.Raw]) -> Request:
    functions, own = read_tools(shape.tools or ())
    choice, functions = read_choice(shape.tool_config, functions)
    request = Request(
        model=(shape.model or "").removeprefix(PREFIX),
        messages=tuple(_messages(shape)),
        tools=tuple(functions),
        server_tools=tuple(own),
        tool_choice=choice,
        metadata=shape.labels,
        service_tier=_TIERS.get((shape.service_tier or "").lower()),
        store=shape.store,
    )
    extra = _extra(shape, members)
    extra.update(read_config(shape.generation_config, request, DROPPED))
    if extra:
        request.extra_of, request.extra = NAME, extra
    return request


def _extra(shape: RequestShape, members: dict[str, msgspec.Raw]) -> dict[str, msgspec.Raw]:
    extra = {
        name: msgspec.Raw(bytes(raw))
        for name, raw in members.items()
        if name not in _KNOWN and name not in DROPPED and not is_null(raw)
    }
    if any(_filters(setting) for setting in shape.safety_settings or ()):
        extra["safetySettings"] = msgspec.Raw(bytes(members["safetySettings"]))
    config = shape.tool_config
    if config is not None and not is_null(config.retrieval_config):
        extra["toolConfig.retrievalConfig"] = msgspec.Raw(bytes(config.retrieval_config))
    return extra


def _filters(setting: SafetySetting) -> bool:
    return (setting.threshold or "") not in _OPEN


# ---- messages


def _messages(shape: RequestShape) -> list[Message]:
    messages: list[Message] = []
    system = [read_part(p, f"systemInstruction.parts[{i}]") for i, p in enumerate(parts_of(shape.system_instruction))]
    for number, part in enumerate(system):
        if not isinstance(part, TextPart):
            raise invalid(f"systemInstruction.parts[{number}]", "must be text.")
    if system:
        messages.append(Message("system", tuple(system)))
    contents = [shape.contents] if isinstance(shape.contents, ContentShape) else shape.contents
    if contents is None:
        raise invalid("contents", "is required.")
    turns = _Turns()
    for number, content in enumerate(contents):
        messages += turns.read(content, f"contents[{number}]", number)
    return messages


class _Turns:
    """Reads the contents of one request. Results are matched with the calls before them: by id where both have one,
    else by name, in their order."""

    def __init__(self) -> None:
        self._open: list[ToolCall] = []
        """Calls without a result yet."""

    def read(self, content: ContentShape, param: str, number: int) -> list[Message]:
        parts = parts_of(content)
        match content.role:
            case "model":
                return [Message("assistant", tuple(self._said(parts, param, number)))]
            case None | "" | "user" | "function" | "tool":
                return self._turn(parts, param)
            case "system":
                read = [read_part(part, f"{param}.parts[{i}]") for i, part in enumerate(parts)]
                return [Message("system", tuple(read))]
            case _:
                raise invalid(f"{param}.role", "must be user or model.")

    def _said(self, parts: list[PartShape], param: str, number: int) -> list[Part]:
        said: list[Part] = []
        calls: list[ToolCall] = []
        for place, shape in enumerate(parts):
            if shape.function_response is not None:
                raise invalid(f"{param}.parts[{place}].functionResponse", "belongs to the user's turn.")
            part = read_part(shape, f"{param}.parts[{place}]")
            if isinstance(part, ToolCall):
                if not part.id:
                    part = msgspec.structs.replace(part, id=f"call_{number}_{place}")
                calls.append(part)
            said.append(part)
        if calls:
            self._open = calls
        return said

    def _turn(self, parts: list[PartShape], param: str) -> list[Message]:
        """Results of calls become a message of their own."""
        turns: list[Message] = []
        run: list[Part] = []
        role: Role = "user"
        for place, shape in enumerate(parts):
            part = self._part(shape, f"{param}.parts[{place}]")
            kind: Role = "tool" if isinstance(part, ToolResult) else "user"
            if run and kind != role:
                turns.append(Message(role, tuple(run)))
                run = []
            role = kind
            run.append(part)
        if run or not turns:
            turns.append(Message(role, tuple(run)))
        return turns

    def _part(self, shape: PartShape, param: str) -> Part:
        response = shape.function_response
        if response is None:
            return read_part(shape, param)
        if not response.name and not response.id:
            raise invalid(f"{param}.functionResponse.name", "is required.")
        where = f"{param}.functionResponse"
        return read_result(response, self._call_id(response.id, response.name or "", where), where)

    def _call_id(self, given: str | None, name: str, param: str) -> str:
        found = next((call for call in self._open if given and call.id == given), None)
        if found is None:
            found = next((call for call in self._open if call.name == name), None)
        if found is not None:
            self._open.remove(found)
            return given or found.id
        if given:
            return given
        raise invalid(f"{param}.name", f"is {name!r}, which no call before it has.")
