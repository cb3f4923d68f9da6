"""Times in an issuer's tokens hold to the second, with the skew that is set for it."""

from types import SimpleNamespace
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from turnpike.control.oidc import tokens
from turnpike.control.oidc.config import IssuerConfig
from turnpike.control.oidc.metadata import Place
from turnpike.control.oidc.tokens import TokenChecker, Trusted
from turnpike.errors import Unauthenticated

NOW = 1_800_000_000
KEY = RSAKey.generate_key(2048, {"kid": "k1"})


class Directory:
    """Knows one key."""

    async def keys(self, place: Place, kid: str | None) -> list[RSAKey]:
        return [KEY]


async def accepted(skew_s: int, **claims: Any) -> bool:
    config = IssuerConfig(clock_skew_s=skew_s, bearer_audiences=["api"])
    trusted = Trusted("i", "corp", "Corp", "generic", Place("https://idp.example.com"), "c", None, config)
    body = {"iss": "https://idp.example.com", "aud": "api", "sub": "s", "iat": NOW, "exp": NOW + 600, **claims}
    token = jwt.encode({"alg": "RS256", "kid": "k1"}, body, KEY)
    directory: Any = Directory()
    try:
        await TokenChecker(directory).bearer(trusted, token)
    except Unauthenticated:
        return False
    return True


@pytest.mark.parametrize("skew_s", [0, 60, 300])
async def test_a_token_holds_to_the_edge_and_no_further(monkeypatch: pytest.MonkeyPatch, skew_s: int) -> None:
    monkeypatch.setattr(tokens, "time", SimpleNamespace(time=lambda: float(NOW)))
    assert await accepted(skew_s)
    edges: dict[str, tuple[int, int]] = {
        "exp": (NOW - skew_s + 1, NOW - skew_s),
        "iat": (NOW + skew_s, NOW + skew_s + 1),
        "nbf": (NOW + skew_s, NOW + skew_s + 1),
    }
    for name, (inside, outside) in edges.items():
        assert await accepted(skew_s, **{name: inside}), name
        assert not await accepted(skew_s, **{name: outside}), name


@pytest.mark.parametrize("value", [True, "1800000000", None, [NOW]])
async def test_a_time_is_a_number(monkeypatch: pytest.MonkeyPatch, value: Any) -> None:
    monkeypatch.setattr(tokens, "time", SimpleNamespace(time=lambda: float(NOW)))
    assert not await accepted(60, exp=value)
    assert not await accepted(60, iat=value)
