"""Tools and the choice among them, both ways."""

from collections.abc import Iterable
from typing import Any

import msgspec

from turnpike.wire.dialects.common.body import BODY_ERRORS
from turnpike.wire.dialects.common.reading import kept
from turnpike.wire.dialects.common.words import inexpressible, invalid
from turnpike.wire.dialects.gemini.parts import ANY_OTHER, FORMAT, NAME, is_null
from turnpike.wire.dialects.gemini.schema import to_gemini, to_json_schema
from turnpike.wire.dialects.gemini.shapes import FunctionCallingConfig, FunctionDeclaration, ToolConfigShape
from turnpike.wire.types.conversation import ServerTool, Tool, ToolChoice

Json = dict[str, Any]

_declarations = msgspec.json.Decoder(list[FunctionDeclaration] | FunctionDeclaration | None).decode
_FUNCTIONS = "functionDeclarations"


def read_tools(entries: Iterable[dict[str, msgspec.Raw]]) -> tuple[list[Tool], list[ServerTool]]:
    """Functions, and the tools that Google runs itself: each member of an entry is one."""
    functions: list[Tool] = []
    own: list[ServerTool] = []
    for number, entry in enumerate(entries):
        for kind, raw in entry.items():
            if is_null(raw):
                continue
            if kind == _FUNCTIONS:
                functions += _functions(raw, f"tools[{number}].{_FUNCTIONS}")
            else:
                own.append(ServerTool(NAME, kind, msgspec.Raw(bytes(raw))))
    return functions, own


def _functions(raw: msgspec.Raw, param: str) -> list[Tool]:
    try:
        declared = _declarations(raw)
    except BODY_ERRORS as error:
        raise invalid(param, f"is wrong: {error}.") from error
    shapes = [declared] if isinstance(declared, FunctionDeclaration) else declared or []
    return [_function(shape, f"{param}[{number}]") for number, shape in enumerate(shapes)]


def _function(shape: FunctionDeclaration, param: str) -> Tool:
    if not shape.name:
        raise invalid(f"{param}.name", "is required.")
    schema = kept(shape.parameters_json_schema)
    if schema is None and not is_null(shape.parameters):
        schema = to_json_schema(shape.parameters, f"{param}.parameters")
    return Tool(shape.name, shape.description, schema)


def read_choice(config: ToolConfigShape | None, tools: list[Tool]) -> tuple[ToolChoice | None, list[Tool]]:
    """The choice, and the tools that it leaves: several allowed names are said by offering no others."""
    calling = None if config is None else config.function_calling_config
    if calling is None:
        return None, tools
    if calling.stream_function_call_arguments:
        raise inexpressible("toolConfig.functionCallingConfig.streamFunctionCallArguments", ANY_OTHER)
    names = calling.allowed_function_names or []
    allowed = [tool for tool in tools if tool.name in names]
    if len({tool.name for tool in allowed}) != len(set(names)):
        raise invalid("toolConfig.functionCallingConfig.allowedFunctionNames", "names a function that is not declared.")
    choice = _choice(calling, names)
    return choice, allowed if names and (choice is None or choice.mode != "tool") else tools


def _choice(calling: FunctionCallingConfig, names: list[str]) -> ToolChoice | None:
    match (calling.mode or "MODE_UNSPECIFIED").upper():
        case "MODE_UNSPECIFIED":
            return None
        case "AUTO" | "VALIDATED":
            return ToolChoice("auto")
        case "NONE":
            return ToolChoice("none")
        case "ANY":
            return ToolChoice("tool", names[0]) if len(names) == 1 else ToolChoice("required")
        case _:
            raise invalid("toolConfig.functionCallingConfig.mode", "must be AUTO, ANY, NONE or VALIDATED.")


# ---- writing


def write_tools(tools: Iterable[Tool], own: Iterable[ServerTool]) -> list[Json]:
    """Raises Inexpressible for another provider's own tool."""
    written: list[Json] = []
    declared = [_declaration(tool) for tool in tools]
    if declared:
        written.append({_FUNCTIONS: declared})
    for tool in own:
        if tool.dialect != NAME:
            raise inexpressible("tools", FORMAT, f"{tool.kind!r} is a tool of another provider's own.")
        written.append({tool.kind: tool.raw})
    return written


def _declaration(tool: Tool) -> Json:
    written: Json = {"name": tool.name}
    if tool.description is not None:
        written["description"] = tool.description
    if tool.parameters is not None:
        schema = to_gemini(tool.parameters)
        if schema is None:
            written["parametersJsonSchema"] = tool.parameters
        else:
            written["parameters"] = schema
    return written


def write_choice(choice: ToolChoice) -> Json:
    match choice.mode:
        case "tool":
            config: Json = {"mode": "ANY", "allowedFunctionNames": [choice.name]}
        case "required":
            config = {"mode": "ANY"}
        case mode:
            config = {"mode": mode.upper()}
    return {"functionCallingConfig": config}
