"""Who may say by which issuer's word somebody is who, and what else of an issuer is whose to change."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support import signing_in
from tests.support.control import Api, make_user
from tests.support.issuer import CLIENT, FakeIssuer
from tests.support.people import AUTH, browser, make_account, sign_in
from tests.support.signing_in import HERE, issuer, person, services
from turnpike.control.oidc.config import IssuerConfig
from turnpike.control.services import ControlServices

__all__ = ["issuer", "person", "services"]
ISSUERS = f"{AUTH}/issuers"
ANY_ADMINISTRATORS: dict[str, Any] = {
    "scopes": ["openid"],
    "create_users": False,
    "email_domains": ["example.com"],
    "rules": [{"value": "g", "role": "admin"}],
    "default_role": "department_admin",
    "require_rule": True,
}
"""What says whom an issuer lets in and what it gives them."""
WHO_IS_WHO: dict[str, Any] = {
    "allow_addresses": ["127.0.0.0/8"],
    "algorithms": ["RS256"],
    "clock_skew_s": 300,
    "tenants": ["another"],
    "subject_claim": "nickname",
    "link_by_email": True,
    "link_by_subject": True,
    "trust_email": True,
    "graph_url": "https://graph.example.com",
    "bearer_audiences": ["api://another"],
    "bearer_by_email": True,
    "bearer_scopes": ["admin"],
}


@pytest.fixture
async def admin(services: ControlServices, operator: Api) -> AsyncIterator[Api]:
    await make_account(operator, services, "admin@example.com", "admin")
    async with browser(services) as client:
        await sign_in(client, "admin@example.com")
        yield client


@pytest.fixture
async def path(operator: Api, issuer: FakeIssuer) -> str:
    """Of a trusted issuer."""
    return f"{ISSUERS}/{(await signing_in.trust(operator, issuer.url))['id']}"


async def come_in(person: Api, issuer: FakeIssuer, **claims: Any) -> str:
    """Returns who that is here."""
    issuer.claims = claims
    await signing_in.come_in(person, issuer)
    return (await person.data("GET", f"{AUTH}/me"))["user_id"]


def test_every_setting_of_an_issuer_is_one_or_the_other() -> None:
    assert {*ANY_ADMINISTRATORS, *WHO_IS_WHO, "bearer_rules"} == set(IssuerConfig.model_fields)


async def test_an_administrator_does_not_become_a_super_admin_by_another_subject(
    services: ControlServices, operator: Api, admin: Api, person: Api, issuer: FakeIssuer, path: str
) -> None:
    boss = await come_in(person, issuer, sub="boss")
    changed = await admin.patch(path, {"config": {"subject_claim": "nickname"}})
    assert changed.status_code == 403, "nor before anybody of the issuer's people is one"
    await operator.data("PATCH", f"/api/v1/users/{boss}", {"role": "super_admin"})
    assert (await admin.patch(path, {"config": {"subject_claim": "nickname"}})).status_code == 403
    async with browser(services) as other:
        assert await come_in(other, issuer, sub="another", nickname="boss") != boss


async def test_what_says_who_somebody_is_takes_the_highest_role(operator: Api, admin: Api, path: str) -> None:
    user = await make_user(operator)
    wrong = {**WHO_IS_WHO, "bearer_rules": [{"value": "service", "user_id": user}]}
    for name, value in wrong.items():
        assert (await admin.patch(path, {"config": {name: value}})).status_code == 403, name
    assert (await admin.patch(path, {"client_id": "another"})).status_code == 403
    body = {"slug": "mine", "name": "Mine", "issuer": "https://idp.example.com", "client_id": CLIENT}
    assert (await admin.post(ISSUERS, body)).status_code == 403
    unchanged = {"client_id": CLIENT, "config": HERE}
    assert (await admin.patch(path, unchanged)).status_code == 200, "said, not changed"
    for name, value in wrong.items():
        assert (await operator.patch(path, {"config": {name: value}})).status_code == 200, name
    assert (await admin.patch(path, {"name": "New"})).status_code == 403, "it says who anybody is by now"


async def test_whom_it_lets_in_and_what_it_gives_takes_managing_issuers(operator: Api, admin: Api, path: str) -> None:
    for name, value in ANY_ADMINISTRATORS.items():
        assert (await admin.patch(path, {"config": {name: value}})).status_code == 200, name
    changed = await admin.data("PATCH", path, {"name": "New", "client_secret": "the-client-secret", "is_active": False})
    assert (changed["name"], changed["has_secret"], changed["is_active"]) == ("New", True, False)
    for config in ({"rules": [{"value": "g", "role": "super_admin"}]}, {"default_role": "super_admin"}):
        assert (await admin.patch(path, {"config": config})).status_code == 403, config
    assert (await operator.data("POST", f"{path}/test"))["ok"]
    assert (await admin.delete(path)).status_code == 200
    assert all("the-client-secret" not in text for text in (*operator.answers, *admin.answers))


async def test_an_issuer_is_not_taken_from_people_above(
    operator: Api, admin: Api, person: Api, issuer: FakeIssuer, path: str
) -> None:
    boss = await come_in(person, issuer, sub="boss")
    await operator.data("PATCH", f"/api/v1/users/{boss}", {"role": "super_admin"})
    rule = {"config": {"rules": [{"value": "nobody", "role": "department_admin"}]}}
    for change in (rule, {"is_active": False}, {"client_secret": "another"}):
        assert (await admin.patch(path, change)).status_code == 403, change
    assert (await admin.delete(path)).status_code == 403
    assert (await person.get(f"{AUTH}/me")).status_code == 200
    assert (await operator.delete(path)).status_code == 200
