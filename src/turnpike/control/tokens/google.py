"""Access tokens from Google: for a service account's key, a person's refresh token, a federated identity, or from the
metadata server.

Sources: RFC 7523 (JWT bearer grant), RFC 8693 (token exchange), AIP-4112, 4113, 4115, 4117.
"""

import asyncio
import time
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from turnpike.control.tokens.asking import Asking, Token, TokenRefused, token_in
from turnpike.wire.credentials import (
    AuthorizedUser,
    ExternalAccount,
    GoogleSource,
    MetadataServer,
    ServiceAccount,
    TokenSource,
)

_ASSERTION_S = 3600
_JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
_ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - a name
_METADATA = "http://169.254.169.254/computeMetadata/v1/instance/service-accounts"
_MAX_SUBJECT_BYTES = 64 * 1024
_json = msgspec.json.Decoder(dict[str, Any]).decode


async def google_token(source: GoogleSource, scope: str, ask: Asking) -> Token:
    """Raises TokenRefused, or an UpstreamError of the way there."""
    match source:
        case ServiceAccount():
            form = {"grant_type": _JWT_BEARER, "assertion": assertion(source, scope, int(time.time()))}
            return token_in(await ask.post(source.token_uri, form), time.time())
        case AuthorizedUser():
            form = {
                "grant_type": "refresh_token",
                "client_id": source.client_id,
                "client_secret": source.client_secret,
                "refresh_token": source.refresh_token,
            }
            return token_in(await ask.post(source.token_uri, form), time.time())
        case ExternalAccount():
            return await _federated(source, scope, ask)
        case MetadataServer():
            query = urlencode({"scopes": scope})
            url = f"{_METADATA}/{source.account}/token?{query}"
            return token_in(await ask.metadata(url, {"metadata-flavor": "Google"}), time.time())


def assertion(source: ServiceAccount, scope: str, now_s: int) -> str:
    """A signed JWT that the token endpoint takes for an hour. Raises TokenRefused for a key that is none."""
    header = {"alg": "RS256", "typ": "JWT"} | ({"kid": source.private_key_id} if source.private_key_id else {})
    claims = {
        "iss": source.client_email,
        "scope": scope,
        "aud": source.token_uri,
        "iat": now_s,
        "exp": now_s + _ASSERTION_S,
    }
    try:
        return jwt.encode(header, claims, RSAKey.import_key(source.private_key))
    except (ValueError, TypeError, JoseError) as error:
        raise TokenRefused("The service account's private_key is no RSA key in PEM form.", final=True) from error


async def _federated(source: ExternalAccount, scope: str, ask: Asking) -> Token:
    impersonates = source.service_account_impersonation_url
    form = {
        "grant_type": _EXCHANGE,
        "audience": source.audience,
        "scope": "https://www.googleapis.com/auth/cloud-platform" if impersonates else scope,
        "requested_token_type": _ACCESS_TOKEN,
        "subject_token": await _subject(source.credential_source, ask),
        "subject_token_type": source.subject_token_type,
    }
    exchanged = token_in(await ask.post(source.token_url, form), time.time())
    if impersonates is None:
        return exchanged
    lifetime = f"{source.service_account_impersonation.token_lifetime_seconds}s"
    answer = await ask.post_json(
        impersonates, {"scope": scope.split(), "lifetime": lifetime}, {"authorization": f"Bearer {exchanged.value}"}
    )
    value, until = answer.get("accessToken"), answer.get("expireTime")
    if not isinstance(value, str) or not isinstance(until, str):
        raise TokenRefused("The service account's impersonation gave no token.")
    return Token(value, datetime.fromisoformat(until).timestamp())


async def _subject(source: TokenSource, ask: Asking) -> str:
    """The identity's own token."""
    if source.file is not None:
        raw = await asyncio.to_thread(_read, source.file)
    else:
        raw = await ask.get_bytes(source.url or "", source.headers)
    if source.format.type == "text":
        return raw.decode("utf-8", "replace").strip()
    try:
        found = _json(raw).get(source.format.subject_token_field_name or "access_token")
    except (msgspec.DecodeError, UnicodeDecodeError):
        found = None
    if not isinstance(found, str) or not found:
        raise TokenRefused("The identity's own token is not where `credential_source.format` says.")
    return found


def _read(path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            return file.read(_MAX_SUBJECT_BYTES)
    except OSError as error:
        raise TokenRefused(f"The file of the identity's own token cannot be read: {error.strerror}.") from error
