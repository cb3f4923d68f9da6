"""Signing in through an issuer: the whole way with a real provider, and everything to be refused."""

import asyncio
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from joserfc.jwk import RSAKey

from tests.support.control import BASE, Api, api, make_user, running_control
from tests.support.issuer import CLIENT, FakeIssuer, callback, running_issuer, running_provider_mock
from tests.support.people import AUTH, browser
from tests.support.signing_in import come_in, issuer, person, services, trust, who
from tests.support.tokens import hs256, unsigned
from turnpike.control.oidc import metadata
from turnpike.control.oidc.tokens import LOGOUT_EVENT, half_hash
from turnpike.control.services import ControlServices
from turnpike.settings import Settings

__all__ = ["issuer", "person", "services"]


# ---- the whole way


async def test_a_full_sign_in_and_out_with_a_real_provider(
    services: ControlServices, operator: Api, person: Api
) -> None:
    with running_provider_mock() as url:
        await trust(operator, url, client_secret="s3cret")
        methods = await person.data("GET", f"{AUTH}/methods")
        begun = await person.get(f"{methods['issuers'][0]['login_path']}?return_to=/settings")
        address = begun.headers["location"]
        query = parse_qs(urlsplit(address).query)
        assert query["redirect_uri"] == [f"{BASE}/api/v1/auth/callback/corp"]
        assert query["code_challenge_method"] == ["S256"]
        async with httpx2.AsyncClient(trust_env=False) as provider:
            claims = {"name": "Ada", "email": "Ada@example.com", "email_verified": True}
            await provider.put(f"{url}/users/ada", json=claims)
            back = (await provider.post(address, data={"sub": "ada"})).headers["location"]
        assert back.startswith(BASE)
        arrived = await person.get(back)
        assert (arrived.status_code, arrived.headers["location"]) == (302, "/settings")
        me = await who(person)
        assert (me["display_name"], me["email"], me["role"]) == ("Ada", "ada@example.com", "user")
        assert (await person.get(back)).status_code == 401, "once"
        left = await person.data("POST", f"{AUTH}/logout", headers={"x-csrf-token": me["csrf_token"]})
        assert left["logout_url"].startswith(f"{url}/")
        assert "id_token_hint=" in left["logout_url"]
        assert (await person.get(f"{AUTH}/me")).status_code == 401


async def test_who_comes_again_is_the_same_user(operator: Api, person: Api, issuer: FakeIssuer) -> None:
    await trust(operator, issuer.url)
    issuer.claims = {"name": "Ada", "email": "ada@example.com", "email_verified": True}
    await come_in(person, issuer)
    first = await who(person)
    issuer.claims = {"name": "Ada L.", "email": "other@example.com", "email_verified": True}
    await come_in(person, issuer)
    assert (await who(person))["user_id"] == first["user_id"]
    sent = [body for path, _, body in issuer.asked if path == "/token"]
    assert all(b"code_verifier=" in body for body in sent)


# ---- what is refused

WRONG: dict[str, dict[str, Any]] = {
    "audience": {"aud": "another-client"},
    "audience among others without a party": {"aud": [CLIENT, "another-client"]},
    "party": {"aud": [CLIENT, "another-client"], "azp": "another-client"},
    "issuer": {"iss": "https://evil.example.com"},
    "nonce": {"nonce": "another"},
    "no nonce": {"nonce": None},
    "expired": {"exp": 1_600_000_000},
    "no expiry": {"exp": None},
    "issued in the future": {"iat": 4_000_000_000},
    "not yet": {"nbf": 4_000_000_000},
    "another access token": {"at_hash": half_hash("another", "RS256")},
    "no subject": {"sub": None},
}


@pytest.mark.parametrize("wrong", WRONG, ids=str)
async def test_a_token_with_a_wrong_claim_is_refused(sqlite_settings: Settings, wrong: str) -> None:
    settings = sqlite_settings.model_copy(update={"public_url": BASE})
    async with running_control(settings) as services, api(services) as operator, browser(services) as person:
        with running_issuer() as issuer:
            await trust(operator, issuer.url)
            issuer.claims = WRONG[wrong]
            assert (await come_in(person, issuer)).status_code == 401
            assert (await person.get(f"{AUTH}/me")).status_code == 401
            issuer.claims = {"at_hash": half_hash("graph-token", "RS256"), "azp": CLIENT}
            assert (await come_in(person, issuer)).status_code == 302, "and the right one is not"


