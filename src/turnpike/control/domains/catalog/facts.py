"""What a provider can do: its vendor's facts (turnpike.wire.vendors), overlaid with the provider's own `config`.

A vendor that Turnpike does not know is added without code: the vendor `custom`, and a `config` that names its paths.
"""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, StringConstraints, field_validator

from turnpike.contract.snapshot import AuthSpec, OperationSpec
from turnpike.control.web.fields import Body
from turnpike.errors import InvalidRequest
from turnpike.wire.dialects import DIALECTS
from turnpike.wire.operations import Operation
from turnpike.wire.profiles.quirks import ALL as QUIRKS
from turnpike.wire.vendor import ModelsFormat, Vendor, openai_compatible
from turnpike.wire.vendors import VENDORS

CUSTOM = "custom"
UrlPath = Annotated[str, StringConstraints(pattern=r"^(/[A-Za-z0-9._~!$&'()*+,;=:@%-]*)+$", max_length=300)]
HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$", max_length=64)]
HeaderValue = Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e]*$", max_length=1000)]
_OWN_HEADERS = frozenset(
    "host content-length transfer-encoding connection keep-alive te trailer upgrade expect content-encoding "
    "accept-encoding proxy-authorization authorization x-api-key cookie".split()
)


class OperationConfig(Body):
    dialect: str
    path: UrlPath

    @field_validator("dialect")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in DIALECTS:
            raise ValueError(f"{name[:64]!r} is no dialect; take one of {', '.join(sorted(DIALECTS))}")
        return name


class AuthConfig(Body):
    header: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{0,64}$")] = "authorization"
    prefix: Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e]*$", max_length=64)] = "Bearer "


class ProviderConfig(Body):
    """What differs from the vendor's facts. Nothing in here may be a secret: it is shown to administrators."""

    operations: dict[Operation, list[OperationConfig]] | None = Field(
        None, description="Paths below the base URL, by operation; replaces the vendor's for the operations it names."
    )
    auth: AuthConfig | None = Field(None, description="How the credential is sent; an empty header sends none.")
    headers: dict[HeaderName, HeaderValue] = Field({}, max_length=32, description="Sent with every request.")
    needs_credential: bool | None = Field(None, description="Whether calls without a credential make no sense.")
    models_path: UrlPath | None = Field(None, description="Where the provider lists its models.")
    models_format: ModelsFormat | None = None
    price_provider: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_.-]{1,64}$")] | None = Field(
        None, description="The provider's id in genai-prices, if its prices are another's."
    )
    quirks: list[str] = Field([], max_length=32)

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


@dataclass(frozen=True)
class Facts:
    operations: dict[str, tuple[OperationSpec, ...]]
    auth: AuthSpec
    headers: dict[str, str]
    needs_credential: bool
    models_path: str | None
    models_format: ModelsFormat
    price_provider: str | None
    quirks: tuple[str, ...]


def vendor_names() -> list[str]:
    return [CUSTOM, *sorted(VENDORS)]


def default_base_url(vendor: str) -> str | None:
    known = VENDORS.get(vendor)
    return known.base_url if known else None


def check_vendor(name: str) -> str:
    """Raises InvalidRequest, naming those that are known."""
    if name != CUSTOM and name not in VENDORS:
        raise InvalidRequest(
            f"vendor: {name!r} is not known; take one of {', '.join(vendor_names())}. An API that follows OpenAI's is "
            f"{CUSTOM!r} with its own api_base_url.",
            details={"param": "vendor"},
        )
    return name


def facts_of(vendor: str, config: ProviderConfig) -> Facts:
    """A vendor that this release no longer knows is taken as `custom`: its rows must not stop the gateway."""
    known = VENDORS.get(vendor) or _custom()
    operations = {str(name): specs for name, specs in known.operations.items()}
    for name, specs in (config.operations or {}).items():
        operations[str(name)] = tuple(OperationSpec(spec.dialect, spec.path) for spec in specs)
    auth = known.auth if config.auth is None else AuthSpec(config.auth.header.lower(), config.auth.prefix)
    return Facts(
        operations={name: specs for name, specs in operations.items() if specs},
        auth=auth,
        headers={**known.headers, **config.headers},
        needs_credential=known.needs_credential if config.needs_credential is None else config.needs_credential,
        models_path=config.models_path or known.models_path,
        models_format=config.models_format or known.models_format,
        price_provider=config.price_provider or known.price_provider,
        quirks=tuple(sorted({*known.quirks, *config.quirks})),
    )


def _custom() -> Vendor:
    return Vendor(
        name=CUSTOM,
        display_name="Custom",
        website="",
        reference="",
        base_url=None,
        operations=openai_compatible(),
        needs_credential=False,
    )
