"""Invitations: who may invite whom, and that a link works once for one address."""

from typing import Any

import pytest

from tests.support.control import BASE, Api, api, make_key, make_user
from tests.support.people import AUTH, PASSWORD, browser, make_account, sign_in
from turnpike.control.domains.auth import people
from turnpike.control.infra.mail import Mail, MailFailed
from turnpike.control.oidc.config import IssuerConfig
from turnpike.control.services import ControlServices
from turnpike.errors import Forbidden

INVITATIONS = "/api/v1/invitations"


class Trusted:
    """As much of an issuer as deciding about a person takes."""

    def __init__(self, issuer_id: str, **config: Any) -> None:
        self.id = issuer_id
        self.config = IssuerConfig(**config)


def token_of(made: dict[str, Any]) -> str:
    return made["path"].partition("#")[2]


async def test_a_link_makes_the_person_once(services: ControlServices, operator: Api, stranger: Api) -> None:
    department = await operator.data("POST", "/api/v1/departments", {"name": "Research"})
    sent: list[Mail] = []

    class Mailer:
        configured = True

        async def send(self, mail: Mail) -> None:
            sent.append(mail)

    services.mailer = Mailer()
    body = {"email": "Ada@Example.com", "role": "department_admin", "department_id": department["id"]}
    made = await operator.data("POST", INVITATIONS, body)
    assert (made["email"], made["status"], made["mailed"]) == ("ada@example.com", "open", True)
    (mail,) = sent
    assert (mail.to, made["url"] in mail.text) == (("ada@example.com",), True)
    listed = await operator.data("GET", INVITATIONS, params={"status": "open"})
    assert [row["id"] for row in listed] == [made["id"]]
    assert token_of(made) not in str(operator.answers[-1:])
    use = {"token": token_of(made), "password": PASSWORD, "mode": "token"}
    accept = f"{INVITATIONS}/accept"
    assert (await stranger.post(accept, {**use, "email": "eve@example.com"})).status_code == 400
    assert (await stranger.post(accept, {**use, "password": "short"})).status_code == 400
    assert (await stranger.post(accept, {**use, "role": "admin"})).status_code == 400
    view = await stranger.data("POST", accept, {**use, "display_name": "Ada"})
    user = await operator.data("GET", f"/api/v1/users/{view['user_id']}")
    assert (user["display_name"], user["role"], user["department_id"]) == ("Ada", "department_admin", department["id"])
    assert (await stranger.post(accept, use)).status_code == 401
    seen = await operator.data("GET", f"{INVITATIONS}/{made['id']}")
    assert (seen["status"], seen["user_id"]) == ("accepted", user["id"])
    assert (await operator.delete(f"{INVITATIONS}/{made['id']}")).status_code == 409
    assert (await operator.post(INVITATIONS, body)).status_code == 409, "somebody has the address now"
    async with browser(services) as person:
        await sign_in(person, "ada@example.com")
        own = await person.data("POST", INVITATIONS, {"email": "bob@example.com"})
        assert own["department_id"] == department["id"]
        for beyond in ({"role": "admin"}, {"department_id": "01a1fd3b-ec2a-7091-95a4-b1f1949e5fa5"}):
            assert (await person.post(INVITATIONS, {"email": "c@example.com", **beyond})).status_code == 403
        assert [row["email"] for row in await person.data("GET", INVITATIONS)] == [
            "bob@example.com", "ada@example.com",
        ]  # fmt: skip
    key = await make_key(operator, user_id=user["id"])
    async with api(services, key["key"]) as caller:
        assert (await caller.get(INVITATIONS)).status_code == 403, "not with a key for calling models"


async def test_what_is_over_or_taken_back_lets_nobody_in(
    services: ControlServices, operator: Api, stranger: Api
) -> None:
    accept = f"{INVITATIONS}/accept"
    first = await operator.data("POST", INVITATIONS, {"email": "ada@example.com"})
    second = await operator.data("POST", INVITATIONS, {"email": "ada@example.com"})
    await operator.data("DELETE", f"{INVITATIONS}/{second['id']}")
    short = await operator.data("POST", INVITATIONS, {"email": "bob@example.com", "hours": 0.00001})
    for made in (first, second, short):
        use = {"token": token_of(made), "password": PASSWORD}
        assert (await stranger.post(accept, use)).status_code == 401
    states = {row["email"]: row["status"] for row in await operator.data("GET", INVITATIONS)}
    assert states == {"ada@example.com": "revoked", "bob@example.com": "expired"}
    assert await operator.data("GET", "/api/v1/users", params={"search": "@"}) == []
    key = await make_key(operator, user_id=await make_user(operator, "admin"), scopes=["admin"])
    async with api(services, key["key"]) as admin:
        answer = await admin.post(INVITATIONS, {"email": "eve@example.com", "role": "super_admin"})
        assert answer.status_code == 403
        await admin.data("POST", INVITATIONS, {"email": "carl@example.com"})
        inviter = (await operator.data("GET", INVITATIONS, params={"search": "carl"}))[0]["invited_by"]
    await operator.data("PATCH", f"/api/v1/users/{inviter}", {"is_active": False})
    (carl,) = await operator.data("GET", INVITATIONS, params={"search": "carl"})
    assert carl["status"] == "revoked", "whoever is shut out invites nobody"


