"""Tables of docs/ that are made from the code: `python -m tests.support.documents` writes them anew."""

import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from turnpike import errors
from turnpike.errors import ConfigurationError, TurnpikeError
from turnpike.settings import Settings

DOCS = Path(__file__).parents[2] / "docs"
BEGIN = "<!-- generated: python -m tests.support.documents -->"
END = "<!-- end -->"


def settings_tables() -> str:
    """Every setting, under the headings of settings.py."""
    lines: list[str] = []
    for heading, names in _sections():
        lines += ["", f"## {heading}", "", "| variable | default | what it is |", "|---|---|---|"]
        for name in names:
            field = Settings.model_fields[name]
            lines.append(f"| `TURNPIKE_{name.upper()}` | {_default(field)} | {field.description} |")
    return "\n".join(lines).strip()


def _sections() -> Iterator[tuple[str, list[str]]]:
    """Headings and field names, in the order of the file."""
    heading, names = "", list[str]()
    for line in inspect.getsource(Settings).splitlines():
        if found := re.match(r"    # ---- (.+)", line):
            if names:
                yield heading, names
            heading, names = found[1].capitalize(), []
        elif (found := re.match(r"    (\w+): ", line)) and found[1] in Settings.model_fields:
            names.append(found[1])
    if names:
        yield heading, names


def _default(field: FieldInfo) -> str:
    value: Any = field.default
    if value is PydanticUndefined or value is None or value == ():
        return "—"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{getattr(value, 'value', value)}`"


def error_table() -> str:
    lines = ["| code | status | again? | when |", "|---|---|---|---|"]
    lines += [
        f"| `{kind.code}` | {_status(kind)} | {'yes' if kind.retryable else 'no'} | {_when(kind)} |"
        for kind in error_kinds()
    ]
    return "\n".join(lines)


def error_kinds() -> list[type[TurnpikeError]]:
    """Those that a caller can meet, one a code, in the order of errors.py."""
    found: dict[str, type[TurnpikeError]] = {}
    for kind in vars(errors).values():
        if inspect.isclass(kind) and issubclass(kind, TurnpikeError) and kind is not ConfigurationError:
            found.setdefault(kind.code, kind)
    return list(found.values())


def _status(kind: type[TurnpikeError]) -> str:
    return "the provider's" if kind.code == "UPSTREAM_REFUSED" else str(kind.status)


WHEN: dict[str, str] = {
    "INTERNAL": "A fault of Turnpike. The log explains it under the answer's request id; please report it.",
    "INVALID_REQUEST": "Something in the request is wrong; `details.param` names the field, `details.errors` all.",
    "INVALID_JSON": "The body is not JSON; `details.position` is where it ceases to be.",
    "UNSUPPORTED_OPERATION": "The model cannot do this; the message names models that can.",
    "NOT_EXPRESSIBLE": "The provider's API has no word for a field of the request, and leaving it out would change it.",
    "UNAUTHENTICATED": "No API key, or one that is unknown, revoked or expired.",
    "FORBIDDEN": "The key or its owner may not do this: role, network, rank.",
    "SCOPE_MISSING": "The caller lacks a permission or scope, or would give one that it or its owner does not have.",
    "MODEL_FORBIDDEN": "The key's list of models does not hold this one, or its owner has no access to the provider.",
    "ADDRESS_FORBIDDEN": "A provider's address is not public and not allowed, is plain http, or is the gateway's own.",
    "NOT_FOUND": "There is no such thing at this address.",
    "MODEL_NOT_FOUND": "No model has this name; the message names the nearest that the key may use.",
    "METHOD_NOT_ALLOWED": "The address knows other methods; the `Allow` header lists them.",
    "REQUEST_TIMEOUT": "The request was not sent in time.",
    "CONFLICT": "It contradicts what is there: a name that must be unique, a key that was rotated already.",
    "PRECONDITION_FAILED": "`If-Match` names another version than the one that is there; read it anew, then change it.",
    "IDEMPOTENCY_KEY_REUSED": "This `Idempotency-Key` stands for another request already; take a new one.",
    "PRECONDITION_REQUIRED": "Changes here need `If-Match` with the ETag of what is changed: see `require_if_match`.",
    "MAINTENANCE": "An administrator has closed the gateway for maintenance; the message says why, `Retry-After` when.",
    "BODY_TOO_LARGE": "The body is larger than `TURNPIKE_BODY_LIMIT_BYTES`.",
    "UNSUPPORTED_MEDIA": "The body's type or encoding is not one that is read here.",
    "HEAD_TOO_LARGE": "The request's head is larger than `TURNPIKE_HEAD_LIMIT_BYTES`.",
    "NOT_CACHED": "The request's Cache-Control says `only-if-cached`, and the cache has no such answer.",
    "RATE_LIMITED": "Too much at once; `Retry-After` says when to come back.",
    "BUDGET_SPENT": "A budget that this call counts against has no room left for it.",
    "POLICY_REFUSED": "A guard or another policy does not let this request, or its answer, pass.",
    "OVERLOADED": "There is more to do than can be done; the lowest tiers are refused first. See `Retry-After`.",
    "UPSTREAM_ERROR": "The provider's side failed in a way that has no better name.",
    "UPSTREAM_REFUSED": "The provider answered with an error of its own; its status and words are passed on.",
    "UPSTREAM_UNREACHABLE": "No connection to the provider.",
    "UPSTREAM_GARBAGE": "The provider's answer is not what its API promises.",
    "UPSTREAM_CUT": "The provider broke off in the middle of its answer.",
    "UPSTREAM_TIMEOUT": "The provider did not answer in time.",
    "ADDRESS_REFUSED": "The provider's name led to an address that the address policy does not allow.",
    "STORAGE_FULL": "There is no room to keep this upload until it is sent on. Try again; see operations.md, Uploads.",
    "UNAVAILABLE": "Turnpike cannot serve this at the moment: the database is away, or all is busy. See `Retry-After`.",
}
"""The code says which errors there are; only people can say when they meet them."""


def _when(kind: type[TurnpikeError]) -> str:
    return WHEN[kind.code]


GENERATED = {"settings.md": settings_tables, "errors.md": error_table}


def renewed(text: str, table: str) -> str:
    """Raises ValueError when the document has no place for it."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"no lines {BEGIN!r} and {END!r} to write between")
    return f"{before}{BEGIN}\n\n{table}\n\n{END}{after}"


def main() -> None:
    for name, make in GENERATED.items():
        path = DOCS / name
        path.write_text(renewed(path.read_text(), make()))
        sys.stderr.write(f"{path}: renewed\n")


if __name__ == "__main__":
    main()
