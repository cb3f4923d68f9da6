"""What an API key may do, resolved by control and cached by relays."""

from hashlib import blake2b

import msgspec

from turnpike.contract.budgets import BudgetSpec
from turnpike.contract.limits import LimitRule
from turnpike.wire.vendor import AuthSpec

KEY_PREFIX = "tp-"


def key_digest(key: bytes, pepper: bytes) -> bytes:
    """Keyed BLAKE2b-256 of the whole key (RFC 7693): what is stored and looked up instead of the key. 32 bytes."""
    return blake2b(key, digest_size=32, key=pepper).digest()


class PersonalAccess(msgspec.Struct, frozen=True, gc=False):
    """A person's own settings at one provider. A personal credential serves its owner's calls only."""

    provider_id: str
    use_shared_api: bool
    credential_id: str | None
    secret: str | None
    auth: AuthSpec | None = None
    """As CredentialSpec.auth."""
    budgets: tuple[BudgetSpec, ...] = ()
    """Of what is sent with the credential."""


class KeyGrant(msgspec.Struct, frozen=True, gc=False):
    """Everything the relay asks about a caller. Access to a provider follows from `role`, `personal` and the
    provider's flags by turnpike.contract.access.access_state."""

    key_id: str
    key_name: str
    user_id: str
    department_id: str | None
    role: str
    scopes: int
    """Bits of turnpike.contract.scopes."""
    tier: str
    models: tuple[str, ...]
    """Allowed model names with `*` wildcards; empty allows all."""
    networks: tuple[str, ...]
    """Allowed client networks as CIDR; empty allows all."""
    expires_at_ms: int
    """0: never."""
    default_provider: str | None = None
    personal: tuple[PersonalAccess, ...] = ()
    denied_networks: tuple[str, ...] = ()
    """Client networks that it may not be used from, whatever `networks` says."""
    limits: tuple[LimitRule, ...] = ()
    """Of the key and of its owner."""
    budgets: tuple[BudgetSpec, ...] = ()
    """Of the key and of its user."""
    department_models: tuple[str, ...] = ()
    """What the owner's department may call at most, as `models`: a model must be on both lists."""
    rights: tuple[int, int, int] | None = None
    """Bits of turnpike.control.rights.permissions.Rights, for the platform API alone; None: as role and scopes say."""
