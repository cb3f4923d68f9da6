"""What a flag's value is for somebody. Pure: no database, no clock, the same answer every time.

The first rule whose every condition holds decides; without one the default does. A share of the people is chosen by a
hash of the flag and the person: who is in at 10 percent is in at 20, and another flag chooses others.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from typing import Any

import jsonschema_rs

from turnpike.errors import InvalidRequest

_PARTS = 1_000_000
MAX_DOCUMENT_BYTES = 64 * 1024


class FlagKind(StrEnum):
    BOOLEAN = "boolean"
    STRING = "string"
    NUMBER = "number"
    JSON = "json"


@dataclass(frozen=True)
class Person:
    user_id: str | None
    """None: the operator, who is in no share of the people."""
    department_id: str | None
    role: str


@dataclass(frozen=True)
class Evaluated:
    value: Any
    reason: str
    """`off`, `default`, or `rule 1`."""


def evaluate(name: str, document: Mapping[str, Any], person: Person, *, active: bool) -> Evaluated:
    if not active:
        return Evaluated(document["default"], "off")
    for number, rule in enumerate(document.get("rules", ()), 1):
        if _holds(name, rule, person):
            return Evaluated(rule["value"], f"rule {number}")
    return Evaluated(document["default"], "default")


def _holds(name: str, rule: Mapping[str, Any], person: Person) -> bool:
    for condition, mine in (
        ("departments", person.department_id),
        ("users", person.user_id),
        ("roles", person.role),
    ):
        if rule.get(condition) and mine not in rule[condition]:
            return False
    percentage = rule.get("percentage")
    return percentage is None or (person.user_id is not None and share_of(name, person.user_id) < percentage)


def share_of(name: str, user_id: str) -> float:
    """Where a person stands, from 0 up to 100."""
    digest = blake2b(f"{name}\0{user_id}".encode(), digest_size=8, person=b"tp-flag").digest()
    return int.from_bytes(digest, "big") % _PARTS * 100 / _PARTS


# ---- types


def check(kind: FlagKind, document: Mapping[str, Any]) -> None:
    """Raises InvalidRequest for a default or a rule's value that is not of the flag's type."""
    if len(json.dumps(document).encode()) > MAX_DOCUMENT_BYTES:
        raise InvalidRequest(f"default, rules and schema together are at most {MAX_DOCUMENT_BYTES} bytes.")
    schema = document.get("schema")
    if schema is not None and kind is not FlagKind.JSON:
        raise InvalidRequest("value_schema: only a flag of the kind json has one.", details={"param": "value_schema"})
    validator = _validator(schema) if schema is not None else None
    values = [("default", document["default"])]
    values += [(f"rules.{at}.value", rule["value"]) for at, rule in enumerate(document.get("rules", ()))]
    for param, value in values:
        if not _is(kind, value):
            raise InvalidRequest(f"{param}: this flag's values are of the type {kind}.", details={"param": param})
        error = next(validator.iter_errors(value), None) if validator is not None else None
        if error is not None:
            raise InvalidRequest(f"{param}: {error.message[:300]}", details={"param": param})


def _is(kind: FlagKind, value: Any) -> bool:
    match kind:
        case FlagKind.BOOLEAN:
            return isinstance(value, bool)
        case FlagKind.STRING:
            return isinstance(value, str)
        case FlagKind.NUMBER:
            return isinstance(value, int | float) and not isinstance(value, bool)
        case FlagKind.JSON:
            return True


def _validator(schema: Any) -> Any:
    try:
        # Patterns in linear time; and nothing is fetched for a reference.
        return jsonschema_rs.validator_for(
            schema, pattern_options=jsonschema_rs.RegexOptions(), retriever=_fetch_nothing
        )
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError, TypeError) as error:
        raise InvalidRequest(
            f"value_schema: this is no JSON schema: {str(error)[:300]}", details={"param": "value_schema"}
        ) from None


def _fetch_nothing(uri: str) -> Any:
    raise ValueError(f"references go nowhere else, and {uri[:100]} is elsewhere")
