"""Refused model calls, and what guards decided about calls, on their way into the audit log: what the drain writes
beside the ledger, and how like ones become one entry. Pure."""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from turnpike.control.audit.entries import ANONYMOUS, OK, REFUSED, USER, Draft

AUDITED_CODES = frozenset(
    (
        "RATE_LIMITED", "BUDGET_SPENT", "POLICY_REFUSED", "FORBIDDEN", "SCOPE_MISSING", "MODEL_FORBIDDEN",
        "ADDRESS_FORBIDDEN",
    )
)  # fmt: skip
ACTION = "call.refused"
DECIDED = "guard.decided"
EXAMPLES = 10
"""Calls that an entry names by their request ids; the ledger has all of them."""


class Decided(NamedTuple):
    """What a guard did, without the text."""

    policy_id: str
    policy: str
    guard: str
    kind: str
    action: str
    side: str


class Refusal(msgspec.Struct):
    """Calls of one key that were refused for the same reason, or that one guard decided about in the same way; or, of
    whom nobody knew who they are, refused ones of one address."""

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
    decided: Decided | None = None
    """Then `code` is empty."""
    address: str = ""

    def alike(self) -> tuple[object, ...]:
        return (self.key_id, self.code, self.operation, self.model, self.address, self.decided)


def merge(refusals: Iterable[Refusal]) -> list[Refusal]:
    found: dict[tuple[object, ...], Refusal] = {}
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
    if refusal.decided is not None:
        return _draft_of_decision(refusal, refusal.decided)
    return _draft_of_call(refusal) if refusal.key_id else _draft_of_stranger(refusal)


def _draft_of_decision(refusal: Refusal, decided: Decided) -> Draft:
    blocked = decided.action == "block"
    return Draft(
        action=DECIDED,
        at_ms=refusal.last_at_ms,
        outcome=REFUSED if blocked else OK,
        error_code="POLICY_REFUSED" if blocked else None,
        actor_kind=USER,
        actor_id=refusal.user_id,
        key_id=refusal.key_id,
        department_id=refusal.department_id,
        object_kind="policy",
        object_id=decided.policy_id,
        request_id=refusal.requests[0] if refusal.requests else None,
        count=refusal.count,
        changes={
            **decided._asdict(),
            "operation": refusal.operation,
            "model": refusal.model,
            "first_at_ms": refusal.first_at_ms,
            "last_at_ms": refusal.last_at_ms,
            "requests": refusal.requests,
        },
    )


def _draft_of_stranger(refusal: Refusal) -> Draft:
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


def _draft_of_call(refusal: Refusal) -> Draft:
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