async def test_a_token_that_the_issuer_has_not_signed_is_refused(
    operator: Api, person: Api, issuer: FakeIssuer
) -> None:
    await trust(operator, issuer.url)
    now = int(time.time())
    other = RSAKey.generate_key(2048, {"kid": "k1"})
    public = issuer.keys[0].as_pem(private=False)

    async def refused(make: Any) -> bool:
        begun = await person.get(f"{AUTH}/login/corp")
        answer = issuer.authorize(begun.headers["location"])
        claims = {"iss": issuer.url, "aud": CLIENT, "sub": "s", "iat": now, "exp": now + 600}
        issuer.id_token = make({**claims, "nonce": issuer.codes[answer["code"]]["nonce"]})
        return (await person.get(callback("corp", answer))).status_code == 401

    assert await refused(lambda claims: unsigned(claims, kid="k1"))
    assert await refused(lambda claims: unsigned(claims, kid="k1") + "AAAA")
    assert await refused(lambda claims: hs256(claims, public, kid="k1"))
    assert await refused(lambda claims: issuer.token(key=other, **claims))
    assert await refused(lambda claims: issuer.token(header={"kid": "k2"}, **claims))
    assert await refused(lambda claims: issuer.token(**claims)[:-6] + "AAAAAA")
    assert not await refused(lambda claims: issuer.token(**claims))


async def test_only_the_browser_that_began_can_end_a_sign_in(
    services: ControlServices, operator: Api, person: Api, issuer: FakeIssuer
) -> None:
    await trust(operator, issuer.url)
    await trust(operator, issuer.url, "second")
    begun = await person.get(f"{AUTH}/login/corp")
    answer = issuer.authorize(begun.headers["location"])
    async with browser(services) as other:
        assert (await other.get(callback("corp", answer))).status_code == 401
    assert (await person.get(callback("corp", {**answer, "state": "x"}))).status_code == 401
    assert (await person.get(callback("second", answer))).status_code == 400, "another issuer's answer"
    assert (await person.get(callback("corp", {**answer, "iss": "https://evil.example.com"}))).status_code == 401
    assert (await person.get(callback("corp", answer) + "&state=twice")).status_code == 400
    denied = await person.get(callback("corp", {"error": "access_denied", "state": answer["state"]}))
    assert (denied.status_code, "access_denied" in denied.text) == (401, True)
    assert (await person.get(callback("corp", {**answer, "iss": issuer.url}))).status_code == 302


async def test_an_issuer_that_says_it_signs_its_answers_must(operator: Api, person: Api, issuer: FakeIssuer) -> None:
    issuer.metadata = {"authorization_response_iss_parameter_supported": True}
    await trust(operator, issuer.url)
    assert (await come_in(person, issuer)).status_code == 401
    assert (await come_in(person, issuer, iss=issuer.url)).status_code == 302


@pytest.mark.parametrize("path", ["//evil.test", "https://evil.test", "/\\evil.test", "evil", "/a\tb"])
async def test_nobody_is_sent_away_from_here_afterwards(
    operator: Api, person: Api, issuer: FakeIssuer, path: str
) -> None:
    await trust(operator, issuer.url)
    assert (await person.get(f"{AUTH}/login/corp", params={"return_to": path})).status_code == 400


# ---- reaching the issuer


async def test_an_issuer_that_replaces_its_keys_is_followed_but_not_flooded(
    operator: Api, person: Api, issuer: FakeIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await trust(operator, issuer.url)
    await come_in(person, issuer)
    await come_in(person, issuer)
    assert issuer.count("/keys") == 1
    issuer.keys.insert(0, RSAKey.generate_key(2048, {"kid": "k2", "use": "sig"}))
    assert (await come_in(person, issuer)).status_code == 401, "asked a moment ago"
    monkeypatch.setattr(metadata, "FLOOR_S", 0.0)
    assert (await come_in(person, issuer)).status_code == 302
    assert issuer.count("/keys") == 2
    assert issuer.count("/.well-known/openid-configuration") == 1


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("http://issuer.example.com", 403),
        ("https://user:password@issuer.example.com", 403),
        ("ftp://issuer.example.com", 400),
    ],
)
async def test_addresses_that_no_issuer_may_have(operator: Api, url: str, status: int) -> None:
    body = {"slug": "bad", "name": "Bad", "issuer": url, "client_id": CLIENT}
    assert (await operator.post(f"{AUTH}/issuers", body)).status_code == status


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "169.254.169.254", "100.64.0.1", "[::ffff:10.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]"]
)
async def test_discovery_does_not_reach_what_is_not_public(operator: Api, person: Api, host: str) -> None:
    made = await trust(operator, f"https://{host}", config={"allow_addresses": []})
    tested = await operator.data("POST", f"{AUTH}/issuers/{made['id']}/test")
    assert (tested["ok"], "address policy" in tested["message"]) == (False, True)
    assert (await person.get(f"{AUTH}/login/corp")).status_code == 502


