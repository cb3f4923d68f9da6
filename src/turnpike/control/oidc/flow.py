"""The authorization code flow with PKCE (RFC 6749, 7636, OpenID Connect Core 1.0), and the way out again.

What must be remembered between the two requests is sealed in a cookie of the browser that began: nobody else can end
what it began. Against mix-up every issuer has its own redirect address, and `iss` (RFC 9207) is checked.
"""

import base64
import time
from collections.abc import Mapping
from hashlib import sha256
from hmac import compare_digest
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from turnpike.control.infra.secrets import CannotOpen, Sealer
from turnpike.control.oidc.metadata import Directory, Metadata
from turnpike.control.oidc.tokens import TokenChecker, Trusted
from turnpike.errors import InvalidRequest, Unauthenticated, UpstreamGarbage
from turnpike.kit.crypto import random_text

FLOW_LIFE_S = 600
_FORM = {"content-type": "application/x-www-form-urlencoded"}


class Flow(msgspec.Struct, frozen=True):
    """A sign-in under way."""

    issuer_id: str
    state: str
    nonce: str
    verifier: str
    return_to: str
    until_s: int


class Tokens(msgspec.Struct, frozen=True):
    id_token: str
    access_token: str | None = None


class CodeFlow:
    def __init__(self, sealer: Sealer, directory: Directory, checker: TokenChecker) -> None:
        self._sealer = sealer
        self._directory = directory
        self._checker = checker

    async def begin(self, trusted: Trusted, redirect_uri: str, return_to: str) -> tuple[str, str, str]:
        """Returns the issuer's address to send the browser to, the state, and the sealed flow for its cookie."""
        metadata = await self._directory.metadata(trusted.place)
        flow = Flow(
            trusted.id, random_text(), random_text(), random_text(384), return_to, int(time.time()) + FLOW_LIFE_S
        )
        challenge = base64.urlsafe_b64encode(sha256(flow.verifier.encode()).digest()).decode().rstrip("=")
        query = {
            "response_type": "code",
            "client_id": trusted.client_id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(dict.fromkeys(["openid", *trusted.config.scopes])),
            "state": flow.state,
            "nonce": flow.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        separator = "&" if "?" in metadata.authorization_endpoint else "?"
        sealed = self._sealer.seal(msgspec.json.encode(flow).decode())
        return f"{metadata.authorization_endpoint}{separator}{urlencode(query)}", flow.state, sealed

    def read(self, sealed: str | None, state: str) -> Flow:
        """The flow that this browser began. Raises Unauthenticated."""
        try:
            flow = msgspec.json.decode(self._sealer.open(sealed or ""), type=Flow)
        except (CannotOpen, msgspec.DecodeError):
            flow = None
        if flow is None or not compare_digest(flow.state.encode(), state.encode()) or flow.until_s < time.time():
            raise Unauthenticated("This sign-in was not begun in this browser, or too long ago: begin again.")
        return flow

    async def finish(
        self, trusted: Trusted, flow: Flow, answer: Mapping[str, str], redirect_uri: str
    ) -> tuple[dict[str, Any], Tokens]:
        """The person's claims, and the tokens. Raises Unauthenticated, InvalidRequest or an UpstreamError."""
        metadata = await self._directory.metadata(trusted.place)
        _check_sender(trusted, metadata, answer)
        if "error" in answer:
            raise Unauthenticated(f"The issuer did not sign this person in: {_word(answer['error'])}.")
        code = answer.get("code")
        if not code:
            raise InvalidRequest("code: the issuer's answer has none.", details={"param": "code"})
        tokens = await self._redeem(trusted, metadata, flow, code, redirect_uri)
        claims = await self._checker.id_token(
            trusted, tokens.id_token, nonce=flow.nonce, access_token=tokens.access_token
        )
        return await self._with_userinfo(trusted, metadata, claims, tokens), tokens

    async def _redeem(self, trusted: Trusted, metadata: Metadata, flow: Flow, code: str, redirect_uri: str) -> Tokens:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": flow.verifier,
        }
        headers = dict(_FORM)
        if trusted.secret is None:
            form["client_id"] = trusted.client_id
        elif "client_secret_basic" in metadata.token_endpoint_auth_methods_supported:
            pair = f"{quote(trusted.client_id, safe='')}:{quote(trusted.secret, safe='')}"
            headers["authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        else:
            form |= {"client_id": trusted.client_id, "client_secret": trusted.secret}
        return await self._directory.reader.read(
            trusted.place, metadata.token_endpoint, Tokens, headers=headers, body=urlencode(form).encode()
        )

    async def _with_userinfo(
        self, trusted: Trusted, metadata: Metadata, claims: dict[str, Any], tokens: Tokens
    ) -> dict[str, Any]:
        """Some issuers put little into ID tokens. What the ID token says goes first."""
        wanted = {"email", "name"} | {rule.claim for rule in trusted.config.rules}
        if metadata.userinfo_endpoint is None or tokens.access_token is None or wanted <= claims.keys():
            return claims
        headers = {"authorization": f"Bearer {tokens.access_token}"}
        more = await self._directory.reader.read(
            trusted.place, metadata.userinfo_endpoint, dict[str, Any], headers=headers
        )
        if more.get("sub") != claims["sub"]:
            raise UpstreamGarbage("The issuer's userinfo is about another person than its ID token.")
        return {**more, **claims}

    async def logout_url(self, trusted: Trusted, id_token: str | None, back_to: str | None) -> str | None:
        """RP-initiated logout; None where the issuer has none."""
        metadata = await self._directory.metadata(trusted.place)
        if metadata.end_session_endpoint is None:
            return None
        query = {"client_id": trusted.client_id}
        if id_token is not None:
            query["id_token_hint"] = id_token
        if back_to is not None:
            query["post_logout_redirect_uri"] = back_to
        separator = "&" if "?" in metadata.end_session_endpoint else "?"
        return f"{metadata.end_session_endpoint}{separator}{urlencode(query)}"


def _check_sender(trusted: Trusted, metadata: Metadata, answer: Mapping[str, str]) -> None:
    sender = answer.get("iss")
    if sender is None:
        if metadata.authorization_response_iss_parameter_supported:
            raise Unauthenticated("The answer does not say which issuer it is from, as this issuer's answers do.")
        return
    if sender != metadata.issuer and not trusted.config.tenants:
        raise Unauthenticated("The answer is from another issuer than the one that was asked.")


def _word(text: str) -> str:
    return "".join(character for character in text[:60] if character.isalnum() or character in "_-. ")
