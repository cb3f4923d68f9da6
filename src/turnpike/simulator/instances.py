"""An instance that a JSON Schema accepts, made the same way every time.

Covers what the vendors allow for tools and structured output: types (also several), enum, const, properties and
required, items and prefixItems, bounds of length, size and number, multipleOf, the usual formats, anyOf, oneOf, allOf,
`$ref` within the document, defaults and examples. A `pattern` is met only where one of a few common values matches.
"""

import re
from typing import Any

Schema = dict[str, Any]

_MAX_DEPTH = 12
_DEEP = 3
"""From this depth on only what is required is filled in, so that a schema that contains itself comes to an end."""
_FORMATS = {
    "date-time": "2026-01-02T03:04:05Z",
    "date": "2026-01-02",
    "time": "03:04:05Z",
    "duration": "PT1H",
    "email": "simulator@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/simulated",
    "uuid": "00000000-0000-4000-8000-000000000000",
}
_PATTERN_CANDIDATES = (
    "simulated",
    "SIM",
    "Simulated",
    "sim-1",
    "a",
    "A",
    "1",
    "12",
    "123",
    "1234",
    "12345",
    "A1",
    "AB-123",
)


def instance(schema: Any, name: str = "value", *, root: Schema | None = None, depth: int = 0) -> Any:
    """`name` is the property's, and goes into made-up strings. `root` is the document that `$ref` points into."""
    if not isinstance(schema, dict):
        return f"simulated {name}"
    root = schema if root is None else root
    schema = _flatten(schema, root, deep=depth >= _DEEP)
    for given in ("const", "default"):
        if given in schema:
            return schema[given]
    for given in ("enum", "examples"):
        if schema.get(given):
            return schema[given][0]
    kind = _type(schema)
    if kind == "object":
        return _object(schema, root, depth)
    if kind == "array":
        return _array(schema, name, root, depth)
    if kind in {"integer", "number"}:
        return _number(schema, whole=kind == "integer")
    if kind == "boolean":
        return True
    return None if kind == "null" else _string(schema, name)


def _flatten(schema: Schema, root: Schema, *, deep: bool) -> Schema:
    """The schema with its reference followed, the first alternative taken and `allOf` merged."""
    for _ in range(_MAX_DEPTH):
        if "$ref" in schema:
            target = _resolve(str(schema["$ref"]), root)
            schema = {**target, **{name: value for name, value in schema.items() if name != "$ref"}}
        elif schema.get("anyOf") or schema.get("oneOf"):
            branches = schema.get("anyOf") or schema["oneOf"]
            rest = {name: value for name, value in schema.items() if name not in {"anyOf", "oneOf"}}
            schema = _merge(rest, _preferred(branches, deep=deep))
        elif schema.get("allOf"):
            parts = schema["allOf"]
            schema = {name: value for name, value in schema.items() if name != "allOf"}
            for part in parts:
                schema = _merge(schema, _flatten(part, root, deep=deep))
        else:
            break
    return schema


def _preferred(branches: list[Schema], *, deep: bool) -> Schema:
    """The first alternative that is more than null; deep down null, where that is allowed."""
    return next((branch for branch in branches if (branch.get("type") == "null") is deep), branches[0])


def _merge(one: Schema, other: Schema) -> Schema:
    merged = {**one, **other}
    if "properties" in one and "properties" in other:
        merged["properties"] = {**one["properties"], **other["properties"]}
    if "required" in one and "required" in other:
        merged["required"] = [*one["required"], *other["required"]]
    return merged


def _resolve(reference: str, root: Schema) -> Schema:
    found: Any = root
    for step in reference.removeprefix("#").strip("/").split("/"):
        if step:
            found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def _type(schema: Schema) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    if kind:
        return str(kind)
    if "properties" in schema or "required" in schema:
        return "object"
    return "array" if "items" in schema else "string"


def _object(schema: Schema, root: Schema, depth: int) -> dict[str, Any]:
    properties: dict[str, Any] = schema.get("properties") or {}
    required: list[str] = schema.get("required") or []
    names = [*properties, *(name for name in required if name not in properties)]
    if depth >= _DEEP:
        names = required
    if depth >= _MAX_DEPTH:
        return {}
    return {name: instance(properties.get(name, {}), name, root=root, depth=depth + 1) for name in names}


def _array(schema: Schema, name: str, root: Schema, depth: int) -> list[Any]:
    prefix = [instance(part, name, root=root, depth=depth + 1) for part in schema.get("prefixItems") or []]
    least = schema.get("minItems", 0)
    wanted = max(least, 1 if depth < _DEEP and "items" in schema else 0)
    wanted = min(wanted, schema.get("maxItems", wanted))
    missing = max(0, wanted - len(prefix))
    if schema.get("uniqueItems") and missing > 1:
        return prefix + [_distinct(schema.get("items"), name, root, index) for index in range(missing)]
    return prefix + [instance(schema.get("items", {}), name, root=root, depth=depth + 1) for _ in range(missing)]


def _distinct(items: Any, name: str, root: Schema, index: int) -> Any:
    if isinstance(items, dict):
        items = _flatten(items, root, deep=False)
        if items.get("enum"):
            return items["enum"][index % len(items["enum"])]
        if items.get("type") in {"integer", "number"}:
            return _number(items, whole=True) + index
    return f"simulated {name} {index + 1}"


def _number(schema: Schema, *, whole: bool) -> int | float:
    low, high = schema.get("minimum"), schema.get("maximum")
    step = schema.get("multipleOf")
    nudge = step or (1 if whole else 0.5)
    if isinstance(schema.get("exclusiveMinimum"), (int, float)):
        low = schema["exclusiveMinimum"] + nudge
    if isinstance(schema.get("exclusiveMaximum"), (int, float)):
        high = schema["exclusiveMaximum"] - nudge
    value: float = 7 if whole else 7.5
    if low is not None and value < low:
        value = low
    if high is not None and value > high:
        value = high
    if step:
        value = value // step * step
        if low is not None and value < low:
            value += step
    if whole:
        return -int(-value // 1) if low is not None and value == low else int(value)
    return value


def _string(schema: Schema, name: str) -> str:
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]
    text = f"simulated {name}"
    pattern = schema.get("pattern")
    if isinstance(pattern, str):
        text = _matching(pattern, text)
    text = text.ljust(schema.get("minLength", 0), "x")
    return text[: schema["maxLength"]] if "maxLength" in schema else text


def _matching(pattern: str, otherwise: str) -> str:
    try:
        compiled = re.compile(pattern)
    except re.error:
        return otherwise
    return next((text for text in _PATTERN_CANDIDATES if compiled.search(text)), otherwise)
