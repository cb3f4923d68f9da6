"""The compiled catalog that control pushes and a relay plans from. Whatever does not depend on a request is in here."""

import msgspec

from turnpike.contract.budgets import BudgetSpec
from turnpike.contract.caching import Caching
from turnpike.contract.limits import LimitRule
from turnpike.contract.policies import PolicySpec
from turnpike.contract.routes import ResidencySpec, RouteSpec, Strategy
from turnpike.wire.prices import Rates
from turnpike.wire.vendor import AuthSpec as AuthSpec
from turnpike.wire.vendor import OperationSpec as OperationSpec


class CredentialSpec(msgspec.Struct, frozen=True, gc=False):
    """A secret in clear: it travels only over the contract socket and rests only encrypted."""

    id: str
    secret: str
    auth: AuthSpec | None = None
    """How this one is sent, where it is not the provider's plain way: signed requests, or a token that control got."""
    fault: str = ""
    """Why it cannot be used at the moment; then there is no secret."""
    budgets: tuple[BudgetSpec, ...] = ()
    """Of what is sent with it; likewise below."""


class ProviderSpec(msgspec.Struct, frozen=True):
    id: str
    slug: str
    name: str
    vendor: str
    base_url: str
    """Scheme, host, port and path prefix, without a trailing slash: `https://api.openai.com/v1`."""
    operations: dict[str, tuple[OperationSpec, ...]]
    """By `turnpike.wire.operations.Operation` value: the dialects that the provider speaks for it, best first. A
    relay takes the caller's own dialect where it is among them, else the first."""
    auth: AuthSpec
    headers: dict[str, str]
    """Sent with every request, e.g. `anthropic-version`, unless the caller sends its own."""
    credentials: tuple[CredentialSpec, ...]
    """Shared ones; empty for a server that asks for none, unless `needs_credential`."""
    needs_credential: bool
    allow_addresses: tuple[str, ...]
    """CIDR blocks that an administrator allowed for this provider beyond public addresses."""
    proxy: str | None
    shared_for_users: bool
    shared_for_normal_admins: bool
    quirks: tuple[str, ...] = ()
    """Names of profile facts (turnpike.wire.profiles) that hold for this provider."""
    region: str | None = None
    limits: tuple[LimitRule, ...] = ()
    budgets: tuple[BudgetSpec, ...] = ()


class ModelSpec(msgspec.Struct, frozen=True):
    """One row of the catalog: a model at a provider. Rows that share a `name` form one model for callers."""

    id: str
    """The ledger's deployment id."""
    provider_id: str
    name: str
    """May hold one `*`: then it stands for every model of such a name that has no row of its own."""
    upstream_model: str
    """A `*` in it becomes what the name's stands for."""
    capabilities: tuple[str, ...]
    """chat, image, audio, speech_to_text, video, code, embeddings, rerank, moderation, realtime."""
    operations: tuple[str, ...]
    """What callers may do with it; a subset of the provider's."""
    weight: int = 1
    context_window: int | None = None
    max_output_tokens: int | None = None
    rates: Rates | None = None
    """None: unpriced, and recorded as such."""
    price_source: str | None = None
    """`genai-prices 0.2.3`, `override`: where the rates come from."""
    display_name: str | None = None
    created_s: int = 0
    limits: tuple[LimitRule, ...] = ()
    """Of this deployment."""
    budgets: tuple[BudgetSpec, ...] = ()
    region: str | None = None
    """Where it runs; None: where its provider does."""
    max_in_flight: int | None = None
    """Attempts in hand at it and a relay, at most; None: `Policies.concurrency_max`."""


class AliasSpec(msgspec.Struct, frozen=True, gc=False):
    """Another name for a model; or, retired, the name of one that is no more and what replaces it."""

    name: str
    target: str
    retired: bool = False
    note: str | None = None
    """For callers who still ask for it."""


class Policies(msgspec.Struct, frozen=True):
    """Rules of the whole gateway that an administrator may change while it runs."""

    max_attempts: int = 3
    total_timeout_s: float = 600.0
    breaker_failures: int = 5
    """Failures in a row that open a deployment's breaker."""
    breaker_open_s: float = 15.0
    breaker_failure_share: float = 0.5
    """Of the requests of the last ten seconds: failures that open it, too."""
    breaker_min_requests: int = 20
    """Requests in ten seconds before a share of them means anything."""
    breaker_probes: int = 1
    """Requests that a half-open breaker lets pass at a time, and that must go well in a row to close it."""
    cooldown_s: float = 1.0
    """How long a deployment rests that answered 429 without a Retry-After; twice as long each time in a row."""
    hang_timeout_s: float = 30.0
    """The least that a stream's first byte may take before another deployment is asked; 0: never."""
    hang_timeout_whole_s: float = 120.0
    """The same for answers that come whole."""
    retry_share: float = 0.2
    """Attempts after the first, of a model's requests of the last ten seconds, in one relay."""
    retry_floor: int = 50
    """Attempts after the first, in ten seconds, that are always allowed."""
    adaptive_concurrency: bool = True
    concurrency_max: int = 1024
    """Attempts in hand at one deployment and relay, at most."""
    queue_length: int = 1000
    """Calls that wait for room in one relay, at most; 0: none waits."""
    queue_wait_s: float = 10.0
    """How long one waits."""
    overload_lag_s: float = 0.5
    """How late the event loop may be before tiers are turned away; 0: however late."""
    tier_weights: dict[str, float] = msgspec.field(
        default_factory=lambda: {"free": 1.0, "pro": 4.0, "enterprise": 16.0}
    )
    """Shares of the room that there is, by tier; the lowest is turned away first. Others have the lowest weight."""
    passthrough_call_nanousd: int = 0
    """What a passed-through call counts for whose cost is not known; 0: it is recorded as unpriced."""
    admins_see_all_objects: bool = False
    """Administrators may use everybody's objects at providers, not their own alone."""
    default_strategy: Strategy = Strategy.WEIGHTED
    """For models that several deployments serve and no route stands for."""


class NetworkRules(msgspec.Struct, frozen=True):
    """Who may come in at all, as CIDR: nobody from `denied`; where `allowed` names any, only those."""

    allowed: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()


class MaintenanceSpec(msgspec.Struct, frozen=True):
    """New calls of all but administrators are refused, with this."""

    message: str
    retry_after_s: float = 60.0


class Snapshot(msgspec.Struct, frozen=True):
    contract: int
    version: int
    """Rises with every change; equal versions are equal snapshots."""
    made_at_ms: int
    key_pepper: bytes
    """Keys the digest of API keys: see turnpike.contract.grants.key_digest."""
    providers: tuple[ProviderSpec, ...] = ()
    models: tuple[ModelSpec, ...] = ()
    aliases: tuple[AliasSpec, ...] = ()
    policies: Policies = msgspec.field(default_factory=Policies)
    caching: Caching = msgspec.field(default_factory=Caching)
    networks: NetworkRules = msgspec.field(default_factory=NetworkRules)
    limits: tuple[LimitRule, ...] = ()
    """Of tiers, departments, models, operations, addresses and the gateway."""
    budgets: tuple[BudgetSpec, ...] = ()
    """Of departments, tags and the whole gateway."""
    routes: tuple[RouteSpec, ...] = ()
    residency: tuple[ResidencySpec, ...] = ()
    guard_policies: tuple[PolicySpec, ...] = ()
    """Those that are switched on, in the order of their priority."""
    maintenance: MaintenanceSpec | None = None
    """None: open."""
