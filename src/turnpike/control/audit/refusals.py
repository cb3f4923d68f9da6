"""Refused model calls on their way into the audit log: what the drain writes beside the ledger, and how like ones
become one entry. Pure."""

from collections.abc import Iterable

import msgspec

from turnpike.control.audit.entries import ANONYMOUS, REFUSED, USER, Draft

AUDITED_CODES = frozenset(
    (
        "RATE_LIMITED", "BUDGET_SPENT", "POLICY_REFUSED", "FORBIDDEN", "SCOPE_MISSING", "MODEL_FORBIDDEN",
        "ADDRESS_FORBIDDEN",
    )
)  # fmt: skip
ACTION = "call.refused"
EXAMPLES = 10
"""Calls that an entry names by their request ids; the ledger has all of them."""


class Refusal(msgspec.Struct):
    """Calls of one key that were refused for the same reason; or, of whom nobody knew who they are, of one address."""

    key_id: str
    """Empty: not known."""
    user_id: str
    department_id: str | None
    code: str
    operation: str
    model: str
    count: int
    first_at_ms: int
    last_at_ms: int
    requests: list[str]
    address: str = ""

    def alike(self) -> tuple[str, ...]:
        return (self.key_id, self.code, self.operation, self.model, self.address)


def merge(refusals: Iterable[Refusal]) -> list[Refusal]:
    found: dict[tuple[str, ...], Refusal] = {}
    for refusal in refusals:
        known = found.setdefault(refusal.alike(), refusal)
        if known is refusal:
            continue
        known.count += refusal.count
        known.first_at_ms = min(known.first_at_ms, refusal.first_at_ms)
        known.last_at_ms = max(known.last_at_ms, refusal.last_at_ms)
        known.requests = [*known.requests, *refusal.requests][:EXAMPLES]
    return list(found.values())


def draft_of(refusal: Refusal) -> Draft:
    if not refusal.key_id:
        return Draft(
            action=ACTION,
            at_ms=refusal.last_at_ms,
            outcome=REFUSED,
            error_code=refusal.code,
            actor_kind=ANONYMOUS,
            count=refusal.count,
            changes={"first_at_ms": refusal.first_at_ms, "last_at_ms": refusal.last_at_ms},
            personal={"address": refusal.address} if refusal.address else {},
        )
    return Draft(
        action=ACTION,
        at_ms=refusal.last_at_ms,
        outcome=REFUSED,
        error_code=refusal.code,
        actor_kind=USER,
        actor_id=refusal.user_id,
        key_id=refusal.key_id,
        department_id=refusal.department_id,
        object_kind="model",
        object_id=refusal.model,
        request_id=refusal.requests[0] if refusal.requests else None,
        count=refusal.count,
        changes={
            "operation": refusal.operation,
            "first_at_ms": refusal.first_at_ms,
            "last_at_ms": refusal.last_at_ms,
            "requests": refusal.requests,
        },
    )
