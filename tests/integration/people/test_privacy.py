"""What is held about a person: all of it is given out, none of it is left."""

import json
from typing import Any

from sqlalchemy import func, insert, select

from tests.integration.people.test_scim import CORE, GROUPS
from tests.support.control import Api, api, make_key, make_provider, make_user
from tests.support.people import AUTH, PASSWORD, browser, make_account, sign_in
from turnpike.control.db.models import Base, GuardDecision, LedgerRow, LedgerTotal
from turnpike.control.domains.privacy import erasure
from turnpike.control.services import ControlServices
from turnpike.kit.clock import now_ms

EMAIL = "ada.lovelace@example.com"
NAME = "Ada Countess of Lovelace"
KEY_NAME = "Adas own laptop"
AGENT = "Analytical-Engine/1.0"
TELLING = (EMAIL, NAME, KEY_NAME, AGENT, "ada.sub@idp", "10.11.12.0/24")
"""What must be found before, and nowhere afterwards."""


def _row(table: Any, **values: Any) -> dict[str, Any]:
    """Every column that must have a value has one."""
    row: dict[str, Any] = {}
    for column in table.__table__.columns:
        if column.nullable or column.server_default is not None:
            continue
        kind = column.type.python_type
        row[column.name] = b"" if kind is bytes else kind()
    return {**row, **values}


async def _write_calls(services: ControlServices, user_id: str, key_id: str, count: int) -> None:
    whose = {"user_id": user_id, "key_id": key_id, "key_name": KEY_NAME}
    async with services.database.write() as session:
        rows = [
            _row(LedgerRow, event_id=bytes([number]) * 16, started_at_ms=now_ms(), cost_nanousd=5, **whose)
            for number in range(1, count + 1)
        ]
        await session.execute(insert(LedgerRow), rows)
        await session.execute(
            insert(LedgerTotal), [_row(LedgerTotal, day="2026-01-01", cost_nanousd=5 * count, **whose)]
        )
        decision = _row(GuardDecision, event_id=b"1" * 16, policy="no secrets", at_ms=now_ms(), **whose)
        await session.execute(insert(GuardDecision), [decision])


async def _person(services: ControlServices, operator: Api, scim: Api) -> dict[str, Any]:
    """Somebody who left traces everywhere."""
    user_id = await make_account(operator, services, EMAIL, display_name=NAME, ext_subject="ada.sub@idp")
    key = await make_key(operator, user_id=user_id, name=KEY_NAME, networks=["10.11.12.0/24"])
    async with browser(services, **{"user-agent": AGENT}) as person:
        await sign_in(person, EMAIL)
    await make_provider(operator, "acme")
    await operator.data("PUT", "/api/v1/limits", {
        "subject": "user", "name": user_id, "resource": "requests", "window_s": 60, "amount": 1000,
    })  # fmt: skip
    group = {"schemas": [f"{CORE}:Group"], "displayName": "Poets", "members": [{"value": user_id}]}
    assert (await scim.post(GROUPS, group)).status_code == 201
    await _write_calls(services, user_id, key["id"], 3)
    return {"id": user_id, "key": key}


async def _dump(services: ControlServices) -> str:
    """Everything that the database holds, as text."""
    found: list[str] = []
    async with services.database.read() as session:
        for table in Base.metadata.sorted_tables:
            found += [f"{table.name}: {tuple(row)}" for row in await session.execute(select(table))]
    return "\n".join(found)


