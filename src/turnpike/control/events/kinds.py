"""Every kind of event with the fields of its `data`. A new field may come; another meaning is a new version."""

from typing import ClassVar

import msgspec

ANY = "*"


class Payload(msgspec.Struct, frozen=True, kw_only=True):
    TYPE: ClassVar[str]
    VERSION: ClassVar[int] = 1
    RESERVED: ClassVar[bool] = False
    """Nothing in this release emits it."""


class KeyCreated(Payload, frozen=True, kw_only=True):
    """An API key was made."""

    TYPE: ClassVar[str] = "key.created"
    key_id: str
    name: str
    user_id: str
    created_by: str | None
    """A user; null: the operator of the machine."""
    scopes: list[str]
    expires_at: str | None


class KeyRevoked(Payload, frozen=True, kw_only=True):
    """An API key was revoked, for ever."""

    TYPE: ClassVar[str] = "key.revoked"
    key_id: str
    name: str
    user_id: str
    revoked_by: str | None


class KeyRotated(Payload, frozen=True, kw_only=True):
    """A successor was made for an API key, by hand or by policy."""

    TYPE: ClassVar[str] = "key.rotated"
    key_id: str
    name: str
    user_id: str
    successor_id: str
    expires_at: str | None
    """Of the old key."""


class KeyExpiring(Payload, frozen=True, kw_only=True):
    """An API key ends soon: TURNPIKE_KEY_EXPIRY_NOTICE_DAYS before it does."""

    TYPE: ClassVar[str] = "key.expiring"
    key_id: str
    name: str
    user_id: str
    expires_at: str


class UserCreated(Payload, frozen=True, kw_only=True):
    """A person was added: by an administrator, an invitation, the first sign-in or an identity provider."""

    TYPE: ClassVar[str] = "user.created"
    user_id: str
    role: str
    department_id: str | None


class UserDeactivated(Payload, frozen=True, kw_only=True):
    """A person may no longer come in; sessions and keys are at an end."""

    TYPE: ClassVar[str] = "user.deactivated"
    user_id: str


class UserActivated(Payload, frozen=True, kw_only=True):
    """A person may come in again."""

    TYPE: ClassVar[str] = "user.activated"
    user_id: str


class UserRoleChanged(Payload, frozen=True, kw_only=True):
    """A person has another role."""

    TYPE: ClassVar[str] = "user.role_changed"
    user_id: str
    old_role: str
    new_role: str


class UserDepartmentChanged(Payload, frozen=True, kw_only=True):
    """A person belongs to another department, or to none."""

    TYPE: ClassVar[str] = "user.department_changed"
    user_id: str
    old_department_id: str | None
    new_department_id: str | None


class UserSignedIn(Payload, frozen=True, kw_only=True):
    """A person signed in."""

    TYPE: ClassVar[str] = "user.signed_in"
    user_id: str
    method: str
    """`local`, `link`, or the issuer's slug."""


class BudgetAlert(Payload, frozen=True, kw_only=True):
    """A percentage of a budget is spent: once a period."""

    TYPE: ClassVar[str] = "budget.alert"
    budget_id: str
    kind: str
    subject: str
    period: str
    period_start: str
    percent: int
    spent_usd: str
    amount_usd: str


class ProviderHealthChanged(Payload, frozen=True, kw_only=True):
    """A provider stopped answering the checks of a machine, or answers again."""

    TYPE: ClassVar[str] = "provider.health_changed"
    provider_id: str
    provider: str
    healthy: bool
    reason: str | None
    machine: str


class AlertFiring(Payload, frozen=True, kw_only=True):
    """An alert rule holds true for a subject."""

    TYPE: ClassVar[str] = "alert.firing"
    rule_id: str
    rule: str
    kind: str
    scope: str
    subject: str
    severity: str
    value: float
    threshold: float
    message: str
    since: str


class AlertResolved(AlertFiring, frozen=True, kw_only=True):
    """It does so no longer."""

    TYPE: ClassVar[str] = "alert.resolved"


class EndpointDisabled(Payload, frozen=True, kw_only=True):
    """A webhook endpoint failed for so long that it was switched off."""

    TYPE: ClassVar[str] = "webhook.endpoint_disabled"
    endpoint_id: str
    reason: str
    failing_since: str | None


class Ping(Payload, frozen=True, kw_only=True):
    """A test, sent to one endpoint or target alone."""

    TYPE: ClassVar[str] = "webhook.test"
    receiver_id: str
    message: str


class TaskEnded(Payload, frozen=True, kw_only=True):
    """A task came to its end."""

    TYPE: ClassVar[str] = "task.succeeded"
    RESERVED: ClassVar[bool] = True
    task_id: str
    kind: str
    user_id: str
    error_code: str | None = None


class TaskFailed(TaskEnded, frozen=True, kw_only=True):
    """A task failed."""

    TYPE: ClassVar[str] = "task.failed"


class TaskCancelled(TaskEnded, frozen=True, kw_only=True):
    """A task was given up by somebody."""

    TYPE: ClassVar[str] = "task.cancelled"


class TrainingStarted(Payload, frozen=True, kw_only=True):
    """A training job began."""

    TYPE: ClassVar[str] = "training.started"
    RESERVED: ClassVar[bool] = True
    job_id: str
    model: str
    user_id: str
    error_code: str | None = None


class TrainingSucceeded(TrainingStarted, frozen=True, kw_only=True):
    """A training job came to its end."""

    TYPE: ClassVar[str] = "training.succeeded"


class TrainingFailed(TrainingStarted, frozen=True, kw_only=True):
    """A training job failed."""

    TYPE: ClassVar[str] = "training.failed"


KINDS: dict[str, type[Payload]] = {
    kind.TYPE: kind
    for kind in (
        KeyCreated, KeyRevoked, KeyRotated, KeyExpiring, UserCreated, UserDeactivated, UserActivated, UserRoleChanged,
        UserDepartmentChanged, UserSignedIn, BudgetAlert, ProviderHealthChanged, AlertFiring, AlertResolved,
        EndpointDisabled, Ping, TaskEnded, TaskFailed, TaskCancelled, TrainingStarted, TrainingSucceeded,
        TrainingFailed,
    )
}  # fmt: skip


def is_pattern(text: str) -> bool:
    """`*`, a known name, or the beginning of known names with `.*` behind it."""
    return text == ANY or text in KINDS or (text.endswith(".*") and any(name.startswith(text[:-1]) for name in KINDS))


def matches(pattern: str, name: str) -> bool:
    return pattern in (ANY, name) or (pattern.endswith(".*") and name.startswith(pattern[:-1]))


def wanted(patterns: list[str], name: str) -> bool:
    return any(matches(pattern, name) for pattern in patterns)
