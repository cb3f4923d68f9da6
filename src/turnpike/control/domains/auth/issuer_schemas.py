"""Bodies and answers of /api/v1/auth/issuers."""

from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import Field, SecretStr, model_validator

from turnpike.control.db.models import Issuer
from turnpike.control.oidc.config import IssuerConfig, Url, Word
from turnpike.control.web.envelope import Moment, moment
from turnpike.control.web.fields import Body, Name, Slug, View, refuse_null

ENTRA = "https://login.microsoftonline.com"
GOOGLE = "https://accounts.google.com"


class Kind(StrEnum):
    ENTRA = "entra"
    """Microsoft Entra ID."""
    GOOGLE = "google"
    KEYCLOAK = "keycloak"
    OKTA = "okta"
    GENERIC = "generic"


DEFAULTS: dict[Kind, dict[str, Any]] = {
    # `oid` is the same in every application of a tenant; User.Read lets us ask Graph for groups.
    Kind.ENTRA: {"subject_claim": "oid", "scopes": ["openid", "profile", "email", "User.Read"]},
}
"""Of the settings that were not given."""

Secret = Annotated[SecretStr, Field(min_length=1, max_length=2000)]


class IssuerBody(Body):
    slug: Slug = Field(description="Stands in the redirect address: /api/v1/auth/callback/{slug}")
    name: Name
    kind: Kind = Kind.GENERIC
    issuer: Url | None = Field(
        default=None, description="As it stands in its tokens, to the letter. Entra ID and Google need none."
    )
    tenant: Word | None = Field(default=None, description="Entra ID: the tenant's id, or `organizations`.")
    client_id: Word
    client_secret: Secret | None = Field(default=None, description="Without one we are a public client (PKCE alone).")
    is_active: bool = True
    config: IssuerConfig = IssuerConfig()

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.issuer is None and self.kind is Kind.ENTRA and self.tenant is not None:
            self.issuer = f"{ENTRA}/{self.tenant}/v2.0"
        elif self.issuer is None and self.kind is Kind.GOOGLE:
            self.issuer = GOOGLE
        if self.issuer is None:
            raise ValueError("issuer is needed (or, for Entra ID, tenant)")
        if self.tenant in ("organizations", "common") and not self.config.tenants:
            raise ValueError("config.tenants is needed: otherwise anybody with any Microsoft account could come in")
        return self

    def values(self) -> dict[str, Any]:
        config = {**DEFAULTS.get(self.kind, {}), **self.config.given()}
        return {
            "slug": self.slug,
            "name": self.name,
            "kind": self.kind.value,
            "issuer": self.issuer,
            "client_id": self.client_id,
            "is_active": self.is_active,
            "config": IssuerConfig.model_validate(config),
        }


class IssuerPatch(Body):
    name: Name | None = None
    client_id: Word | None = None
    client_secret: Secret | None = Field(default=None, description="null takes it away.")
    is_active: bool | None = None
    config: IssuerConfig | None = Field(default=None, description="What is named in it; the rest stays.")

    @model_validator(mode="after")
    def _nulls(self) -> Self:
        refuse_null(self.given(), "client_secret")
        return self


class IssuerView(View):
    id: str
    slug: str
    name: str
    kind: str
    issuer: str
    client_id: str
    has_secret: bool
    is_active: bool
    config: dict[str, Any]
    redirect_uri: str | None = Field(description="To be registered at the issuer.")
    backchannel_logout_uri: str | None
    created_at: Moment
    updated_at: Moment


class TestedIssuerView(View):
    ok: bool
    message: str


def view_issuer(row: Issuer, base: str | None) -> IssuerView:
    return IssuerView(
        id=row.id,
        slug=row.slug,
        name=row.name,
        kind=row.kind,
        issuer=row.issuer,
        client_id=row.client_id,
        has_secret=row.sealed_secret is not None,
        is_active=row.is_active,
        config=row.config,
        redirect_uri=f"{base}/api/v1/auth/callback/{row.slug}" if base else None,
        backchannel_logout_uri=f"{base}/api/v1/auth/backchannel-logout/{row.slug}" if base else None,
        created_at=moment(row.created_at_ms),
        updated_at=moment(row.updated_at_ms),
    )
