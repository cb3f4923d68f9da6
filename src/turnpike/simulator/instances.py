"""An instance that a JSON Schema accepts, made the same way every time.

Covers what the vendors allow for tools and structured output: types (also several), enum, const, properties and
required, items and prefixItems, bounds of length, size and number, multipleOf, the usual formats, anyOf, oneOf, allOf,
`$ref` within the document, defaults and examples. A `pattern` is met only where one of a few common values matches.
"""

import math
import re
from typing import Any

Schema = dict[str, Any]

_MAX_DEPTH = 12
_DEEP = 3
"""From this depth on only what is required is filled in, so that a schema that contains itself comes to an end."""
_MAX_PARTS = 20_000
_MAX_LENGTH = 10_000
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
    "simulated", "SIM", "Simulated", "sim-1", "a", "A", "1", "12", "123", "1234", "12345", "A1", "AB-123",
)  # fmt: skip
_SCHEMAS = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
_SIZES = frozenset({"minItems", "maxItems", "minLength", "maxLength"})
_KEYWORDS: dict[str, tuple[type, ...]] = {
    "type": (str, list),
    "properties": (dict,),
    "$ref": (str,),
    "format": (str,),
    "pattern": (str,),
    **dict.fromkeys(("enum", "examples", "required", *_SCHEMAS), (list,)),
    **dict.fromkeys(_SIZES, (int,)),
    **dict.fromkeys(("minimum", "maximum", "multipleOf"), (int, float)),
}


class SchemaError(Exception):
    """What was given is no JSON Schema, or asks for more than the simulator makes."""


def instance(schema: Any) -> Any:
    """Raises SchemaError."""
    return _Maker(schema if isinstance(schema, dict) else {}).make(schema, "value", 0)


# ---- reading schemas


def _checked(schema: Schema) -> Schema:
    """The schema without keywords that are null. Raises SchemaError for a keyword of the wrong type."""
    for name, kinds in _KEYWORDS.items():
        value = schema.get(name)
        if value is None:
            if name in schema:
                schema = {key: one for key, one in schema.items() if key != name}
            continue
        if not isinstance(value, kinds) or isinstance(value, bool) or (name in _SIZES and value < 0):
            raise SchemaError(f"invalid JSON Schema: '{name}' cannot be {str(value)[:40]}")
        if name in _SCHEMAS and not all(isinstance(part, dict) for part in value):
            raise SchemaError(f"invalid JSON Schema: '{name}' must hold schemas")
    if schema.get("multipleOf", 1) <= 0:
        raise SchemaError("invalid JSON Schema: 'multipleOf' must be greater than 0")
    return schema


def _preferred(branches: list[Schema], *, deep: bool) -> Schema:
    """The first alternative that is more than null; deep down null, where that is allowed."""
    return next((branch for branch in branches if (branch.get("type") == "null") is deep), branches[0])


def _merged(one: Schema, other: Schema) -> Schema:
    one, other = _checked(one), _checked(other)
    merged = {**one, **other}
    if "properties" in one and "properties" in other:
        merged["properties"] = {**one["properties"], **other["properties"]}
    if "required" in one and "required" in other:
        merged["required"] = [*one["required"], *other["required"]]
    return merged


def _without(schema: Schema, *names: str) -> Schema:
    return {name: value for name, value in schema.items() if name not in names}


def _type(schema: Schema) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    if kind:
        return str(kind)
    if "properties" in schema or "required" in schema:
        return "object"
    return "array" if "items" in schema else "string"


# ---- making instances


