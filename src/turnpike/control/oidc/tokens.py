"""Checking an issuer's tokens: ID tokens (OpenID Connect Core 1.0, 3.1.3.7), logout tokens (Back-Channel Logout 1.0,
2.6) and access tokens of services (RFC 9068, as far as issuers keep to it)."""

import base64
import time
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256, sha384, sha512
from hmac import compare_digest
from typing import Any, TypeGuard

from joserfc import jwt
from joserfc.errors import JoseError

from turnpike.control.oidc.config import ALGORITHMS, IssuerConfig
from turnpike.control.oidc.jose import peek
from turnpike.control.oidc.metadata import TENANT_PLACE, Directory, Place
from turnpike.errors import Unauthenticated

LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
LOGOUT_MAX_AGE_S = 300
_HASHES = {"256": sha256, "384": sha384, "512": sha512}


@dataclass(frozen=True)
class Trusted:
    """An issuer as its tokens are checked by."""

    id: str
    slug: str
    name: str
    kind: str
    place: Place
    client_id: str
    secret: str | None
    config: IssuerConfig

    def __repr__(self) -> str:
        return f"Trusted({self.slug})"


class TokenChecker:
    """Every method raises Unauthenticated with the one thing that is wrong, or an UpstreamError when the issuer's keys
    cannot be had."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    async def id_token(
        self, trusted: Trusted, token: str, *, nonce: str, access_token: str | None = None
    ) -> dict[str, Any]:
        algorithm, claims = await self._checked(trusted, token, (trusted.client_id,))
        if not compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
            raise _wrong("its nonce is not the one that was sent")
        _check_party(trusted, claims)
        at_hash = claims.get("at_hash")
        if at_hash is not None and access_token is not None and at_hash != half_hash(access_token, algorithm):
            raise _wrong("at_hash does not belong to the access token")
        return claims

    async def logout_token(self, trusted: Trusted, token: str) -> dict[str, Any]:
        _, claims = await self._checked(trusted, token, (trusted.client_id,), has_subject=False)
        events = claims.get("events")
        if not isinstance(events, dict) or LOGOUT_EVENT not in events:
            raise _wrong("it is no logout token")
        if "nonce" in claims:
            raise _wrong("a logout token has no nonce")
        if not isinstance(claims.get("sid"), str) and not isinstance(claims.get("sub"), str):
            raise _wrong("it names neither a session nor a person")
        if time.time() - claims["iat"] > LOGOUT_MAX_AGE_S + trusted.config.clock_skew_s:
            raise _wrong("it is too old")
        return claims

    async def bearer(self, trusted: Trusted, token: str) -> dict[str, Any]:
        _, claims = await self._checked(trusted, token, trusted.config.bearer_audiences)
        if "nonce" in claims and trusted.client_id not in trusted.config.bearer_audiences:
            raise _wrong("an ID token is for signing in, not for calling")
        return claims

    async def _checked(
        self, trusted: Trusted, token: str, audiences: Sequence[str], *, has_subject: bool = True
    ) -> tuple[str, dict[str, Any]]:
        peeked = peek(token)
        if peeked is None:
            raise _wrong("it is no JWT")
        algorithm, kid = peeked.header.get("alg"), peeked.header.get("kid")
        if algorithm not in trusted.config.algorithms or algorithm not in ALGORITHMS:
            raise _wrong("its algorithm is not allowed for this issuer")
        claims = _signed(token, algorithm, await self._keys(trusted, kid))
        _check_issuer(trusted, claims)
        _check_audience(audiences, claims)
        _check_times(claims, trusted.config.clock_skew_s)
        subject = claims.get("sub")
        if has_subject and not (isinstance(subject, str) and 0 < len(subject) <= 255):
            raise _wrong("it names no subject")
        return algorithm, claims

    async def _keys(self, trusted: Trusted, kid: object) -> Sequence[Any]:
        return await self._directory.keys(trusted.place, kid if isinstance(kid, str) else None)


def _signed(token: str, algorithm: str, keys: Sequence[Any]) -> dict[str, Any]:
    for key in keys:
        try:
            return dict(jwt.decode(token, key, algorithms=[algorithm]).claims)
        except (JoseError, ValueError, TypeError):
            continue  # a key of another type or another key: the next one may be it
    raise _wrong("no key of the issuer has signed it")


def _check_issuer(trusted: Trusted, claims: dict[str, Any]) -> None:
    expected = trusted.place.issuer
    tenants = trusted.config.tenants
    if tenants:
        tenant = claims.get("tid")
        if tenant not in tenants:
            raise _wrong("its tenant is not one of those that may come in")
        for common in ("/common/", "/organizations/", f"/{TENANT_PLACE}/"):
            expected = expected.replace(common, f"/{tenant}/")
    if claims.get("iss") != expected:
        raise _wrong("it is of another issuer")


def _check_audience(audiences: Sequence[str], claims: dict[str, Any]) -> None:
    given = claims.get("aud")
    listed = [given] if isinstance(given, str) else given if isinstance(given, list) else []
    if not any(audience in listed for audience in audiences):
        raise _wrong("it is for another audience")


def _check_party(trusted: Trusted, claims: dict[str, Any]) -> None:
    party = claims.get("azp")
    if party is not None and party != trusted.client_id:
        raise _wrong("it was issued to another party (azp)")
    if party is None and isinstance(claims.get("aud"), list) and len(claims["aud"]) > 1:
        raise _wrong("it is for several audiences and does not say for which party (azp)")


def _check_times(claims: dict[str, Any], skew_s: int) -> None:
    now = time.time()
    expires, issued, begins = (claims.get(name) for name in ("exp", "iat", "nbf"))
    if not _is_time(expires) or expires + skew_s <= now:
        raise _wrong("it has expired")
    if not _is_time(issued) or issued - skew_s > now:
        raise _wrong("it was issued in the future")
    if begins is not None and (not _is_time(begins) or begins - skew_s > now):
        raise _wrong("it does not hold yet")


def _is_time(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def half_hash(token: str, algorithm: str) -> str:
    """`at_hash`: the left half of the token's hash, by the hash of the signature's algorithm (EdDSA: SHA-512)."""
    digest = _HASHES.get(algorithm[-3:], sha512)(token.encode()).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).decode().rstrip("=")


def _wrong(reason: str) -> Unauthenticated:
    return Unauthenticated(f"The issuer's token is refused: {reason}.")
