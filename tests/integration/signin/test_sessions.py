"""Sessions: by cookie and by tokens; refresh, revocation, expiry; who may see and end them."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from sqlalchemy import select, update

from tests.support.control import Api, api, make_user, running_control
from tests.support.people import AUTH, browser, make_account, sign_in
from tests.support.tokens import hs256, unsigned
from turnpike.control.db.models import Session, SigningKey
from turnpike.control.services import ControlServices
from turnpike.settings import Settings

EMAIL = "ada@example.com"


@pytest.fixture
async def person(services: ControlServices, operator: Api) -> AsyncIterator[Api]:
    await make_account(operator, services, EMAIL)
    async with browser(services, **{"user-agent": "test browser"}) as client:
        yield client


async def status(client: Api, path: str = f"{AUTH}/me") -> int:
    return (await client.get(path)).status_code


# ---- by cookie


async def test_a_cookie_session_is_out_of_reach_of_scripts_and_other_sites(person: Api) -> None:
    answer = await person.post(f"{AUTH}/login", {"email": EMAIL, "password": "walnut-ferry-onyx-42"})
    session, csrf = sorted(answer.headers.get_list("set-cookie"), reverse=True)
    assert session.startswith("turnpike_session=")
    assert "HttpOnly" in session
    assert "SameSite=lax" in session
    assert "SameSite=strict" in csrf
    assert "HttpOnly" not in csrf
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["data"]["access_token"] is None
    me = await person.data("GET", f"{AUTH}/me")
    assert (me["email"], me["role"]) == (EMAIL, "user")


async def test_over_tls_cookies_are_for_tls_and_this_host_alone(settings: Settings) -> None:
    secure = settings.model_copy(update={"public_url": "https://gateway.example.com"})
    async with running_control(secure) as services, api(services) as operator:
        await make_account(operator, services, EMAIL)
        async with browser(services) as person:
            answer = await person.post(f"{AUTH}/login", {"email": EMAIL, "password": "walnut-ferry-onyx-42"})
    for cookie in answer.headers.get_list("set-cookie"):
        assert cookie.startswith("__Host-turnpike_")
        assert "Secure" in cookie
        assert "Path=/" in cookie


async def test_a_change_by_cookie_needs_the_token_of_this_very_session(
    services: ControlServices, operator: Api, person: Api
) -> None:
    await sign_in(person, EMAIL)
    mine = person.http.headers.pop("x-csrf-token")
    await make_account(operator, services, "eve@example.com")
    async with browser(services) as other:
        others = (await sign_in(other, "eve@example.com"))["csrf_token"]
    for header in ({}, {"x-csrf-token": ""}, {"x-csrf-token": others}):
        answer = await person.post(f"{AUTH}/logout", headers=header)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "FORBIDDEN")
    for header in (
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.test"},
        {"origin": "null"},
    ):
        assert (await person.post(f"{AUTH}/logout", headers={"x-csrf-token": mine, **header})).status_code == 403
    assert await status(person) == 200
    own = {"x-csrf-token": mine, "sec-fetch-site": "same-origin", "origin": "http://control.test"}
    assert (await person.post(f"{AUTH}/logout", headers=own)).status_code == 200
    assert await status(person) == 401


async def test_another_site_cannot_sign_somebody_in(person: Api) -> None:
    body = {"email": EMAIL, "password": "walnut-ferry-onyx-42"}
    answer = await person.post(f"{AUTH}/login", body, headers={"origin": "https://evil.test"})
    assert answer.status_code == 403


# ---- by tokens


async def test_access_tokens_are_checked_by_the_published_keys(services: ControlServices, person: Api) -> None:
    view = await sign_in(person, EMAIL, "token")
    assert (await person.get(f"{AUTH}/jwks")).json() == (await person.get("/.well-known/jwks.json")).json()
    published = (await person.get(f"{AUTH}/jwks")).json()
    assert all("d" not in key for key in published["keys"])
    token = jwt.decode(view["access_token"], KeySet.import_key_set(published), algorithms=["ES256"])
    assert token.claims["sub"] == view["user_id"]
    assert token.claims["exp"] - token.claims["iat"] == services.settings.access_token_s
    assert await status(person) == 200


async def test_foreign_and_altered_access_tokens_are_refused(services: ControlServices, person: Api) -> None:
    view = await sign_in(person, EMAIL, "token")
    token = view["access_token"]
    kid, key = await services.signin.keys.signer()
    claims = jwt.decode(token, key, algorithms=["ES256"]).claims
    head = {"alg": "ES256", "kid": kid, "typ": "at+jwt"}
    public = KeySet.import_key_set(await services.signin.keys.published()).keys[0]
    bad = {
        "another key": jwt.encode(head, dict(claims), ECKey.generate_key("P-256")),
        "unsigned": unsigned(dict(claims), kid=kid, typ="at+jwt"),
        "HS256 by the public key": hs256(dict(claims), public.as_pem(private=False), kid=kid, typ="at+jwt"),
        "another audience": jwt.encode(head, {**claims, "aud": "else"}, key),
        "another issuer": jwt.encode(head, {**claims, "iss": "https://else"}, key),
        "expired": jwt.encode(head, {**claims, "exp": int(time.time()) - 1}, key),
        "another type": jwt.encode({**head, "typ": "JWT"}, dict(claims), key),
        "another person": jwt.encode(head, {**claims, "sub": "01a1fd3b-ec2a-7091-95a4-b1f1949e5fa5"}, key),
        "cut": token[:-4],
        "unknown key": jwt.encode({**head, "kid": "nobody"}, dict(claims), key),
    }
    for what, sent in bad.items():
        answer = await person.get(f"{AUTH}/me", headers={"authorization": f"Bearer {sent}"})
        assert answer.status_code == 401, what


async def test_a_refresh_token_works_once_and_a_second_use_ends_the_family(person: Api) -> None:
    first = await sign_in(person, EMAIL, "token")
    second = await person.data("POST", f"{AUTH}/refresh", {"refresh_token": first["refresh_token"]})
    assert second["refresh_token"] != first["refresh_token"]
    assert second["session_id"] == first["session_id"]
    person.http.headers["authorization"] = f"Bearer {second['access_token']}"
    assert await status(person) == 200
    again = await person.post(f"{AUTH}/refresh", {"refresh_token": first["refresh_token"]})
    assert again.status_code == 401
    assert await status(person) == 401, "access tokens of the family are dead"
    last = await person.post(f"{AUTH}/refresh", {"refresh_token": second["refresh_token"]})
    assert last.status_code == 401, "and so is the refresh token that the thief or its owner still has"


async def test_two_uses_of_a_refresh_token_at_the_same_time_are_a_second_use(person: Api) -> None:
    first = await sign_in(person, EMAIL, "token")
    body = {"refresh_token": first["refresh_token"]}
    answers = await asyncio.gather(*(person.post(f"{AUTH}/refresh", body) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers)[:2] == [200, 401]
    assert await status(person) == 401


async def test_keys_rotate_with_an_overlap_or_at_once(services: ControlServices, operator: Api, person: Api) -> None:
    await sign_in(person, EMAIL, "token")
    await operator.data("POST", f"{AUTH}/signing-keys/rotate")
    kids = [key["kid"] for key in (await person.get(f"{AUTH}/jwks")).json()["keys"]]
    assert len(kids) == 2
    assert (await services.signin.keys.signer())[0] == kids[0], "published before it signs"
    assert await status(person) == 200
    await operator.data("POST", f"{AUTH}/signing-keys/rotate", {"at_once": True})
    assert await status(person) == 401
    assert len((await person.get(f"{AUTH}/jwks")).json()["keys"]) == 1


async def test_keys_are_replaced_by_age(services: ControlServices, person: Api) -> None:
    view = await sign_in(person, EMAIL, "token")
    keys = services.signin.keys
    days_ms = services.settings.signing_key_days * 86_400_000
    assert not await keys.rotate_due(), "it is young"

    async def aged(kid: str, **values: int) -> None:
        async with services.database.write() as session:
            await session.execute(update(SigningKey).where(SigningKey.id == kid).values(values))
        keys.forget()

    first = (await keys.signer())[0]
    await aged(first, created_at_ms=int(time.time() * 1000) - days_ms + 600_000)
    assert not await keys.rotate_due(), "not yet"
    await aged(first, created_at_ms=int(time.time() * 1000) - days_ms)
    assert await keys.rotate_due()
    assert not await keys.rotate_due(), "the new one is young"
    kids = [key["kid"] for key in (await person.get(f"{AUTH}/jwks")).json()["keys"]]
    assert (len(kids), kids[0], await status(person)) == (2, first, 200), "both are believed"
    await aged(kids[1], signs_from_ms=int(time.time() * 1000) - 1)
    await aged(first, gone_at_ms=int(time.time() * 1000) - 1)
    assert not await keys.rotate_due()
    async with services.database.read() as session:
        assert list(await session.scalars(select(SigningKey.id))) == kids[1:], "what is gone is deleted"
    assert await status(person) == 401
    async with browser(services) as other:
        renewed = await other.data("POST", f"{AUTH}/refresh", {"refresh_token": view["refresh_token"]})
    async with api(services, renewed["access_token"]) as program:
        assert await status(program) == 200, "signed with the new one"


async def test_secrets_are_sealed_anew_with_the_rest(operator: Api, person: Api) -> None:
    await sign_in(person, EMAIL, "token")
    done = await operator.data("POST", "/api/v1/admin/secrets/rotate", {"forget_old_keys": True})
    assert done["reencrypted"] >= 1
    assert await status(person) == 200


async def test_a_cookie_session_gets_access_tokens_for_calls(person: Api, services: ControlServices) -> None:
    await sign_in(person, EMAIL)
    made = await person.data("POST", f"{AUTH}/token")
    async with api(services, made["access_token"]) as program:
        assert (await program.data("GET", f"{AUTH}/me"))["session_id"] == made["session_id"]
        assert (await program.post(f"{AUTH}/token")).status_code == 403, "it is of a cookie, but came without"


async def test_an_access_token_does_not_renew_itself(person: Api) -> None:
    view = await sign_in(person, EMAIL, "token")
    refused = await person.post(f"{AUTH}/token")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "FORBIDDEN")
    del person.http.headers["authorization"]
    renewed = await person.data("POST", f"{AUTH}/refresh", {"refresh_token": view["refresh_token"]})
    assert renewed["access_token"] != view["access_token"]


# ---- the person's present state


async def test_role_and_activity_are_those_of_now(operator: Api, person: Api) -> None:
    view = await sign_in(person, EMAIL, "token")
    assert await status(person, "/api/v1/users") == 403
    await operator.data("PATCH", f"/api/v1/users/{view['user_id']}", {"role": "admin"})
    assert await status(person, "/api/v1/users") == 200
    await operator.data("PATCH", f"/api/v1/users/{view['user_id']}", {"is_active": False})
    assert await status(person) == 401
    await operator.data("PATCH", f"/api/v1/users/{view['user_id']}", {"is_active": True})
    assert await status(person) == 401, "a session that ended stays so"


async def test_idle_and_absolute_end(services: ControlServices, person: Api) -> None:
    view = await sign_in(person, EMAIL)
    for column, ago_ms in (("last_seen_at_ms", 24 * 3_600_000), ("expires_at_ms", 1)):
        moment = int(time.time() * 1000)
        values = {"last_seen_at_ms": moment, "expires_at_ms": moment + 3_600_000, column: moment - ago_ms}
        async with services.database.write() as session:
            await session.execute(update(Session).where(Session.id == view["session_id"]).values(values))
            session.changes.keys([view["session_id"]])
        assert await status(person) == 401, column


async def test_use_is_written_down_now_and_then(services: ControlServices, person: Api) -> None:
    view = await sign_in(person, EMAIL)
    old = int(time.time() * 1000) - 3_600_000
    async with services.database.write() as session:
        await session.execute(update(Session).where(Session.id == view["session_id"]).values(last_seen_at_ms=old))
        session.changes.keys([view["session_id"]])
    assert await status(person) == 200
    async with services.database.read() as session:
        row = await session.get(Session, view["session_id"])
    assert row is not None
    assert row.last_seen_at_ms > old


# ---- seeing and ending


async def test_people_see_and_end_their_own_sessions_only(
    services: ControlServices, operator: Api, person: Api
) -> None:
    await sign_in(person, EMAIL)
    await make_account(operator, services, "eve@example.com")
    async with browser(services) as eve:
        theirs = await sign_in(eve, "eve@example.com")
        mine = await person.data("GET", f"{AUTH}/sessions")
        assert {row["user_name"] for row in mine} == {"a user"}
        assert [row["agent"] for row in mine if row["current"]] == ["test browser"]
        assert theirs["session_id"] not in {row["id"] for row in mine}
        assert (await person.call("DELETE", f"{AUTH}/sessions/{theirs['session_id']}")).status_code == 404
        for query in (f"?user_id={theirs['user_id']}", "?everyone=true"):
            assert await status(person, f"{AUTH}/sessions{query}") == 403
        ended = await person.call("DELETE", f"{AUTH}/sessions?user_id={theirs['user_id']}")
        assert ended.status_code == 403
        assert await status(eve) == 200
        ended = await operator.data("DELETE", f"{AUTH}/sessions/{theirs['session_id']}")
        assert ended == {"ended": 1}
        assert await status(eve) == 401
    everyone = await operator.data("GET", f"{AUTH}/sessions?everyone=true&ended=true")
    assert {(row["id"], row["ended_because"]) for row in everyone} >= {(theirs["session_id"], "revoked")}


async def test_an_administrator_does_not_end_sessions_of_somebody_above(
    services: ControlServices, operator: Api, person: Api
) -> None:
    top = await make_account(operator, services, "top@example.com", "super_admin")
    await make_account(operator, services, "admin@example.com", "admin")
    async with browser(services) as admin, browser(services) as above:
        await sign_in(admin, "admin@example.com")
        session_id = (await sign_in(above, "top@example.com"))["session_id"]
        assert (await admin.call("DELETE", f"{AUTH}/sessions/{session_id}")).status_code == 403
        assert (await admin.call("DELETE", f"{AUTH}/sessions?user_id={top}")).status_code == 403
        assert (await admin.post(f"{AUTH}/links", {"user_id": top})).status_code == 403
        assert await status(above) == 200


async def test_one_ends_all_of_ones_other_sessions(services: ControlServices, person: Api) -> None:
    await sign_in(person, EMAIL)
    async with browser(services) as elsewhere:
        await sign_in(elsewhere, EMAIL)
        await person.data("DELETE", f"{AUTH}/sessions?others=true")
        assert await status(elsewhere) == 401
    assert await status(person) == 200


async def test_a_session_ended_at_one_control_is_dead_at_another_within_a_second(
    services: ControlServices, operator: Api, person: Api, settings: Settings
) -> None:
    view = await sign_in(person, EMAIL, "token")
    async with running_control(settings) as elsewhere, api(elsewhere, view["access_token"]) as other:
        assert await status(other) == 200
        assert await status(other) == 200
        await operator.data("DELETE", f"{AUTH}/sessions/{view['session_id']}")
        started = time.monotonic()
        while await status(other) == 200:
            assert time.monotonic() - started < 1.0
            await asyncio.sleep(0.02)


async def test_sessions_do_not_stand_for_keys(person: Api, operator: Api) -> None:
    await sign_in(person, EMAIL)
    assert (await person.get("/api/v1/keys/current")).status_code == 400
    assert (await operator.post(f"{AUTH}/logout")).status_code == 400
    await make_user(operator)
    assert (await person.get("/api/v1/users")).json()["error"]["code"] == "SCOPE_MISSING"
