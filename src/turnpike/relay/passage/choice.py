"""Which provider a passed-through request goes to, and what its models are called there."""

from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from turnpike.contract.objects import OwnedObject
from turnpike.contract.routes import ResidencySpec
from turnpike.contract.routing.residency import refusing
from turnpike.contract.snapshot import CredentialSpec, ModelSpec, ProviderSpec
from turnpike.errors import Forbidden, InvalidRequest, NotFound, TurnpikeError, UnsupportedOperation
from turnpike.relay.passage.asked import Asked
from turnpike.wire.passage.family import roots_of
from turnpike.wire.passage.paths import Api

if TYPE_CHECKING:
    from turnpike.contract.routing.residency import InForce
    from turnpike.relay.catalog import Catalog
    from turnpike.relay.profiles import Profile


class Way(msgspec.Struct):
    """A provider that speaks the API, with what leads there."""

    provider: ProviderSpec
    root: str
    """Between the base address and the API's own paths."""
    credentials: tuple[CredentialSpec | None, ...]
    credential: CredentialSpec | None = None
    """The chosen one."""

    @property
    def host(self) -> bytes:
        return urlsplit(self.provider.base_url).netloc.rpartition("@")[2].encode()

    def path(self, segments: str, *, is_upload: bool) -> str:
        base = urlsplit(self.provider.base_url).path.rstrip("/")
        return f"{'/upload' if is_upload else ''}{base}{self.root}/{segments}"

    def with_credential(self, credential_id: str | None) -> "Way":
        """The account that holds the object, where it can still be used; else the first."""
        named = next((each for each in self.credentials if each is not None and each.id == credential_id), None)
        return msgspec.structs.replace(self, credential=named or self.credentials[0])


def ways_to(catalog: "Catalog", profile: "Profile", api: Api, slug: str | None, residency: "InForce" = ()) -> list[Way]:
    """Every provider that speaks this API and that the caller may use; the named one alone with `slug`.

    Raises Forbidden or NotFound when there is none, saying why.
    """
    speaking: list[ProviderSpec] = []
    ways: list[Way] = []
    abroad: ResidencySpec | None = None
    for provider in catalog.providers.values():
        root = roots_of(provider.operations).get(api) if slug in (None, provider.slug) else None
        if root is None:
            continue
        speaking.append(provider)
        credentials = _sendable(provider, profile.credentials(provider))
        refusing_it = refusing(residency, provider.region)
        if credentials and refusing_it is not None:
            abroad = refusing_it
            continue
        if credentials:
            ways.append(Way(provider, root, credentials))
    if ways:
        return ways
    named = f"The provider '{slug}'" if slug else "No provider here"
    if not speaking:
        raise NotFound(f"{named} {'does not speak' if slug else 'speaks'} the API of {api.capitalize()}.")
    if abroad is not None:
        raise out_of_bounds(abroad)
    raise Forbidden(
        "No credential that you may use leads to a provider of this API: its shared one is not open to you and you "
        "have no personal one.",
        details={"providers": [provider.slug for provider in speaking]},
    )


def out_of_bounds(policy: ResidencySpec) -> Forbidden:
    return Forbidden(
        f"The policy '{policy.name}' allows this data in {', '.join(policy.regions)} alone, and what would serve this"
        " request is not there.",
        details={"policy": policy.name, "regions": list(policy.regions)},
    )


def _sendable(
    provider: ProviderSpec, credentials: tuple[CredentialSpec | None, ...]
) -> tuple[CredentialSpec | None, ...]:
    """Those that are a header of each request. Signed requests are made only for calls that are understood."""
    kept: list[CredentialSpec | None] = []
    for credential in credentials:
        auth = (credential.auth if credential is not None else None) or provider.auth
        if credential is None or (credential.secret and auth.kind != "sigv4" and not auth.query):
            kept.append(credential)
    return tuple(kept)


def choose(  # noqa: PLR0917 - all that has a say
    catalog: "Catalog",
    profile: "Profile",
    ways: Sequence[Way],
    holders: Sequence[OwnedObject],
    models: Sequence[str],
    asked: Asked,
) -> Way:
    """The provider that holds the objects named, else the one that serves the models named, else the caller's default
    provider, else the only one. Raises InvalidRequest that names the choices."""
    if holders:
        return _holding(ways, holders)
    for model in dict.fromkeys(models):
        rows = rows_of(catalog, profile, model)
        serving = [way for way in ways if any(row.provider_id == way.provider.id for row in rows)]
        if not serving:
            slugs = ", ".join(way.provider.slug for way in ways)
            raise UnsupportedOperation(
                f"The model '{model}' is at no provider that this path may go to ({slugs}).",
                details={"param": "model", "model": model},
            )
        ways = serving
    preferred = [way for way in ways if way.provider.slug == profile.default_provider]
    preferred = preferred or [way for way in ways if way.provider.slug == asked.prefix]
    if len(ways) > 1 and len(preferred) != 1:
        slugs = sorted(way.provider.slug for way in ways)
        raise InvalidRequest(
            f"Several providers speak this API: {', '.join(slugs)}. Name one at the beginning of the path "
            f"(/{slugs[0]}/...), or have one set as your API key's default_provider.",
            details={"providers": slugs, "api": str(asked.api)},
        )
    return (preferred or list(ways))[0].with_credential(None)


def _holding(ways: Sequence[Way], holders: Sequence[OwnedObject]) -> Way:
    ids = {each.provider_id for each in holders}
    if len(ids) > 1:
        raise InvalidRequest("The objects that this request names are at different providers.")
    way = next((each for each in ways if each.provider.id in ids), None)
    if way is None:
        raise Forbidden("The provider that holds this object is not open to you any more.")
    return way.with_credential(holders[0].credential_id)


def rows_of(catalog: "Catalog", profile: "Profile", name: str) -> list[ModelSpec]:
    """The catalog's rows of a model that the caller may use. Raises ModelNotFound or ModelForbidden."""
    return catalog.rows_of(profile, name)


def model_at(catalog: "Catalog", profile: "Profile", way: Way, name: str, operation: str | None = None) -> ModelSpec:
    """The model as this provider has it. Raises ModelNotFound, ModelForbidden or UnsupportedOperation."""
    rows = [row for row in rows_of(catalog, profile, name) if row.provider_id == way.provider.id]
    if not rows:
        raise _elsewhere(way, name)
    able = [row for row in rows if operation is None or operation in row.operations]
    if not able:
        raise UnsupportedOperation(
            f"The model '{name}' cannot do '{operation}'.", details={"param": "model", "model": name}
        )
    return able[0]


def _elsewhere(way: Way, name: str) -> TurnpikeError:
    return UnsupportedOperation(
        f"The model '{name}' is not at the provider '{way.provider.slug}', where this request goes.",
        details={"param": "model", "model": name},
    )
