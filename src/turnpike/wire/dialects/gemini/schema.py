"""Gemini's `Schema` (a part of OpenAPI 3.0) and JSON schema, one as the other.

From Gemini every schema can be said as a JSON schema. The other way only some can: where the conversion would lose a
word the JSON schema itself goes into `parametersJsonSchema` or `responseJsonSchema`, which Gemini takes beside its own.

Source: Google's API reference, "Schema" and "FunctionDeclaration".
"""

from typing import Any, cast

import msgspec

from turnpike.wire.dialects.common.body import BODY_ERRORS
from turnpike.wire.dialects.common.words import invalid

Schema = dict[str, Any]

_decode = msgspec.json.Decoder().decode
_TYPES = frozenset(("string", "number", "integer", "boolean", "array", "object"))
_KEPT = frozenset(("title", "description", "format", "pattern", "minimum", "maximum", "default"))
_COUNTS = frozenset(("minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"))


# ---- from Gemini


def to_json_schema(raw: msgspec.Raw, param: str) -> msgspec.Raw:
    """Raises InvalidRequest for what is no schema."""
    try:
        schema = _decode(raw)
        if not isinstance(schema, dict):
            raise invalid(param, "must be a schema.")
        return msgspec.Raw(msgspec.json.encode(_json_schema(cast("Schema", schema))))
    except BODY_ERRORS as error:
        raise invalid(param, "is a schema that is nested too deeply.") from error


def _json_schema(schema: Schema) -> Schema:
    out: Schema = {}
    for key, value in schema.items():
        match key:
            case "type":
                out["type"] = value.lower() if isinstance(value, str) else value
            case "properties" | "defs" | "$defs" if isinstance(value, dict):
                named = {name: _child(child) for name, child in cast("Schema", value).items()}
                out["$defs" if key == "defs" else key] = named
            case "items" | "additionalProperties":
                out[key] = _child(value)
            case "anyOf" if isinstance(value, list):
                out[key] = [_child(child) for child in cast("list[Any]", value)]
            case "ref":
                out["$ref"] = value.replace("#/defs/", "#/$defs/", 1) if isinstance(value, str) else value
            case "example":
                out["examples"] = [value]
            case "nullable" | "propertyOrdering":
                pass
            case _:
                out[key] = _count(value) if key in _COUNTS else value
    if schema.get("type") == "TYPE_UNSPECIFIED":
        del out["type"]
    _order(out, schema.get("propertyOrdering"))
    if schema.get("nullable") is True:
        _allow_null(out)
    return out


def _child(child: Any) -> Any:
    return _json_schema(cast("Schema", child)) if isinstance(child, dict) else child


def _count(value: Any) -> Any:
    """Counts are 64-bit integers, which Google's JSON writes as text."""
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value


def _order(out: Schema, order: Any) -> None:
    """A JSON schema has no word for the order of members but their own."""
    members = out.get("properties")
    if isinstance(order, list) and isinstance(members, dict):
        known = cast("Schema", members)
        first = {name: known[name] for name in cast("list[Any]", order) if isinstance(name, str) and name in known}
        out["properties"] = {**first, **known}


def _allow_null(out: Schema) -> None:
    if isinstance(out.get("type"), str):
        out["type"] = [out["type"], "null"]
        if isinstance(out.get("enum"), list) and None not in out["enum"]:
            out["enum"] = [*out["enum"], None]
    elif isinstance(out.get("anyOf"), list):
        out["anyOf"] = [*out["anyOf"], {"type": "null"}]


# ---- to Gemini


def to_gemini(raw: msgspec.Raw) -> Schema | None:
    """The schema in Gemini's own form; None where that would lose a word. Raises InvalidRequest for one that is nested
    too deeply."""
    schema = _decode(raw)
    if not isinstance(schema, dict):
        return None
    try:
        return _gemini(cast("Schema", schema))
    except RecursionError as error:
        raise invalid("schema", "is nested too deeply.") from error


def _gemini(schema: Schema) -> Schema | None:
    out: Schema = {}
    kind, nullable = _kind(schema.get("type"))
    if kind is None:
        return None  # unions, `anyOf` without a type, `$ref`: said as they are
    out["type"] = kind.upper()
    if nullable:
        out["nullable"] = True
    for key, value in schema.items():
        if key == "type":
            continue
        written = _written(key, value, kind)
        if written is None:
            return None
        out[key] = written
    if kind == "object" and not out.get("properties"):
        return None  # Gemini refuses an object without properties
    return None if kind == "array" and "items" not in out else out


def _kind(kind: Any) -> tuple[str | None, bool]:
    if isinstance(kind, list) and len(cast("list[Any]", kind)) == 2 and "null" in kind:
        other = [one for one in cast("list[Any]", kind) if one != "null"]
        found, _ = _kind(other[0] if len(other) == 1 else None)
        return found, True
    return (kind, False) if isinstance(kind, str) and kind in _TYPES else (None, False)


def _written(key: str, value: Any, kind: str) -> Any:
    """None for what Gemini's form has no word for."""
    if value is None:
        return None
    if key == "properties" and isinstance(value, dict):
        return _members(cast("Schema", value))
    if key == "items":
        return _gemini(cast("Schema", value)) if isinstance(value, dict) else None
    if key == "enum" and kind == "string" and isinstance(value, list):
        words = cast("list[Any]", value)
        return words if all(isinstance(one, str) and one for one in words) else None
    if key == "required" and isinstance(value, list):
        return cast("list[Any]", value)
    return value if key in _KEPT or key in _COUNTS else None


def _members(properties: Schema) -> Schema | None:
    members: Schema = {}
    for name, child in properties.items():
        written = _gemini(cast("Schema", child)) if isinstance(child, dict) else None
        if written is None:
            return None
        members[name] = written
    return members