async def test_an_issuers_verified_email_accepts(services: ControlServices, operator: Api) -> None:
    issuer = {"slug": "idp", "name": "IdP", "kind": "generic", "issuer": "https://idp.example.com", "client_id": "x"}
    made = await operator.data("POST", f"{AUTH}/issuers", issuer)
    await operator.data("POST", INVITATIONS, {"email": "ada@example.com", "role": "department_admin"})
    await operator.data("POST", INVITATIONS, {"email": "root@example.com", "role": "super_admin"})
    plain: Any = Trusted(made["id"])
    closed: Any = Trusted(made["id"], create_users=False)
    linking: Any = Trusted(made["id"], link_by_email=True)

    async def come(trusted: Any, sub: str, email: str, *, verified: bool = True) -> str:
        claims = {"sub": sub, "email": email, "email_verified": verified, "name": sub}
        async with services.database.write() as session:
            return (await people.admit(session, trusted, claims)).role

    assert await come(plain, "eve", "ada@example.com", verified=False) == "user"
    assert await come(closed, "ada", "ADA@example.com") == "department_admin"
    assert await come(plain, "mallory", "root@example.com") == "user", "not by an issuer that may say anything"
    states = {row["email"]: row["status"] for row in await operator.data("GET", INVITATIONS)}
    assert states == {"ada@example.com": "accepted", "root@example.com": "open"}
    await operator.data("POST", INVITATIONS, {"email": "grace@example.com", "role": "admin"})
    assert await come(linking, "grace", "grace@example.com") == "admin"


async def test_local_accounts_that_are_off_are_no_way_in(
    services: ControlServices, operator: Api, stranger: Api
) -> None:
    await make_account(operator, services, "somebody@example.com")
    made = await operator.data("POST", INVITATIONS, {"email": "ada@example.com"})
    services.settings = services.settings.model_copy(update={"local_accounts": False})
    use = {"token": token_of(made), "password": PASSWORD}
    assert (await stranger.post(f"{INVITATIONS}/accept", use)).status_code == 403


async def test_it_gives_what_its_inviter_may_still_give(
    services: ControlServices, operator: Api, stranger: Api
) -> None:
    here, there = [
        (await operator.data("POST", "/api/v1/departments", {"name": name}))["id"] for name in ("here", "there")
    ]
    lead = await make_user(operator, "department_admin", department_id=here)
    key = await make_key(operator, user_id=lead, role="department_admin", scopes=[])
    issuer = {"slug": "corp", "name": "Corp", "issuer": "https://idp.example.com", "client_id": "c"}
    trusted: Any = Trusted((await operator.data("POST", f"{AUTH}/issuers", issuer))["id"], create_users=False)
    async with api(services, key["key"]) as caller:
        made = await caller.data("POST", INVITATIONS, {"email": "new@example.com", "role": "department_admin"})
    accept = {"token": token_of(made), "password": PASSWORD, "mode": "token"}
    claims = {"sub": "new", "email": "new@example.com", "email_verified": True}
    for values in ({"role": "user"}, {"role": "department_admin", "department_id": there}):
        await operator.data("PATCH", f"/api/v1/users/{lead}", values)
        assert (await stranger.post(f"{INVITATIONS}/accept", accept)).status_code == 401, values
        with pytest.raises(Forbidden):
            async with services.database.write() as session:
                await people.admit(session, trusted, claims)
    await operator.data("PATCH", f"/api/v1/users/{lead}", {"department_id": here})
    view = await stranger.data("POST", f"{INVITATIONS}/accept", accept)
    assert (await operator.data("GET", f"/api/v1/users/{view['user_id']}"))["role"] == "department_admin"


class Mailer:
    configured = True

    def __init__(self, *, works: bool) -> None:
        self.works = works
        self.sent: list[Mail] = []

    async def send(self, mail: Mail) -> None:
        self.sent.append(mail)
        if not self.works:
            raise MailFailed("The server says no.")


async def test_a_repeated_request_invites_once(services: ControlServices, operator: Api) -> None:
    services.settings = services.settings.model_copy(update={"public_url": BASE})
    for works in (True, False):
        services.mailer = mailer = Mailer(works=works)
        body, headers = {"email": f"{works}@example.com"}, {"idempotency-key": f"{works}"}
        first, second = [await operator.post(INVITATIONS, body, headers=headers) for _ in range(2)]
        assert (first.status_code, second.status_code) == (201, 201)
        assert first.json()["data"] == second.json()["data"]
        assert (first.json()["data"]["mailed"], len(mailer.sent)) == (works, 1)
        assert second.headers["idempotency-replayed"] == "true"
    assert [row["status"] for row in await operator.data("GET", INVITATIONS)] == ["open", "open"]
