"""Bodies and answers of /api/v1/keys."""

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import AwareDatetime, Field, StringConstraints, field_validator, model_validator

from turnpike.contract.scopes import DEFAULT_SCOPES, SCOPES
from turnpike.control.db.models import ApiKey, Budget
from turnpike.control.domains.keys.repository import ShownKey
from turnpike.control.web.envelope import Moment, moment, moment_or_none
from turnpike.control.web.fields import Body, ModelName, Name, NetworkText, RoleName, Slug, UserId, View, refuse_null
from turnpike.kit.clock import now_ms
from turnpike.kit.money import usd_text

MAX_LIST = 200
Tier = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,32}$")]


def _known_scopes(names: list[str] | None) -> list[str] | None:
    for name in names or ():
        if name not in SCOPES:
            raise ValueError(f"{name[:64]!r} is no scope; take some of {', '.join(SCOPES)}")
    return None if names is None else [name for name in SCOPES if name in names]


class _KeyFields(Body):
    @field_validator("scopes", check_fields=False)
    @classmethod
    def _scopes(cls, names: list[str] | None) -> list[str] | None:
        return _known_scopes(names)


class KeyBody(_KeyFields):
    name: Name
    user_id: UserId | None = Field(default=None, description="Whose key it is; without it the caller's own.")
    scopes: list[str] = Field(default=list(DEFAULT_SCOPES), max_length=len(SCOPES))
    models: list[ModelName] = Field(
        default=[], max_length=MAX_LIST, description="Allowed models, `*` as wildcard; empty: all."
    )
    networks: list[NetworkText] = Field(
        default=[], max_length=MAX_LIST, description="Allowed client networks; empty: all."
    )
    denied_networks: list[NetworkText] = Field(
        default=[], max_length=MAX_LIST, description="Client networks it may not be used from, whatever is allowed."
    )
    default_provider: Slug | None = Field(
        default=None, description="Slug of the provider that is preferred for this key."
    )
    tier: Tier | None = Field(default=None, description="Without it the department's, else `standard`.")
    role: RoleName | None = Field(
        default=None,
        description="What it may do on the platform API beside its scopes: one of the roles, as far as its owner may.",
    )
    expires_at: AwareDatetime | None = Field(
        default=None, description="Without it the life that TURNPIKE_API_KEY_LIFETIME_DAYS sets; null: never."
    )


class KeyPatch(_KeyFields):
    name: Name | None = None
    scopes: list[str] | None = Field(default=None, max_length=len(SCOPES))
    models: list[ModelName] | None = Field(default=None, max_length=MAX_LIST)
    networks: list[NetworkText] | None = Field(default=None, max_length=MAX_LIST)
    denied_networks: list[NetworkText] | None = Field(default=None, max_length=MAX_LIST)
    default_provider: Slug | None = None
    tier: Tier | None = None
    role: RoleName | None = None
    expires_at: AwareDatetime | None = None

    @model_validator(mode="after")
    def _nulls(self) -> Self:
        refuse_null(self.given(), "default_provider", "expires_at", "role")
        return self


class RotateBody(Body):
    grace_hours: float | None = Field(
        default=None, ge=0, le=24 * 365, description="How long the old key goes on; without it the setting's value."
    )


class KeyBudgetView(View):
    id: str
    amount_usd: str
    period: str
    hard: bool = Field(description="Refuses calls beyond it; else it only warns.")
    is_active: bool


class KeyView(View):
    id: str
    name: str
    prefix: str
    user_id: str
    scopes: list[str]
    models: list[str]
    networks: list[str]
    denied_networks: list[str]
    default_provider: str | None
    tier: str = Field(description="/api/v1/tiers tells its limits.")
    role: str | None
    budgets: list[KeyBudgetView] = Field(description="Of this key itself; /api/v1/budgets tells what is spent.")
    status: str = Field(description="active, rotated (works until `expires_at`), expired or revoked")
    created_by: str | None
    created_at: Moment
    updated_at: Moment
    expires_at: Moment | None
    revoked_at: Moment | None
    rotated_at: Moment | None
    successor_id: str | None
    successor_waiting: bool = Field(description="A successor was made by policy and its owner has not fetched it yet.")


class NewKeyView(KeyView):
    key: str = Field(description="The key itself. It is shown this once.")


def status_of(row: ApiKey) -> str:
    if row.revoked_at_ms is not None:
        return "revoked"
    if row.expires_at_ms is not None and row.expires_at_ms <= now_ms():
        return "expired"
    return "active" if row.rotated_at_ms is None else "rotated"


def view_key(shown: ShownKey) -> KeyView:
    return KeyView(**_fields(shown, waiting=shown.successor_waiting))


def view_new_key(shown: ShownKey, key: str) -> NewKeyView:
    return NewKeyView(**_fields(shown, waiting=False), key=key)


def _budget(row: Budget) -> KeyBudgetView:
    amount = usd_text(row.amount_nanousd)
    return KeyBudgetView(id=row.id, amount_usd=amount, period=row.period, hard=row.hard, is_active=row.is_active)


def _fields(shown: ShownKey, *, waiting: bool) -> dict[str, Any]:
    row = shown.row
    return {
        "id": row.id,
        "name": row.name,
        "prefix": row.prefix,
        "user_id": row.user_id,
        "scopes": row.scopes,
        "models": row.models,
        "networks": row.networks,
        "denied_networks": row.denied_networks or [],
        "default_provider": shown.provider,
        "tier": row.tier,
        "role": row.role,
        "budgets": [_budget(each) for each in shown.budgets],
        "status": status_of(row),
        "created_by": row.created_by,
        "created_at": moment(row.created_at_ms),
        "updated_at": moment(row.updated_at_ms),
        "expires_at": moment_or_none(row.expires_at_ms),
        "revoked_at": moment_or_none(row.revoked_at_ms),
        "rotated_at": moment_or_none(row.rotated_at_ms),
        "successor_id": row.successor_id,
        "successor_waiting": waiting,
    }


def millis(value: datetime | None) -> int | None:
    return None if value is None else int(value.timestamp() * 1000)
