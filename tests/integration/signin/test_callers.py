"""Tokens in the place of keys at a whole gateway: of trusted issuers and of sessions, on /v1 and on /api/v1."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.gateway import RunningGateway, running_gateway, wait_for
from tests.support.issuer import FakeIssuer, running_issuer
from tests.support.people import PASSWORD
from tests.support.tokens import unsigned

AUDIENCE = "api://gateway"


@pytest.fixture(scope="module")
def issuer() -> Iterator[FakeIssuer]:
    with running_issuer() as running:
        yield running


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    folder: Path = tmp_path_factory.mktemp("callers")
    with running_gateway(folder, None) as running:  # pyright: ignore[reportArgumentType] - no model is called
        yield running


@pytest.fixture(scope="module")
def user(gateway: RunningGateway, issuer: FakeIssuer) -> dict[str, Any]:
    made = gateway.api("POST", "/users", {"display_name": "Batch", "email": "batch@example.com"})
    config = {
        "allow_addresses": ["127.0.0.1/32"],
        "bearer_audiences": [AUDIENCE],
        "bearer_rules": [{"claim": "azp", "value": "nightly-job", "user_id": made["id"]}],
        "bearer_by_email": True,
        "bearer_scopes": ["models:read"],
    }
    body = {"slug": "corp", "name": "Corp", "issuer": issuer.url, "client_id": "console", "config": config}
    gateway.api("POST", "/auth/issuers", body)
    return made


def call(gateway: RunningGateway, token: str, path: str = "/v1/models") -> httpx2.Response:
    return httpx2.get(gateway.url + path, headers={"authorization": f"Bearer {token}"}, timeout=20, trust_env=False)


def test_a_service_calls_with_its_issuers_token(
    gateway: RunningGateway, issuer: FakeIssuer, user: dict[str, Any]
) -> None:
    token = issuer.token(aud=AUDIENCE, azp="nightly-job")
    assert [call(gateway, token).status_code for _ in range(3)] == [200] * 3
    me = call(gateway, token, "/api/v1/auth/me").json()["data"]
    assert (me["user_id"], me["scopes"], me["session_id"]) == (user["id"], ["models:read"], None)
    by_email = issuer.token(aud=[AUDIENCE, "else"], sub="p", email="batch@example.com", email_verified=True)
    assert call(gateway, by_email).status_code == 200
    chat = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
    headers = {"authorization": f"Bearer {token}"}
    answer = httpx2.post(f"{gateway.url}/v1/chat/completions", json=chat, headers=headers, trust_env=False)
    assert answer.status_code == 403, "no more than the issuer's scopes"


@pytest.mark.usefixtures("user")
def test_tokens_that_do_not_count_are_refused(gateway: RunningGateway, issuer: FakeIssuer) -> None:
    now = int(time.time())
    claims = {"iss": issuer.url, "aud": AUDIENCE, "azp": "nightly-job", "sub": "s", "iat": now, "exp": now + 600}
    bad = {
        "another audience": issuer.token(azp="nightly-job", aud="console"),
        "expired": issuer.token(azp="nightly-job", aud=AUDIENCE, exp=now - 3600),
        "an ID token": issuer.token(azp="nightly-job", aud=AUDIENCE, nonce="n"),
        "another issuer": issuer.token(azp="nightly-job", aud=AUDIENCE, iss="https://evil.example.com"),
        "nobody": issuer.token(azp="another-job", aud=AUDIENCE),
        "an e-mail that is not verified": issuer.token(aud=AUDIENCE, email="batch@example.com"),
        "unsigned": unsigned(claims, kid="k1"),
    }
    for what, token in bad.items():
        answer = call(gateway, token)
        assert answer.status_code == 401, what
        assert token not in answer.text


def test_a_token_ends_with_its_time_and_with_its_person(
    gateway: RunningGateway, issuer: FakeIssuer, user: dict[str, Any]
) -> None:
    short = issuer.token(aud=AUDIENCE, azp="nightly-job", exp=int(time.time()) + 2)
    assert call(gateway, short).status_code == 200
    wait_for("the token is over", lambda: True if call(gateway, short).status_code == 401 else None)
    token = issuer.token(aud=AUDIENCE, azp="nightly-job")
    assert call(gateway, token).status_code == 200
    gateway.api("PATCH", f"/users/{user['id']}", {"is_active": False})
    wait_for("the person is out", lambda: True if call(gateway, token).status_code == 401 else None)
    gateway.api("PATCH", f"/users/{user['id']}", {"is_active": True})
    wait_for("and in again", lambda: True if call(gateway, token).status_code == 200 else None)


def test_a_sessions_access_token_calls_until_the_session_ends(gateway: RunningGateway) -> None:
    person = gateway.api("POST", "/users", {"display_name": "Ada", "email": "ada@example.com"})
    link = gateway.api("POST", "/auth/links", {"user_id": person["id"]})
    body = {"token": link["path"].partition("#")[2], "password": PASSWORD, "mode": "token"}
    answer = httpx2.post(f"{gateway.url}/api/v1/auth/links/use", json=body, timeout=20, trust_env=False)
    opened = answer.json()["data"]
    assert call(gateway, opened["access_token"]).status_code == 200
    keys = httpx2.get(f"{gateway.url}/.well-known/jwks.json", trust_env=False).json()
    assert keys["keys"][0]["alg"] == "ES256"
    gateway.api("DELETE", f"/auth/sessions/{opened['session_id']}")
    started = time.monotonic()
    wait_for("dead", lambda: True if call(gateway, opened["access_token"]).status_code == 401 else None)
    assert time.monotonic() - started < 1.0
