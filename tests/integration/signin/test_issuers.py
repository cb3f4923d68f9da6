"""What an issuer is held to beyond one token: its tenants, PKCE, where it may lead, and that it may be away."""

from typing import Any

import pytest

from tests.support import signing_in
from tests.support.control import BASE, Api, api, running_control
from tests.support.issuer import FakeIssuer, callback, running_issuer
from tests.support.people import AUTH, browser
from tests.support.signing_in import issuer, person, services
from turnpike.control.oidc import metadata
from turnpike.control.services import ControlServices
from turnpike.settings import Settings

__all__ = ["issuer", "person", "services"]
HERE = "aaaabbbb-0000-cccc-1111-dddd2222eeee"
ELSEWHERE = "ffffbbbb-0000-cccc-1111-dddd2222eeee"
NAME = "idp.example.com"


async def trust(operator: Api, url: str, **values: Any) -> str:
    """Returns the issuer's path."""
    return f"{AUTH}/issuers/{(await signing_in.trust(operator, url, **values))['id']}"


async def come_in(person: Api, issuer: FakeIssuer, **claims: Any) -> int:
    issuer.claims = claims
    return (await signing_in.come_in(person, issuer)).status_code


# ---- PKCE (RFC 7636)


async def test_a_code_of_another_sign_in_is_not_redeemed(
    services: ControlServices, operator: Api, person: Api, issuer: FakeIssuer
) -> None:
    """Somebody else's code, put into one's own sign-in: the verifier is of one's own."""
    await trust(operator, issuer.url)
    async with browser(services) as victim:
        stolen = issuer.authorize((await victim.get(f"{AUTH}/login/corp")).headers["location"])
        own = issuer.authorize((await person.get(f"{AUTH}/login/corp")).headers["location"])
        taken = await person.get(callback("corp", {**own, "code": stolen["code"]}))
        assert (taken.status_code, issuer.refused) == (502, ["code_verifier"])
    assert (await person.get(f"{AUTH}/me")).status_code == 401
    assert await come_in(person, issuer) == 302
    assert len(issuer.refused) == 1


# ---- tenants of Entra ID


def of_tenant(issuer: FakeIssuer, tenant: str, **claims: Any) -> dict[str, Any]:
    return {"iss": f"{issuer.url}/{tenant}/v2.0", "tid": tenant, "oid": f"somebody of {tenant}", **claims}


async def test_of_several_tenants_those_come_in_that_are_listed(operator: Api, person: Api, issuer: FakeIssuer) -> None:
    """What Entra ID publishes for several tenants names none: its issuer stands there with `{tenantid}`."""
    issuer.metadata = {"issuer": f"{issuer.url}/{metadata.TENANT_PLACE}/v2.0"}
    await trust(
        operator, f"{issuer.url}/organizations/v2.0", kind="entra", tenant="organizations", config={"tenants": [HERE]}
    )
    wrong = {
        "another tenant": of_tenant(issuer, ELSEWHERE),
        "no tenant": of_tenant(issuer, HERE, tid=None),
        "another tenant's issuer": of_tenant(issuer, HERE, iss=f"{issuer.url}/{ELSEWHERE}/v2.0"),
        "a tenant that lies": of_tenant(issuer, ELSEWHERE, tid=HERE),
        "no tenant's issuer": of_tenant(issuer, HERE, iss=f"{issuer.url}/{metadata.TENANT_PLACE}/v2.0"),
        "the common issuer": of_tenant(issuer, HERE, iss=f"{issuer.url}/organizations/v2.0"),
        "somebody else's issuer": of_tenant(issuer, HERE, iss=f"https://evil.example.com/{HERE}/v2.0"),
    }
    for what, claims in wrong.items():
        assert await come_in(person, issuer, **claims) == 401, what
        assert (await person.get(f"{AUTH}/me")).status_code == 401, what
    assert await come_in(person, issuer, **of_tenant(issuer, HERE, name="Ada")) == 302
    assert (await person.data("GET", f"{AUTH}/me"))["display_name"] == "Ada"


