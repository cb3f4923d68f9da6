"""What an entry of the audit log holds, and who acts. Made by whoever changes something, chained by the database.

`Draft.changes` is bound by the chain for ever; `Draft.personal` (names, addresses, e-mail) is not, so that it can be
erased: the chain holds a keyed commitment to it instead.
"""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, NamedTuple

OK = "ok"
REFUSED = "refused"
FAILED = "failed"
"""Tried by somebody who may, and not done: it was not there, in conflict, or made no sense."""
OUTCOMES = (OK, REFUSED, FAILED)
USER, OPERATOR, GATEWAY, ANONYMOUS, SCIM = "user", "operator", "gateway", "anonymous", "scim"
ACTORS = (USER, OPERATOR, GATEWAY, ANONYMOUS, SCIM)


class Named(NamedTuple):
    """What is done, to what: `provider.update`, `provider`, its id."""

    action: str
    object_kind: str | None = None
    object_id: str | None = None


@dataclass(frozen=True)
class Draft:
    """An entry before it has its place in the chain."""

    action: str
    at_ms: int
    outcome: str = OK
    error_code: str | None = None
    actor_kind: str = GATEWAY
    actor_id: str | None = None
    """User id."""
    key_id: str | None = None
    department_id: str | None = None
    object_kind: str | None = None
    object_id: str | None = None
    request_id: str | None = None
    count: int = 1
    """How often, where like things were put together."""
    changes: object = None
    """What changed, as JSON: nothing secret, nothing personal, no text of a prompt."""
    personal: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass
class Act:
    """A request that may change something, and who makes it. Its entry is written with what it changes."""

    named: Callable[[], Named]
    request_id: str
    address: str | None
    actor_kind: str = ANONYMOUS
    actor_id: str | None = None
    actor_name: str | None = None
    key_id: str | None = None
    department_id: str | None = None
    recorded: int = 0
    """Entries committed so far."""
    audited: Callable[[], bool] = lambda: True
    """Whether this is administration at all."""

    def draft(self, at_ms: int, made: "Made | None" = None) -> Draft:
        named = self.named()
        made = made or Made()
        object_id = named.object_id or made.new_ids.get(named.object_kind or "")
        personal: dict[str, Any] = {"actor": self.actor_name, "address": self.address, "values": made.personal}
        return Draft(
            action=named.action,
            at_ms=at_ms,
            actor_kind=self.actor_kind,
            actor_id=self.actor_id,
            key_id=self.key_id,
            department_id=self.department_id,
            object_kind=named.object_kind,
            object_id=object_id,
            request_id=self.request_id,
            changes=made.changes or None,
            personal={name: value for name, value in personal.items() if value},
        )


@dataclass
class Made:
    """What a transaction did to rows."""

    changes: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    personal: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    new_ids: dict[str, str] = field(default_factory=dict[str, str])
    """Of the first row of each kind that was made."""


current_act: ContextVar[Act | None] = ContextVar("current_act", default=None)
"""Whose request is being served; None where no person asked: a periodic task, a read."""
