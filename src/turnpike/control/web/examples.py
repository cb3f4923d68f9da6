"""Examples for the OpenAPI document: a value that fits its schema, made of what the house calls things.

A schema's own `example`, `examples` or `default` comes first; then what a field of such a name usually holds, where
that fits; else the plainest value of the type. The same document always gets the same examples.
"""

import re
from typing import Any, cast

Schema = dict[str, Any]
Value = Any
UUID = "01a1fd3b-ec2a-7091-95a4-b1f1949e5fa5"
MOMENT = "2026-03-01T09:30:00.000Z"
DEEPEST = 8
_MOST_OPTIONAL = 3

NAMES: dict[str, tuple[Value, ...]] = {
    "name": ("ci", "gpt-4o-mini"),
    "slug": ("acme",),
    "display_name": ("Ada Lovelace",),
    "email": ("ada@example.com",),
    "prefix": ("tp-4Jq8xwZ2",),
    "key": ("tp-4Jq8xwZ2mB0y7cR1sV5nK3tD9gH6fL8pQ2aW4eX1zU0",),
    "label": ("primary",),
    "role": ("user",),
    "tier": ("standard",),
    "scopes": (["models:read", "inference:text"],),
    "models": (["gpt-*"],),
    "networks": (["10.0.0.0/8"],),
    "network": ("203.0.113.0/24",),
    "provider": ("openai",),
    "vendor": ("openai",),
    "vendors": (["openai"],),
    "model": ("gpt-4o-mini",),
    "model_id": ("gpt-4o-mini-2024-07-18",),
    "target": ("gpt-4o-mini",),
    "api_base_url": ("https://llm.example.com/v1",),
    "website": ("https://example.com",),
    "url": ("https://gateway.example.com/welcome#one-time-token",),
    "password": ("walnut-ferry-onyx-42",),
    "current_password": ("walnut-ferry-onyx-42",),
    "new_password": ("harbour-quilt-lantern-7",),
    "api_key": ("sk-proj-0123456789abcdef",),
    "shared_api_key": ("sk-proj-0123456789abcdef",),
    "personal_api_key": ("sk-proj-0123456789abcdef",),
    "client_id": ("4f2a6c1e-turnpike",),
    "issuer": ("https://login.example.com/realms/main",),
    "kind": ("gateway", "generic"),
    "region": ("eu-central-1",),
    "regions": (["eu-*"],),
    "note": ("Moved with the spring release.",),
    "description": ("For nightly jobs.",),
    "text": ("Write to ada@example.com",),
    "request_id": (UUID,),
    "hash": ("9f2c" * 16,),
    "version": (3, "0.1.0"),
    "message": (None, "Completed."),
    "sort": ("-created_at",),
    "search": ("ada",),
    "page": (1,),
    "per_page": (50,),
    "period": ("month",),
    "time_zone": ("UTC", "Europe/Berlin"),
    "amount_usd": (100, "100.00"),
    "alerts": ([80, 100],),
    "access": ("AVAILABLE_SHARED",),
    "address": ("203.0.113.7",),
    "before": ("2026-01-01T00:00:00.000Z",),
    "allow_addresses": ([],),
    "config": ({},),
    "groups": ([[{"model": "gpt-4o-mini"}]],),
    "rules": ([{"groups": [[{"model": "gpt-4o-mini"}]]}],),
}
"""What fields of these names hold, the first that fits."""

BODIES: dict[str, Value] = {
    "KeyBody": {"name": "ci", "scopes": ["inference:text"], "models": ["gpt-*"], "networks": ["10.0.0.0/8"]},
    "KeyPatch": {"name": "ci, nightly", "models": ["gpt-*", "claude-*"]},
    "UserBody": {"display_name": "Ada Lovelace", "email": "ada@example.com", "role": "user"},
    "UserPatch": {"display_name": "Ada King"},
    "ProviderBody": {"vendor": "anthropic", "shared_api_key": "sk-ant-0123456789abcdef"},
    "ProviderPatch": {"is_active": False},
    "ModelBody": {"provider": "openai", "name": "gpt-4o-mini", "capabilities": ["chat"]},
    "ModelPatch": {"weight": 2},
    "BudgetBody": {"kind": "gateway", "amount_usd": "500", "period": "month", "alerts": [80, 100]},
    "BudgetPatch": {"amount_usd": "750"},
    "LimitBody": {"subject": "tier", "name": "standard", "resource": "requests", "amount": 600, "window_s": 60},
    "ResetBody": {"subject": "tier", "name": "standard"},
    "AliasBody": {"name": "fast", "target": "gpt-4o-mini"},
    "AliasPatch": {"target": "gpt-4o"},
    "RoutePatch": {"description": "The cheaper one first."},
    "IssuerBody": {
        "slug": "entra",
        "name": "Microsoft Entra ID",
        "kind": "entra",
        "tenant": "72f988bf-86f1-41af-91ab-2d7cd011db47",
        "client_id": "4f2a6c1e-0a4b-4a5e-9a53-6a6b8a1c2d3e",
        "client_secret": "a-secret-of-the-issuer",
    },
    "IssuerPatch": {"name": "Sign in with Entra"},
    "SettingBody": {"personal_api_key": "sk-proj-0123456789abcdef", "monthly_limit": 5000},
    "SettingPatch": {"monthly_limit": 2500},
    "ResilienceBody": {"max_attempts": 2, "hang_timeout_s": 20},
    "ResidencyPatch": {"regions": ["eu-*", "ch-*"]},
    "LoginBody": {"email": "ada@example.com", "password": "walnut-ferry-onyx-42", "mode": "token"},
}
"""Whole bodies, where one made of single fields would not say what it is for."""