class _Maker:
    """Makes the parts of one instance, and gives up when there are too many."""

    def __init__(self, root: Schema) -> None:
        self._root = root
        self._parts = 0

    def make(self, schema: Any, name: str, depth: int) -> Any:
        """`name` is the property's, and goes into made-up strings."""
        self._parts += 1
        if self._parts > _MAX_PARTS:
            raise SchemaError(f"an instance of this schema has more than the simulator's limit of {_MAX_PARTS} parts")
        if not isinstance(schema, dict):
            return f"simulated {name}"
        schema = self._flat(schema, deep=depth >= _DEEP)
        for given in ("const", "default"):
            if given in schema:
                return schema[given]
        for given in ("enum", "examples"):
            if schema.get(given):
                return schema[given][0]
        return self._of_type(_type(schema), schema, name, depth)

    def _of_type(self, kind: str, schema: Schema, name: str, depth: int) -> Any:
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            return self._array(schema, name, depth)
        if kind in {"integer", "number"}:
            return _number(schema, whole=kind == "integer")
        if kind == "boolean":
            return True
        return None if kind == "null" else _string(schema, name)

    def _flat(self, schema: Schema, *, deep: bool) -> Schema:
        """The schema with its reference followed, one alternative taken and `allOf` merged."""
        schema = _checked(schema)
        for _ in range(_MAX_DEPTH):
            if "$ref" in schema:
                schema = _merged(self._resolved(schema["$ref"]), _without(schema, "$ref"))
            elif schema.get("anyOf") or schema.get("oneOf"):
                branches = schema.get("anyOf") or schema["oneOf"]
                schema = _merged(_without(schema, "anyOf", "oneOf"), _preferred(branches, deep=deep))
            elif schema.get("allOf"):
                parts: list[Schema] = schema["allOf"]
                schema = _without(schema, "allOf")
                for part in parts:
                    schema = _merged(schema, _without(part, "allOf"))
            else:
                break
        return schema

    def _resolved(self, reference: str) -> Schema:
        found: Any = self._root
        for step in reference.removeprefix("#").strip("/").split("/"):
            if step:
                found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, dict) else None
        return found if isinstance(found, dict) else {}

    def _object(self, schema: Schema, depth: int) -> Schema:
        properties: Schema = schema.get("properties", {})
        required = [str(one) for one in schema.get("required", ())]
        names = required if depth >= _DEEP else [*properties, *(one for one in required if one not in properties)]
        if depth >= _MAX_DEPTH:
            return {}
        return {name: self.make(properties.get(name, {}), name, depth + 1) for name in names}

    def _array(self, schema: Schema, name: str, depth: int) -> list[Any]:
        made = [self.make(part, name, depth + 1) for part in schema.get("prefixItems", ())]
        wanted = max(schema.get("minItems", 0), 1 if depth < _DEEP and "items" in schema else 0)
        missing = max(0, min(wanted, schema.get("maxItems", wanted)) - len(made))
        for index in range(missing):
            item = self.make(schema.get("items", {}), name, depth + 1)
            made.append(self._another(schema.get("items"), item, index) if schema.get("uniqueItems") else item)
        return made

    def _another(self, items: Any, item: Any, index: int) -> Any:
        """The item changed so that it differs from those before it."""
        choices = self._flat(items, deep=False).get("enum") if isinstance(items, dict) else None
        if choices:
            return choices[index % len(choices)]
        if isinstance(item, str):
            return f"{item} {index + 1}" if index else item
        return item + index if isinstance(item, (int, float)) and not isinstance(item, bool) else item


def _bound(schema: Schema, name: str, nudge: float) -> float | None:
    """The inclusive bound, or the exclusive one moved inwards."""
    exclusive = schema.get(f"exclusive{name.capitalize()}")
    if isinstance(exclusive, (int, float)) and not isinstance(exclusive, bool):
        return exclusive + (nudge if name == "minimum" else -nudge)
    return schema.get(name)


def _number(schema: Schema, *, whole: bool) -> int | float:
    step: float | None = schema.get("multipleOf")
    nudge = step or (1 if whole else 0.5)
    low, high = _bound(schema, "minimum", nudge), _bound(schema, "maximum", nudge)
    value: float = 7 if whole else 7.5
    value = low if low is not None and value < low else value
    value = high if high is not None and value > high else value
    if step and math.isfinite(value // step):
        value = value // step * step
        value = value + step if low is not None and value < low else value
    return math.ceil(value) if whole and math.isfinite(value) else value


def _string(schema: Schema, name: str) -> str:
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]
    text = _matching(schema["pattern"], f"simulated {name}") if "pattern" in schema else f"simulated {name}"
    if schema.get("minLength", 0) > _MAX_LENGTH:
        raise SchemaError(f"'minLength' is over the simulator's limit of {_MAX_LENGTH}")
    text = text.ljust(schema.get("minLength", 0), "x")
    return text[: schema["maxLength"]] if "maxLength" in schema else text


def _matching(pattern: str, otherwise: str) -> str:
    try:
        compiled = re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        return otherwise
    return next((text for text in _PATTERN_CANDIDATES if compiled.search(text)), otherwise)
