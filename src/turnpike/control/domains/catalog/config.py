"""A provider's `config`, as administrators write it: what differs from its vendor's facts."""

from typing import Annotated

from pydantic import Field, StringConstraints, field_validator

from turnpike.control.web.fields import Body
from turnpike.wire.dialects import DIALECTS
from turnpike.wire.operations import Operation
from turnpike.wire.profiles.quirks import ALL as QUIRKS
from turnpike.wire.vendor import ModelsFormat

UrlPath = Annotated[str, StringConstraints(pattern=r"^(/[A-Za-z0-9._~!$&'()*+,;=:@%{}-]*)+$", max_length=300)]
OperationPath = Annotated[
    str,
    StringConstraints(
        pattern=r"^(/[A-Za-z0-9._~!$&'()*+,;=:@%{}-]*)+(\?[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?$", max_length=300
    ),
]
"""May hold `{model}` and a query."""
HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$", max_length=64)]
HeaderValue = Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e]*$", max_length=1000)]
_OWN_HEADERS = frozenset(
    (
        "host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer", "upgrade", "expect",
        "content-encoding", "accept-encoding", "proxy-authorization", "authorization", "x-api-key", "cookie",
    )
)  # fmt: skip


class OperationConfig(Body):
    dialect: str
    path: OperationPath
    stream_path: OperationPath | None = Field(default=None, description="For streams, where they have their own.")

    @field_validator("dialect")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in DIALECTS:
            raise ValueError(f"{name[:64]!r} is no dialect; take one of {', '.join(sorted(DIALECTS))}")
        return name


class AuthConfig(Body):
    header: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{0,64}$", to_lower=True)] = "authorization"
    prefix: Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e]*$", max_length=64)] = "Bearer "


class ProviderConfig(Body):
    """What differs from the vendor's facts. Nothing in here may be a secret: it is shown to administrators."""

    operations: dict[Operation, list[OperationConfig]] | None = Field(
        default=None,
        description="Paths below the base URL, by operation; replaces the vendor's for the operations it names.",
    )
    auth: AuthConfig | None = Field(default=None, description="How the credential is sent; an empty header sends none.")
    headers: dict[HeaderName, HeaderValue] = Field(default={}, max_length=32, description="Sent with every request.")
    needs_credential: bool | None = Field(default=None, description="Whether calls without a credential make no sense.")
    models_path: UrlPath | None = Field(default=None, description="Where the provider lists its models.")
    models_format: ModelsFormat | None = None
    price_provider: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_.-]{1,64}$")] | None = Field(
        default=None, description="The provider's id in genai-prices, if its prices are another's."
    )
    quirks: list[str] = Field(default=[], max_length=32)
    health_check_s: float | None = Field(
        default=None,
        ge=1,
        le=3600,
        description="Seconds between two active health checks, which ask for something that costs nothing; null: none.",
    )

    @field_validator("headers")
    @classmethod
    def _not_ours(cls, headers: dict[str, str]) -> dict[str, str]:
        for name in headers:
            if name.lower() in _OWN_HEADERS:
                raise ValueError(f"{name} is set by the gateway; a credential goes into shared_api_key")
        return headers

    @field_validator("quirks")
    @classmethod
    def _known(cls, names: list[str]) -> list[str]:
        for name in names:
            if name not in QUIRKS:
                raise ValueError(f"{name[:64]!r} is no quirk; known are {', '.join(sorted(QUIRKS))}")
        return names