def example_of(schema: Schema, components: dict[str, Schema], name: str = "", depth: int = 0) -> Value:
    """A value that `schema` allows. `components` are the document's schemas by name."""
    reference = schema.get("$ref")
    if reference is not None:
        target = str(reference).rpartition("/")[2]
        if target in BODIES:
            return BODIES[target]
        return example_of(components[target], components, name, depth)
    for word in ("const", "example"):
        if word in schema:
            return schema[word]
    if schema.get("examples"):
        return schema["examples"][0]
    for usual in NAMES.get(name, ()):
        if fits(usual, schema, components):
            return usual
    if schema.get("enum"):
        return schema["enum"][0]
    if schema.get("default") is not None:
        return schema["default"]
    for word in ("anyOf", "oneOf", "allOf"):
        if schema.get(word):
            choices = [one for one in schema[word] if one.get("type") != "null"] or schema[word]
            return example_of({**choices[0]}, components, name, depth)
    return _plain(schema, components, name, depth)


def _plain(schema: Schema, components: dict[str, Schema], name: str, depth: int) -> Value:
    match schema.get("type"):
        case "object":
            return _object(schema, components, depth)
        case "array":
            return _array(schema, components, name, depth)
        case "string":
            return _string(schema, name)
        case "integer" | "number" as kind:
            return _number(schema, kind)
        case "boolean":
            return True
        case _:
            return None


def _object(schema: Schema, components: dict[str, Schema], depth: int) -> Value:
    properties: dict[str, Schema] = schema.get("properties", {})
    required = set(schema.get("required", ()))
    # A body's optional fields would bury the others; an answer has all of its fields and says so.
    chosen = [each for each in properties if each in required]
    if not chosen and depth == 0:
        chosen = list(properties)[:_MOST_OPTIONAL]
    if depth >= DEEPEST:
        chosen = [each for each in chosen if each in required]
    return {each: example_of(properties[each], components, each, depth + 1) for each in chosen}


def _array(schema: Schema, components: dict[str, Schema], name: str, depth: int) -> list[Value]:
    items: Schema = schema.get("items") or {}
    if depth >= DEEPEST and not schema.get("minItems"):
        return []
    singular = name[:-1] if name.endswith("s") else name
    one = example_of(items, components, singular, depth + 1)
    return [one] * max(1, int(schema.get("minItems") or 1)) if one is not None else []


def _string(schema: Schema, name: str) -> str:
    form, pattern = schema.get("format"), str(schema.get("pattern") or "")
    if form == "date-time" or name.endswith("_at"):
        return MOMENT
    if name in {"id", "actor"} or name.endswith("_id") or "{8}" in pattern:
        return UUID
    for candidate in ("example", "example@example.com", "https://example.com", "0" * 40, "a", "1"):
        if _string_fits(candidate, schema):
            return candidate
    return "example"


def _number(schema: Schema, kind: str) -> float:
    low = schema.get("minimum", schema.get("exclusiveMinimum", 0))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    value = max(1, low + (1 if "exclusiveMinimum" in schema else 0))
    if high is not None and value > high:
        value = high
    if "exclusiveMinimum" in schema and high is not None and value > high:
        value = (low + high) / 2
    return int(value) if kind == "integer" else float(value)


# ---- whether a usual value is one


def fits(value: Value, schema: Schema, components: dict[str, Schema]) -> bool:
    """Whether `schema` allows `value`, as far as the words go that this API's schemas use."""
    if "$ref" in schema:
        return fits(value, components[str(schema["$ref"]).rpartition("/")[2]], components)
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return any(fits(value, one, components) for one in schema[word])
    if "const" in schema:
        return value == schema["const"]
    if "enum" in schema:
        return value in schema["enum"]
    match schema.get("type"):
        case "null":
            return value is None
        case "string":
            return isinstance(value, str) and _string_fits(value, schema)
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool) and _in_range(value, schema)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool) and _in_range(value, schema)
        case "array":
            return isinstance(value, list) and _items_fit(cast("list[Value]", value), schema, components)
        case "object":
            return isinstance(value, dict) and _members_fit(cast("Schema", value), schema, components)
        case None:
            return True
        case _:
            return False


def _string_fits(value: str, schema: Schema) -> bool:
    if schema.get("format") == "date-time" and not value[:4].isdigit():
        return False
    long_enough = int(schema.get("minLength", 0)) <= len(value) <= int(schema.get("maxLength", 1 << 30))
    pattern = schema.get("pattern")
    return long_enough and (pattern is None or re.search(pattern, value) is not None)


def _in_range(value: float, schema: Schema) -> bool:
    return not (
        value < schema.get("minimum", value)
        or value > schema.get("maximum", value)
        or value <= schema.get("exclusiveMinimum", value - 1)
        or value >= schema.get("exclusiveMaximum", value + 1)
    )


def _items_fit(value: list[Value], schema: Schema, components: dict[str, Schema]) -> bool:
    items = schema.get("items") or {}
    enough = int(schema.get("minItems", 0)) <= len(value) <= int(schema.get("maxItems", 1 << 30))
    return enough and all(fits(each, items, components) for each in value)


def _members_fit(value: Schema, schema: Schema, components: dict[str, Schema]) -> bool:
    properties: dict[str, Schema] = schema.get("properties", {})
    if any(name not in value for name in schema.get("required", ())):
        return False
    others = schema.get("additionalProperties", True)
    for name, member in value.items():
        wanted = properties.get(name, others if isinstance(others, dict) else None)
        if wanted is None and others is False:
            return False
        if wanted is not None and not fits(member, cast("Schema", wanted), components):
            return False
    return True
