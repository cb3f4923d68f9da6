"""Bodies and answers of /api/v1/ai/providers and /api/v1/ai/models."""

from typing import Annotated, Any, Literal, Self

from pydantic import AliasChoices, Field, field_validator, model_validator

from turnpike.control.db.models.catalog import CAPABILITIES
from turnpike.control.domains.catalog.config import ProviderConfig
from turnpike.control.domains.catalog.price_schemas import PriceOverride, PriceView
from turnpike.control.web.envelope import Moment
from turnpike.control.web.fields import (
    Body,
    CredentialText,
    ModelName,
    Name,
    NetworkText,
    Slug,
    Text,
    View,
    refuse_null,
)

Capability = Literal[
    "chat", "image", "audio", "speech_to_text", "video", "code", "embeddings", "rerank", "moderation", "realtime"
]
Order = Annotated[int, Field(ge=-1_000_000, le=1_000_000)]
Weight = Annotated[int, Field(ge=0, le=1_000)]
InFlight = Annotated[int, Field(ge=1, le=1_000_000)]
Tokens = Annotated[int, Field(ge=1, le=100_000_000)]
Addresses = Annotated[list[NetworkText], Field(max_length=64)]

ParameterName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Parameters = Annotated[dict[ParameterName, str], Field(max_length=32)]
PARTS = "A vendor whose credential has several parts takes an object of them, by name."

# ---- providers

Region = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$")]


class ProviderBody(Body):
    """A whole provider: for POST, and for PUT, where what is left out gets its default (the credential stays)."""

    name: Name | None = Field(default=None, description="Without it the vendor's.")
    slug: Slug | None = Field(default=None, description="Without it made from the name.")
    display_name: Name | None = Field(default=None, description="Without it the name.")
    website: Text | None = None
    vendor: Slug = Field(
        default="openai_compatible", description="Whose API it is; the default is any that follows OpenAI's."
    )
    api_base_url: Text | None = Field(default=None, description="Without it the vendor's own.")
    shared_api_key: CredentialText | None = Field(default=None, description="Write-only; kept encrypted. " + PARTS)
    parameters: Parameters = Field(
        default={}, description="Values of the vendor's parameters; secret ones go into the credential."
    )
    allow_shared_for_users: bool = True
    allow_shared_for_normal_admins: bool = False
    is_active: bool = True
    sort_order: Order = 0
    allow_addresses: Addresses = Field(default=[])
    proxy: Text | None = None
    region: Region | None = None
    config: ProviderConfig = ProviderConfig()


class ProviderPatch(Body):
    name: Name | None = None
    slug: Slug | None = None
    display_name: Name | None = None
    website: Text | None = None
    vendor: Slug | None = None
    api_base_url: Text | None = None
    shared_api_key: CredentialText | None = Field(default=None, description="Write-only; null removes it. " + PARTS)
    parameters: dict[ParameterName, str | None] | None = Field(
        default=None, max_length=32, description="Those to change; null takes a parameter's default again."
    )
    allow_shared_for_users: bool | None = None
    allow_shared_for_normal_admins: bool | None = None
    is_active: bool | None = None
    sort_order: Order | None = None
    allow_addresses: Addresses | None = None
    proxy: Text | None = None
    region: Region | None = None
    config: ProviderConfig | None = None

    @model_validator(mode="after")
    def _nulls(self) -> Self:
        refuse_null(self.given(), "website", "shared_api_key", "proxy", "region")
        return self


class ProviderView(View):
    id: str
    slug: str
    name: str
    display_name: str
    website: str | None
    vendor: str
    is_active: bool
    sort_order: int
    access: str = Field(description="Of the asking person: AVAILABLE_SHARED, AVAILABLE_PERSONAL, NO_ACCESS, DISABLED.")
    allow_shared_for_users: bool
    allow_shared_for_normal_admins: bool
    created_at: Moment
    updated_at: Moment
    api_base_url: str | None = Field(default=None, description="This and what follows: for the admin scope, else null.")
    shared_api_key: str | None = Field(
        default=None, description="Masked; of the first shared credential that is active."
    )
    credentials: list[str] | None = Field(default=None, description="All active shared ones, masked.")
    allow_addresses: list[str] | None = None
    proxy: str | None = None
    region: str | None = None
    config: dict[str, Any] | None = None
    parameters: dict[str, str] | None = Field(
        default=None, description="Of the vendor; those that are parts of the credential are masked."
    )


# ---- credentials


class CredentialBody(Body):
    label: Name
    api_key: CredentialText = Field(description="Write-only; kept encrypted.")
    is_active: bool = True


class CredentialPatch(Body):
    label: Name | None = None
    api_key: CredentialText | None = None
    is_active: bool | None = None

    @model_validator(mode="after")
    def _nulls(self) -> Self:
        refuse_null(self.given())
        return self


class CredentialView(View):
    id: str
    label: str
    api_key: str = Field(description="Masked.")
    is_active: bool
    created_at: Moment
    updated_at: Moment


