"""What an administrator says of an issuer: how to reach it, whom it lets in, and what its claims mean here."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from turnpike.contract.access import Role
from turnpike.contract.scopes import DEFAULT_SCOPES, SCOPES
from turnpike.control.web.fields import NO_CONTROL, Body, NetworkText, RoleName, UserId

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Never `none`, and never one whose key both sides share."""

Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
Word = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=NO_CONTROL)]
Url = Annotated[str, StringConstraints(min_length=8, max_length=500, pattern=r"^https?://[^\s\x00-\x1f\\]+$")]


class Rule(Body):
    """Whoever's claim has this value gets the role, the department, or both."""

    claim: Word = Field(default="groups", description="`groups`, `roles` (Entra's app roles), or any other.")
    value: Word
    role: RoleName | None = None
    department_id: UserId | None = None


class CallerRule(Body):
    """A service: tokens whose claim has this value call in the name of this person."""

    claim: Word = Field(default="sub", description="E.g. `sub`, `azp`, `appid`, `client_id`.")
    value: Word
    user_id: UserId


class IssuerConfig(Body):
    scopes: list[Word] = Field(default=["openid", "profile", "email"], max_length=30)
    allow_addresses: list[NetworkText] = Field(
        default=[], max_length=50, description="Networks that it may be in although they are not public."
    )
    algorithms: list[Algorithm] = Field(default=["RS256", "PS256", "ES256", "EdDSA"], min_length=1)
    clock_skew_s: int = Field(default=60, ge=0, le=300)
    tenants: list[Word] = Field(
        default=[], max_length=200, description="Entra ID for several tenants: the ids of those that may come in."
    )
    subject_claim: Word = Field(default="sub", description="What names a person for good; `oid` for Entra ID.")

    create_users: bool = Field(default=True, description="Whoever signs in first becomes a user.")
    link_by_email: bool = Field(
        default=False, description="A verified e-mail makes somebody the user who has it. For issuers you rule."
    )
    link_by_subject: bool = Field(
        default=False, description="Who has this subject as `ext_subject` is that user. For one issuer at most."
    )
    trust_email: bool = Field(default=False, description="Its e-mails count as verified, said or not.")
    email_domains: list[Word] = Field(
        default=[], max_length=200, description="Only people with a verified e-mail of these."
    )
    rules: list[Rule] = Field(
        default=[],
        max_length=500,
        description="Applied at each sign-in: the highest role that fits, the first department that fits.",
    )
    default_role: RoleName = Field(default=Role.USER.value, description="Of whom no rule gives one.")
    require_rule: bool = Field(default=False, description="Who fits no rule stays outside.")
    graph_url: Url = Field(
        default="https://graph.microsoft.com", description="Microsoft Graph, asked for groups that fit in no token."
    )

    bearer_audiences: list[Word] = Field(
        default=[], max_length=50, description="Tokens of the issuer for one of these are taken on /v1; empty: none is."
    )
    bearer_rules: list[CallerRule] = Field(default=[], max_length=500)
    bearer_by_email: bool = Field(default=False, description="A verified e-mail in a token names its user.")
    bearer_scopes: list[Literal[SCOPES]] = Field(  # pyright: ignore[reportInvalidTypeForm] - read by Pydantic, at run time
        default=list(DEFAULT_SCOPES), description="What such a caller may do, as far as the person's role has it."
    )