async def test_of_one_tenant_nobody_else_comes_in(operator: Api, person: Api, issuer: FakeIssuer) -> None:
    issuer.metadata = {"issuer": f"{issuer.url}/{HERE}/v2.0"}
    await trust(operator, f"{issuer.url}/{HERE}/v2.0", kind="entra", tenant=HERE)
    assert await come_in(person, issuer, **of_tenant(issuer, ELSEWHERE)) == 401
    assert await come_in(person, issuer, **of_tenant(issuer, HERE)) == 302


# ---- an issuer that is away


async def test_an_issuer_that_is_away_is_said_to_be(operator: Api, person: Api, issuer: FakeIssuer) -> None:
    path = await trust(operator, issuer.url)
    issuer.away = True
    answer = await person.get(f"{AUTH}/login/corp")
    error = answer.json()["error"]
    host = issuer.url.removeprefix("http://")
    assert (answer.status_code, error["message"]) == (502, f"{host} answered 503 (temporarily_unavailable).")
    tested = await operator.data("POST", f"{path}/test")
    assert tested == {"ok": False, "message": error["message"]}
    issuer.away = False
    assert await come_in(person, issuer) == 302, "it is asked again at once"


async def test_what_is_known_of_an_issuer_that_is_away_goes_on(
    operator: Api, person: Api, issuer: FakeIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await trust(operator, issuer.url)
    assert await come_in(person, issuer) == 302
    begun = await person.get(f"{AUTH}/login/corp")
    answer = issuer.authorize(begun.headers["location"])
    made = issuer.answer
    monkeypatch.setattr(metadata, "KEPT_S", -1.0)  # all that is known is old
    monkeypatch.setattr(issuer, "answer", lambda path, *more: made(path, *more) if path == "/token" else (503, {}))
    assert (await person.get(callback("corp", answer))).status_code == 302
    again = await person.get(f"{AUTH}/login/corp")
    assert (again.status_code, again.headers["location"].startswith(f"{issuer.url}/authorize")) == (302, True)


# ---- where it may lead


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/keys"])
async def test_an_issuer_that_sends_us_elsewhere_is_not_followed(
    operator: Api, person: Api, issuer: FakeIssuer, path: str
) -> None:
    with running_issuer() as inside:
        await trust(operator, issuer.url)
        issuer.moved = {path: f"{inside.url}{path}"}
        begun = await person.get(f"{AUTH}/login/corp")
        if begun.status_code == 302:
            begun = await person.get(callback("corp", issuer.authorize(begun.headers["location"])))
        assert (begun.status_code, "answered 302" in begun.json()["error"]["message"]) == (502, True)
        assert inside.asked == []


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "::1", "10.0.0.7", "169.254.169.254", "100.64.0.1", "2002:7f00:1::", "64:ff9b::7f00:1",
     "::ffff:10.0.0.7"],
)  # fmt: skip
async def test_a_name_that_leads_inside_by_now_is_not_followed(
    sqlite_settings: Settings, issuer: FakeIssuer, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    """DNS may say another thing each time: every connection is to an address that the policy was asked about."""
    answers = [["127.0.0.1"], [address]]

    async def resolve(host: str, port: int) -> list[str]:
        assert host == NAME
        return answers.pop(0)

    monkeypatch.setattr("turnpike.control.outbound._resolve", resolve)
    port = issuer.url.rpartition(":")[2]
    url = f"http://{NAME}:{port}"
    issuer.metadata = {"issuer": url, "jwks_uri": f"{url}/keys"}
    changed = sqlite_settings.model_copy(update={"public_url": BASE, "allow_insecure_http_callbacks": True})
    async with running_control(changed) as services, api(services) as operator:
        path = await trust(operator, url, config={"allow_addresses": ["127.0.0.1/32"]})
        if address == "127.0.0.1":
            await operator.data("PATCH", path, {"config": {"allow_addresses": []}})
            answers = [[address]]
        tested = await operator.data("POST", f"{path}/test")
    assert (tested["ok"], "address policy" in tested["message"]) == (False, True)
    assert (issuer.count("/keys"), answers) == (0, [])
