"""JSON schemas for structured output: what OpenAI's strict mode asks for, and what Anthropic's grammar accepts."""

from collections.abc import Iterator
from typing import Any, cast

import msgspec

from turnpike.errors import InvalidRequest

_decode = msgspec.json.Decoder().decode

_ANTHROPIC_KEEPS = frozenset(
    ("type", "properties", "required", "items", "enum", "const", "anyOf", "allOf", "$ref", "$defs", "definitions",
     "description", "title", "default", "format", "additionalProperties")
)  # fmt: skip
_ANTHROPIC_FORMATS = frozenset(
    ("date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid")
)
_MAPS = ("properties", "$defs", "definitions")
_LISTS = ("anyOf", "allOf", "oneOf")

Schema = dict[str, Any]


def _too_deep() -> InvalidRequest:
    return InvalidRequest("A JSON schema of the request is nested too deeply.")


def _children(schema: Schema) -> Iterator[Schema]:
    for name in _MAPS:
        members = schema.get(name)
        if isinstance(members, dict):
            yield from (child for child in cast("Schema", members).values() if isinstance(child, dict))
    for name in _LISTS:
        members = schema.get(name)
        if isinstance(members, list):
            yield from (child for child in cast("list[Any]", members) if isinstance(child, dict))
    items = schema.get("items")
    if isinstance(items, dict):
        yield cast("Schema", items)


def _is_object(schema: Schema) -> bool:
    return schema.get("type") == "object" or isinstance(schema.get("properties"), dict)


def fits_openai_strict(raw: msgspec.Raw) -> bool:
    """Whether every object forbids further members and requires each of its own, as OpenAI's strict mode demands."""
    schema = _decode(raw)
    try:
        return isinstance(schema, dict) and _strict(cast("Schema", schema))
    except RecursionError as error:
        raise _too_deep() from error


def _strict(schema: Schema) -> bool:
    if _is_object(schema):
        properties, required = schema.get("properties", {}), schema.get("required", [])
        if schema.get("additionalProperties") is not False:
            return False
        if not isinstance(properties, dict) or not isinstance(required, list):
            return False
        if any(name not in required for name in cast("Schema", properties)):
            return False
    return all(_strict(child) for child in _children(schema))


def for_anthropic(raw: msgspec.Raw) -> msgspec.Raw:
    """The schema as Anthropic's structured outputs take it: objects closed, `oneOf` as `anyOf`, and constraints that
    the grammar does not know (`minimum`, `maxLength`, `pattern` ...) moved into the description, where the model still
    reads them. Returns `raw` itself when nothing has to change."""
    schema = _decode(raw)
    if not isinstance(schema, dict):
        return raw
    try:
        changed = _anthropic(cast("Schema", schema))
    except RecursionError as error:
        raise _too_deep() from error
    return raw if changed == schema else msgspec.Raw(msgspec.json.encode(changed))


def _child(child: Any) -> Any:
    return _anthropic(cast("Schema", child)) if isinstance(child, dict) else child


def _anthropic(schema: Schema) -> Schema:
    out: Schema = {}
    moved: Schema = {}
    for key, value in schema.items():
        if key in _MAPS and isinstance(value, dict):
            members = cast("Schema", value)
            out[key] = {name: _child(child) for name, child in members.items()}
        elif key in _LISTS and isinstance(value, list):
            variants = cast("list[Any]", value)
            name = "anyOf" if key == "oneOf" else key
            out[name] = [_child(child) for child in variants]
        elif key == "items":
            out[key] = _child(value)
        elif key == "minItems" and value in (0, 1):
            out[key] = value
        elif key not in _ANTHROPIC_KEEPS or (key == "format" and str(value) not in _ANTHROPIC_FORMATS):
            moved[key] = value
        else:
            out[key] = value
    if _is_object(schema):
        if schema.get("additionalProperties") not in (None, False):
            moved["additionalProperties"] = schema["additionalProperties"]
        out["additionalProperties"] = False
    moved.pop("$schema", None)
    moved.pop("$id", None)
    if moved:
        note = ", ".join(f"{key}: {msgspec.json.encode(value).decode()}" for key, value in moved.items())
        described = out.get("description")
        out["description"] = f"{described}\n\n{{{note}}}" if described else f"{{{note}}}"
    return out
