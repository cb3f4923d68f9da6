"""What a provider can do: its vendor's facts (turnpike.wire.vendors), overlaid with the provider's own `config`.

A vendor that Turnpike does not know is added without code: as `openai_compatible`, with a `config` that names what
differs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from turnpike.contract.snapshot import AuthSpec, OperationSpec
from turnpike.errors import InvalidRequest
from turnpike.wire.parameters import fill, with_derived
from turnpike.wire.vendor import ModelsFormat, Vendor
from turnpike.wire.vendors import VENDORS, normalise_base_url

OTHER = "openai_compatible"


class Config(msgspec.Struct, frozen=True):
    """A stored `config`: checked when it was written (config.py), read here without asking again."""

    operations: dict[str, tuple[OperationSpec, ...]] = {}
    auth: AuthSpec | None = None
    headers: dict[str, str] = {}
    needs_credential: bool | None = None
    models_path: str | None = None
    models_format: ModelsFormat | None = None
    price_provider: str | None = None
    quirks: tuple[str, ...] = ()
    health_check_s: float | None = None


def read_config(stored: dict[str, Any]) -> Config:
    return msgspec.convert(stored, Config)


@dataclass(frozen=True)
class Facts:
    operations: dict[str, tuple[OperationSpec, ...]]
    auth: AuthSpec
    headers: dict[str, str]
    needs_credential: bool
    models_path: str | None
    models_more: tuple[str, ...]
    models_host: tuple[str, str] | None
    models_format: ModelsFormat
    models_public: bool
    credential_path: str | None
    price_provider: str | None
    quirks: tuple[str, ...]


def vendor_names() -> list[str]:
    return list(VENDORS)


def known_vendor(name: str) -> Vendor:
    """A vendor that this release no longer knows is taken as an OpenAI-compatible one: its rows must not stop us."""
    return VENDORS.get(name) or VENDORS[OTHER]


def default_base_url(vendor: str, parameters: Mapping[str, str]) -> str | None:
    """The vendor's own address for these values of its parameters; None where every installation has its own."""
    known = VENDORS.get(vendor)
    return fill(known.base_url, with_derived(known, parameters)) if known and known.base_url else None


def display_name_of(vendor: str) -> str:
    known = VENDORS.get(vendor)
    return known.display_name if known else vendor


def based(vendor: str, config: Config, url: str, parameters: Mapping[str, str]) -> str:
    """The address that paths are appended to, from what was typed; taken as it is where `config` names the paths.
    Raises InvalidRequest."""
    known = VENDORS.get(vendor)
    if known is None or config.operations:
        return url
    return normalise_base_url(known, url, with_derived(known, parameters))


def check_vendor(name: str) -> str:
    """Raises InvalidRequest, naming those that are known."""
    if name not in VENDORS:
        raise InvalidRequest(
            f"vendor: {name!r} is not known; take one of {', '.join(vendor_names())}. An API that follows OpenAI's is "
            f"{OTHER!r} with its own api_base_url.",
            details={"param": "vendor"},
        )
    return name


def facts_of(vendor: str, config: Config, parameters: Mapping[str, str]) -> Facts:
    known = known_vendor(vendor)
    parameters = with_derived(known, parameters)
    operations = {str(name): specs for name, specs in known.operations.items()}
    operations.update(config.operations)
    headers = {**known.headers, **config.headers}
    models_path = config.models_path or known.models_path
    return Facts(
        operations={name: _filled(specs, parameters) for name, specs in operations.items() if specs},
        auth=_filled_auth(config.auth or known.auth, parameters),
        headers={name: fill(value, parameters) for name, value in headers.items()},
        needs_credential=known.needs_credential if config.needs_credential is None else config.needs_credential,
        models_path=fill(models_path, parameters) if models_path else None,
        models_more=() if config.models_path else tuple(fill(path, parameters) for path in known.models_more),
        models_host=known.models_host,
        models_format=config.models_format or known.models_format,
        models_public=known.models_public and config.models_path is None,
        credential_path=fill(known.credential_path, parameters) if known.credential_path else None,
        price_provider=config.price_provider or known.price_provider,
        quirks=tuple(sorted({*known.quirks, *config.quirks})),
    )


def _filled(specs: tuple[OperationSpec, ...], parameters: Mapping[str, str]) -> tuple[OperationSpec, ...]:
    def fill_in(spec: OperationSpec) -> OperationSpec:
        stream_path = None if spec.stream_path is None else fill(spec.stream_path, parameters)
        return msgspec.structs.replace(spec, path=fill(spec.path, parameters), stream_path=stream_path)

    return tuple(fill_in(spec) for spec in specs)


def _filled_auth(auth: AuthSpec, parameters: Mapping[str, str]) -> AuthSpec:
    region, token_url = fill(auth.region, parameters), fill(auth.token_url, parameters)
    return msgspec.structs.replace(auth, region=region, token_url=token_url)
