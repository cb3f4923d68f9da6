"""Access tokens: JWTs of some minutes (RFC 9068) that name a session. What their holder may do is looked up, never read
out of the token."""

import time
from dataclasses import dataclass

from joserfc import jwt
from joserfc.errors import JoseError

from turnpike.control.oidc.jose import peek
from turnpike.control.signin.signing_keys import ALGORITHM, SigningKeys
from turnpike.kit.ids import new_id
from turnpike.settings import Settings

TYPE = "at+jwt"
AUDIENCE = "turnpike"


@dataclass(frozen=True)
class AccessToken:
    session_id: str
    user_id: str
    expires_at_ms: int


class AccessTokens:
    def __init__(self, settings: Settings, keys: SigningKeys) -> None:
        self._keys = keys
        self._life_s = settings.access_token_s
        self.issuer = settings.public_url.rstrip("/") if settings.public_url else "turnpike"

    async def ready(self) -> None:
        """Makes the first key where there is none, which must not be tried from within another transaction."""
        await self._keys.signer()

    async def make(self, session_id: str, user_id: str, until_ms: int) -> tuple[str, int]:
        """The token and its life in seconds, which ends with the session's at the latest."""
        kid, key = await self._keys.signer()
        now = int(time.time())
        expires = min(now + self._life_s, until_ms // 1000)
        claims = {
            "iss": self.issuer,
            "aud": AUDIENCE,
            "sub": user_id,
            "sid": session_id,
            "client_id": AUDIENCE,
            "jti": new_id(),
            "iat": now,
            "exp": expires,
        }
        return jwt.encode({"alg": ALGORITHM, "kid": kid, "typ": TYPE}, claims, key), expires - now

    async def read(self, token: str) -> AccessToken | None:
        """None for whatever is no valid access token of ours."""
        peeked = peek(token)
        if peeked is None or peeked.header.get("typ") != TYPE or not isinstance(peeked.header.get("kid"), str):
            return None
        key = await self._keys.verifier(peeked.header["kid"])
        if key is None:
            return None
        try:
            found = jwt.decode(token, key, algorithms=[ALGORITHM])
        except (JoseError, ValueError):
            return None
        claims = found.claims
        wanted = {"iss": self.issuer, "aud": AUDIENCE}
        if any(claims.get(name) != value for name, value in wanted.items()) or claims.get("exp", 0) <= time.time():
            return None
        return AccessToken(claims["sid"], claims["sub"], claims["exp"] * 1000)