# ---- a person's own settings


class SettingBody(Body):
    """PUT: what is left out gets its default, the personal key stays."""

    use_shared_api: bool = True
    monthly_limit: Annotated[int, Field(ge=0, le=10**12)] | None = Field(default=None, description="US cents.")
    is_active: bool = True
    personal_api_key: CredentialText | None = Field(default=None, description="Write-only; null removes it.")


class SettingPatch(SettingBody):
    @model_validator(mode="after")
    def _nulls(self) -> Self:
        refuse_null(self.given(), "monthly_limit", "personal_api_key")
        return self


class SettingView(View):
    provider: str
    provider_id: str
    use_shared_api: bool
    monthly_limit: int | None
    is_active: bool
    personal_api_key: str | None = Field(description="Masked; shown to its owner only.")
    access: str


# ---- models


class ModelBody(Body):
    """A whole model: for POST, and for PUT, where what is left out gets its default."""

    provider: str = Field(
        pattern=r"^[A-Za-z0-9._-]{1,64}$",
        description="Id or slug; `provider_id` is another name of this field.",
        validation_alias=AliasChoices("provider", "provider_id"),
    )
    name: ModelName = Field(
        description="What callers say. Several providers' models may share a name. With one `*` it stands for every"
        " model of such a name that has no row of its own."
    )
    model_id: ModelName | None = Field(
        default=None,
        description="What the provider calls it; without it the name. A `*` becomes what the name's stands for.",
    )
    display_name: Name | None = None
    capabilities: list[Capability] | None = Field(
        default=None, max_length=len(CAPABILITIES), description="Without it what models of such a name can do."
    )
    is_active: bool = True
    sort_order: Order = 0
    weight: Weight = 1
    context_window: Tokens | None = None
    max_output_tokens: Tokens | None = None
    region: Region | None = Field(default=None, description="Where it runs; without it where its provider does.")
    max_in_flight: InFlight | None = Field(
        default=None, description="Calls in hand at it and one relay, at most; without it the gateway's cap."
    )
    price_override: PriceOverride | None = None

    @field_validator("capabilities")
    @classmethod
    def _in_order(cls, names: list[str] | None) -> list[str] | None:
        return None if names is None else [name for name in CAPABILITIES if name in names]


class ModelPatch(Body):
    name: ModelName | None = None
    model_id: ModelName | None = None
    display_name: Name | None = None
    capabilities: list[Capability] | None = Field(default=None, max_length=len(CAPABILITIES))
    is_active: bool | None = None
    sort_order: Order | None = None
    weight: Weight | None = None
    context_window: Tokens | None = None
    max_output_tokens: Tokens | None = None
    region: Region | None = Field(default=None, description="null: where its provider runs.")
    max_in_flight: InFlight | None = Field(default=None, description="null: the gateway's `concurrency_max`.")
    price_override: PriceOverride | None = Field(default=None, description="null: take the price list's price again.")

    @field_validator("capabilities")
    @classmethod
    def _in_order(cls, names: list[str] | None) -> list[str] | None:
        return None if names is None else [name for name in CAPABILITIES if name in names]

    @model_validator(mode="after")
    def _nulls(self) -> Self:
        refuse_null(self.given(), "context_window", "max_output_tokens", "price_override", "region", "max_in_flight")
        return self


class ModelView(View):
    id: str
    provider: str = Field(description="The provider's slug.")
    provider_id: str
    name: str
    model_id: str
    display_name: str
    capabilities: list[str]
    is_active: bool
    sort_order: int
    weight: int
    context_window: int | None
    max_output_tokens: int | None
    region: str | None
    max_in_flight: int | None
    priced: bool
    price: PriceView | None
    price_source: str | None
    access: str
    created_at: Moment
    updated_at: Moment


# ---- test and sync


class TestBody(Body):
    api_key: CredentialText | None = Field(
        default=None, description="Try this key instead of the stored one; it is not kept."
    )


class TestView(View):
    ok: bool
    status: int | None = Field(description="HTTP status of the provider's answer, if it gave one.")
    elapsed_ms: int | None
    models: int | None = Field(default=None, description="How many models the provider lists.")
    credential_tested: bool = Field(
        default=True, description="false: what was asked for is shown to anybody, so the credential may be wrong."
    )
    error: str | None = None


class SyncBody(Body):
    only: list[ModelName] = Field(default=[], max_length=200, description="Names to take, `*` as wildcard; empty: all.")
    activate: bool = Field(default=True, description="Whether new models are active at once.")
    deactivate_missing: bool = Field(default=False, description="Switch off models that the provider lists no longer.")


class SyncView(View):
    added: list[str]
    total: int = Field(description="Models of this provider in the catalog now.")
    missing: list[str] = Field(description="In the catalog, not in the provider's list.")
    deactivated: list[str]
    unpriced: list[str] = Field(description="Among those added.")
    listed: bool = Field(
        default=True, description="Whether the provider listed them; else they are those that the price list knows."
    )
