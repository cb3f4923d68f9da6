"""What issuers publish: their endpoints (OpenID Connect Discovery 1.0) and their keys (RFC 7517), kept for an hour.

A token that names an unknown key makes us ask for the keys anew, so an issuer may replace them at any time; but no
oftener than the floor, so nobody makes us flood it. When the issuer is away, what is known goes on.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from turnpike.control.outbound import Outbound
from turnpike.errors import AddressForbidden, TurnpikeError, UpstreamGarbage, UpstreamRefused
from turnpike.settings import Settings

KEPT_S = 3600.0
FLOOR_S = 10.0
MAX_ISSUERS = 500
TENANT_PLACE = "{tenantid}"
T = TypeVar("T")
log = structlog.get_logger()


class Metadata(msgspec.Struct, frozen=True):
    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    end_session_endpoint: str | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False


@dataclass(frozen=True)
class Place:
    """An issuer, and the networks that an administrator allowed for it."""

    issuer: str
    allow_addresses: tuple[str, ...] = ()


class Reader:
    """JSON from and to issuers, every address asked of the policy."""

    def __init__(self, settings: Settings, outbound: Outbound) -> None:
        self._settings = settings
        self._outbound = outbound

    async def read(
        self, place: Place, url: str, kind: type[T], *, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> T:
        """GET, or POST where there is a body. Raises AddressForbidden, or an UpstreamError."""
        check_url(url, self._settings)
        answer = await self._outbound.send(
            "POST" if body else "GET",
            url,
            headers=headers or {},
            body=body,
            allow_addresses=place.allow_addresses,
            proxy=None,
        )
        if answer.status != 200:
            raise UpstreamRefused(f"{urlsplit(url).netloc} answered {answer.status}{_said(answer.body)}.", status=502)
        try:
            return msgspec.json.decode(answer.body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise UpstreamGarbage(f"{urlsplit(url).netloc} did not answer as an issuer does: {error}") from error


def _said(body: bytes) -> str:
    """`error` of RFC 6749 alone: descriptions may repeat what was sent."""
    try:
        found = msgspec.json.decode(body, type=dict[str, Any]).get("error")
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    return f" ({found[:60]})" if isinstance(found, str) and found.isprintable() else ""


def check_url(url: str, settings: Settings) -> None:
    """Raises AddressForbidden for plain http beyond this machine and for an address with a password in it."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    here = host in ("localhost", "127.0.0.1", "::1")
    if parts.scheme != "https" and not (parts.scheme == "http" and (here or settings.allow_insecure_http_callbacks)):
        raise AddressForbidden(f"An issuer's address must begin with https://, not as {parts.scheme}://{host} does.")
    if parts.username is not None or not host:
        raise AddressForbidden("An issuer's address must name a host, and no user.")


@dataclass
class _Known:
    metadata: Metadata | None = None
    metadata_at: float = 0.0
    keys: KeySet | None = None
    keys_at: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Directory:
    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self._known: dict[Place, _Known] = {}

    def _of(self, place: Place) -> _Known:
        if place not in self._known and len(self._known) >= MAX_ISSUERS:
            del self._known[next(iter(self._known))]
        return self._known.setdefault(place, _Known())

    async def metadata(self, place: Place) -> Metadata:
        """Raises AddressForbidden, or an UpstreamError when nothing is known and the issuer does not tell."""
        known = self._of(place)
        async with known.lock:
            return await self._metadata(place, known)

    async def _metadata(self, place: Place, known: _Known) -> Metadata:
        if known.metadata is not None and time.monotonic() - known.metadata_at < KEPT_S:
            return known.metadata
        url = place.issuer.rstrip("/") + "/.well-known/openid-configuration"
        try:
            found = await self.reader.read(place, url, Metadata)
        except TurnpikeError as error:
            if known.metadata is None:
                raise
            log.warning("issuer_not_read_again", issuer=place.issuer, reason=error.message)
            known.metadata_at = time.monotonic() - KEPT_S + FLOOR_S
            return known.metadata
        if found.issuer != place.issuer and TENANT_PLACE not in found.issuer:
            raise UpstreamGarbage(f"What is published at {place.issuer} is of another issuer: {found.issuer[:200]}.")
        known.metadata, known.metadata_at = found, time.monotonic()
        return found

    async def keys(self, place: Place, kid: str | None) -> Sequence[Any]:
        """The keys that a token may be signed with: those of that id, or all where it names none."""
        known = self._of(place)
        async with known.lock:
            age_s = time.monotonic() - known.keys_at
            if known.keys is None or age_s > KEPT_S or (age_s > FLOOR_S and not _called(known.keys, kid)):
                await self._read_keys(place, known)
            assert known.keys is not None
            return _called(known.keys, kid)

    async def _read_keys(self, place: Place, known: _Known) -> None:
        known_before = known.keys is not None
        try:
            metadata = await self._metadata(place, known)
            found = await self.reader.read(place, metadata.jwks_uri, dict[str, Any])
            known.keys = _key_set(found)
        except TurnpikeError as error:
            if not known_before:
                raise
            log.warning("issuers_keys_not_read", issuer=place.issuer, reason=error.message)
        known.keys_at = time.monotonic()


def _key_set(found: Mapping[str, Any]) -> KeySet:
    """What is of no use here (other curves, encryption keys, secrets) is passed over."""
    keys = []
    for entry in found.get("keys", ()):
        usable = isinstance(entry, dict) and entry.get("kty") in ("RSA", "EC", "OKP")
        if not usable or entry.get("use", "sig") != "sig":
            continue
        try:
            keys.extend(KeySet.import_key_set({"keys": [entry]}).keys)
        except (JoseError, ValueError, TypeError):
            continue
    return KeySet(keys)


def _called(keys: KeySet, kid: str | None) -> Sequence[Any]:
    return [key for key in keys.keys if kid is None or key.kid == kid]