async def test_everything_is_exported_to_the_person_and_to_administrators(
    services: ControlServices, operator: Api, scim: Api
) -> None:
    ada = await _person(services, operator, scim)
    async with browser(services) as person:
        await sign_in(person, EMAIL)
        answer = await person.get(f"{AUTH}/me/export")
        assert answer.status_code == 200
        own = answer.json()
        bob = await make_user(operator)
        assert (await person.get(f"/api/v1/users/{bob}/export")).status_code == 403
    assert (own["profile"]["email"], own["profile"]["display_name"]) == (EMAIL, NAME)
    assert [key["name"] for key in own["api_keys"]] == [KEY_NAME]
    assert AGENT in {session["agent"] for session in own["sessions"]}
    assert (len(own["calls"]), [each["policy"] for each in own["guard_decisions"]]) == (3, ["no secrets"])
    assert [each["display_name"] for each in own["groups"]] == ["Poets"]
    assert len(own["limits"]) == 1
    actions = {entry["action"] for entry in own["audit_entries"]}
    assert {"user.create", "key.create", "auth.login"} <= actions, actions
    whole = json.dumps(own)
    secrets = (ada["key"]["key"], PASSWORD, "$argon2", '"digest":"', '"sealed":"')
    assert not [secret for secret in secrets if secret in whole]
    theirs = (await operator.get(f"/api/v1/users/{ada['id']}/export")).json()
    assert theirs["profile"] == own["profile"]
    exported = await operator.data("GET", "/api/v1/audit", params={"action": "user.export"})
    assert len(exported) == 2
    async with api(services, ada["key"]["key"]) as caller:
        assert (await caller.get(f"{AUTH}/me/export")).status_code == 403, "a key that leaks gives none of it"


async def test_nothing_that_tells_who_it_was_is_left(services: ControlServices, operator: Api, scim: Api) -> None:
    ada = await _person(services, operator, scim)
    before = await _dump(services)
    assert [word for word in TELLING if word not in before] == []
    path = f"/api/v1/users/{ada['id']}"
    assert (
        await operator.post(f"{path}/erase", {"confirm": "01a1fd3b-ec2a-7091-95a4-b1f1949e5fa5"})
    ).status_code == 400
    done = await operator.data("POST", f"{path}/erase", {"confirm": ada["id"]})
    assert done == {"user_id": ada["id"], "pseudonym": erasure.pseudonym(ada["id"]), "complete": True}
    after = await _dump(services)
    left = {word: [line for line in after.splitlines() if word in line] for word in TELLING}
    assert not any(left.values()), {word: lines for word, lines in left.items() if lines}
    verified = await operator.data("GET", "/api/v1/audit/verify")
    assert (verified["ok"], verified["erased"] > 0) == (True, True), verified
    async with services.database.read() as session:
        spent = select(func.sum(LedgerRow.cost_nanousd)).where(LedgerRow.user_id == ada["id"])
        assert (await session.execute(spent)).scalar_one() == 15
        summed = select(LedgerTotal.cost_nanousd).where(LedgerTotal.user_id == ada["id"])
        assert (await session.execute(summed)).scalar_one() == 15
    async with api(services, ada["key"]["key"]) as caller:
        assert (await caller.get("/api/v1/keys/current")).status_code == 401
    seen = await operator.data("GET", path)
    assert (seen["display_name"], seen["is_active"], seen["erased_at"] is not None) == (done["pseudonym"], False, True)
    assert (await operator.patch(path, {"is_active": True})).status_code == 409
    assert (await scim.get(f"/scim/v2/Users/{ada['id']}")).status_code == 404
    assert ada["id"] not in str(await operator.data("GET", "/api/v1/users"))
    again = await operator.data("POST", f"{path}/erase", {"confirm": ada["id"]})
    assert again == done
    await make_user(operator, email=EMAIL)


async def test_calls_that_were_under_way_lose_their_names_later(services: ControlServices, operator: Api) -> None:
    ada = await make_user(operator, display_name="x")
    await operator.data("POST", f"/api/v1/users/{ada}/erase", {"confirm": ada})
    await _write_calls(services, ada, "k", 2)
    await erasure.finish_all(services.database)
    assert KEY_NAME not in await _dump(services)


async def test_who_may_not_be_erased(services: ControlServices, operator: Api) -> None:
    root = (await operator.data("GET", "/api/v1/users", params={"role": "super_admin"}))[0]["id"]
    answer = await operator.post(f"/api/v1/users/{root}/erase", {"confirm": root})
    assert (answer.status_code, "last" in answer.json()["message"]) == (409, True)
    admin_id = await make_user(operator, "admin")
    key = await make_key(operator, user_id=admin_id, scopes=["admin"])
    async with api(services, key["key"]) as admin:
        for user_id, status in ((root, 403), (admin_id, 409)):
            assert (await admin.post(f"/api/v1/users/{user_id}/erase", {"confirm": user_id})).status_code == status