async def test_what_an_issuer_publishes_does_not_lead_inside_either(
    operator: Api, person: Api, issuer: FakeIssuer
) -> None:
    issuer.metadata = {"jwks_uri": "http://169.254.169.254/keys"}
    await trust(operator, issuer.url)
    assert (await come_in(person, issuer)).status_code == 403
    issuer.metadata = {"jwks_uri": "https://10.0.0.1/keys"}
    await trust(operator, issuer.url + "/", "second")
    assert issuer.count("/keys") == 0


async def test_metadata_of_another_issuer_is_refused(operator: Api, person: Api, issuer: FakeIssuer) -> None:
    issuer.metadata = {"issuer": "https://evil.example.com"}
    await trust(operator, issuer.url)
    assert (await person.get(f"{AUTH}/login/corp")).status_code == 502


# ---- who is who


async def test_an_email_links_only_where_it_is_verified_and_wanted(
    services: ControlServices, operator: Api, person: Api, issuer: FakeIssuer
) -> None:
    known = await make_user(operator, email="ada@example.com")
    await trust(operator, issuer.url, "stranger")
    await trust(operator, issuer.url, "ours", config={"link_by_email": True})
    issuer.claims = {"email": "ada@example.com", "email_verified": True, "sub": "a"}
    await come_in(person, issuer, "stranger")
    assert (await who(person))["user_id"] != known
    issuer.claims = {"email": "ada@example.com", "email_verified": False, "sub": "b"}
    await come_in(person, issuer, "ours")
    assert (await who(person))["user_id"] != known
    issuer.claims = {"email": "Ada@Example.com", "email_verified": True, "sub": "c"}
    await come_in(person, issuer, "ours")
    assert (await who(person))["user_id"] == known


async def test_domains_new_people_and_inactive_ones(operator: Api, person: Api, issuer: FakeIssuer) -> None:
    made = await trust(operator, issuer.url, config={"email_domains": ["example.com"]})
    issuer.claims = {"email": "ada@example.com.evil.test", "email_verified": True}
    assert (await come_in(person, issuer)).status_code == 403
    issuer.claims = {"email": "ada@example.com", "email_verified": True}
    assert (await come_in(person, issuer)).status_code == 302
    user_id = (await who(person))["user_id"]
    await operator.data("PATCH", f"/api/v1/users/{user_id}", {"is_active": False})
    assert (await come_in(person, issuer)).status_code == 403
    await operator.data("PATCH", f"{AUTH}/issuers/{made['id']}", {"config": {"create_users": False}})
    issuer.claims = {"email": "eve@example.com", "email_verified": True, "sub": "eve"}
    assert (await come_in(person, issuer)).status_code == 403


# ---- back-channel logout


async def test_signing_out_at_the_issuer_ends_the_sessions_here(
    services: ControlServices, operator: Api, person: Api, issuer: FakeIssuer
) -> None:
    await trust(operator, issuer.url)
    path = f"{AUTH}/backchannel-logout/corp"
    good = {"events": {LOGOUT_EVENT: {}}, "jti": "1"}

    async def told(**claims: Any) -> int:
        token = issuer.token(**{**good, **claims})
        return (await person.http.post(path, data={"logout_token": token})).status_code

    issuer.claims = {"sid": "s-1"}
    async with browser(services) as elsewhere:
        await come_in(person, issuer)
        issuer.claims = {"sid": "s-2"}
        await come_in(elsewhere, issuer)
        for wrong in (
            {"events": None},
            {"nonce": "n"},
            {"aud": "another"},
            {"iss": "https://evil.example.com"},
            {"sub": None},
            {"iat": int(time.time()) - 3600},
            {"exp": 1_600_000_000},
        ):
            assert await told(**wrong) == 400, wrong
        assert await told(sid="s-1") == 200
        assert (await person.get(f"{AUTH}/me")).status_code == 401
        assert (await elsewhere.get(f"{AUTH}/me")).status_code == 200, "another session of the same person"
        assert await told() == 200
        assert (await elsewhere.get(f"{AUTH}/me")).status_code == 401


async def test_an_issuer_switched_off_ends_its_sessions_at_another_control_too(
    services: ControlServices, operator: Api, issuer: FakeIssuer
) -> None:
    made = await trust(operator, issuer.url)
    async with running_control(services.settings) as elsewhere, browser(elsewhere) as person:
        await come_in(person, issuer)
        assert (await person.get(f"{AUTH}/me")).status_code == 200
        await operator.data("PATCH", f"{AUTH}/issuers/{made['id']}", {"is_active": False})
        started = time.monotonic()
        while (await person.get(f"{AUTH}/me")).status_code == 200:
            assert time.monotonic() - started < 1.0
            await asyncio.sleep(0.02)
        assert (await person.get(f"{AUTH}/login/corp")).status_code == 404
    await operator.data("DELETE", f"{AUTH}/issuers/{made['id']}")
