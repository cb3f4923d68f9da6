"""A creation that is asked for twice with one Idempotency-Key happens once."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select, update

from tests.support.control import Api, api, make_key, make_user
from turnpike.control.app import create_app
from turnpike.control.db.models import ApiKey, AuditEntry, Department, IdempotentAnswer
from turnpike.control.infra.secrets.rotation import reseal_all
from turnpike.control.services import ControlServices
from turnpike.control.web import idempotency
from turnpike.control.web.database import writing
from turnpike.control.web.routes import calls_of, permission_of, routes_of

KEY = {"idempotency-key": "order-66"}
DEPARTMENTS = "/api/v1/departments"


async def count(services: ControlServices, table: Any) -> int:
    async with services.database.read() as session:
        return len((await session.execute(select(table))).all())


async def test_the_same_again_gets_the_same_answer_and_makes_nothing(services: ControlServices, operator: Api) -> None:
    first = await operator.post(DEPARTMENTS, {"name": "Research"}, headers=KEY)
    entries = await count(services, AuditEntry)
    second = await operator.post(DEPARTMENTS, {"name": "Research"}, headers=KEY)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.text == second.text
    assert first.headers["content-type"] == second.headers["content-type"]
    assert second.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert await count(services, Department) == 1
    assert await count(services, AuditEntry) == entries, "what was done once is in the audit log once"


async def test_another_body_under_the_same_key_is_422(operator: Api) -> None:
    await operator.post(DEPARTMENTS, {"name": "Research"}, headers=KEY)
    other = await operator.post(DEPARTMENTS, {"name": "Sales"}, headers=KEY)
    assert (other.status_code, other.json()["error"]["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    elsewhere = await operator.post("/api/v1/users", {"display_name": "Research"}, headers=KEY)
    assert elsewhere.status_code == 422


async def test_two_at_the_same_time_make_one(services: ControlServices, operator: Api) -> None:
    answers = await asyncio.gather(*(operator.post(DEPARTMENTS, {"name": "One"}, headers=KEY) for _ in range(6)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["data"]["id"] for answer in answers}) == 1
    assert sum("idempotency-replayed" in answer.headers for answer in answers) == 5
    assert await count(services, Department) == 1


async def test_what_failed_may_be_tried_again_with_the_same_key(operator: Api) -> None:
    await operator.post(DEPARTMENTS, {"name": "Taken"})
    assert (await operator.post(DEPARTMENTS, {"name": "Taken"}, headers=KEY)).status_code == 409
    assert (await operator.post(DEPARTMENTS, {"name": "Free"}, headers=KEY)).status_code == 201


async def test_a_key_belongs_to_one_caller(services: ControlServices, operator: Api) -> None:
    user = await make_user(operator, "admin")
    keys = [(await make_key(operator, user_id=user, scopes=["admin"]))["key"] for _ in range(2)]
    for number, key in enumerate(keys):
        async with api(services, key) as caller:
            answer = await caller.post(DEPARTMENTS, {"name": f"D{number}"}, headers=KEY)
        assert answer.status_code == 201
        assert "idempotency-replayed" not in answer.headers


async def test_who_may_not_make_it_does_not_get_the_stored_answer(services: ControlServices, operator: Api) -> None:
    user = await make_user(operator, "admin")
    made = await make_key(operator, user_id=user, scopes=["admin"])
    async with api(services, made["key"]) as caller:
        assert (await caller.post(DEPARTMENTS, {"name": "n"}, headers=KEY)).status_code == 201
        await operator.data("PATCH", f"/api/v1/keys/{made['id']}", {"scopes": ["models:read"]})
        assert (await caller.post(DEPARTMENTS, {"name": "n"}, headers=KEY)).status_code == 403


async def test_a_secret_shown_once_is_in_the_second_answer_and_readable_nowhere(
    services: ControlServices, operator: Api
) -> None:
    first = await operator.data("POST", "/api/v1/keys", {"name": "ci"}, headers=KEY)
    async with services.database.read() as session:
        row = (await session.scalars(select(IdempotentAnswer))).one()
    stored = b"|".join((row.digest, row.fingerprint, (row.sealed or "").encode()))
    assert first["key"].encode() not in stored
    assert b"order-66" not in stored
    await reseal_all(services.database, services.sealer)
    second = await operator.data("POST", "/api/v1/keys", {"name": "ci"}, headers=KEY)
    assert second["key"] == first["key"]
    assert await count(services, ApiKey) == 2, "the first administrator's, and this one"


async def test_after_a_day_the_key_is_free_again(services: ControlServices, operator: Api) -> None:
    await operator.data("POST", DEPARTMENTS, {"name": "A"}, headers=KEY)
    async with services.database.write() as session:
        await session.execute(update(IdempotentAnswer).values(made_at_ms=0))
    assert (await operator.post(DEPARTMENTS, {"name": "B"}, headers=KEY)).status_code == 201
    async with services.database.write() as session:
        await session.execute(update(IdempotentAnswer).values(made_at_ms=0))
        await idempotency.forget_old(session)
    assert await count(services, IdempotentAnswer) == 0


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "ü"])
async def test_an_odd_key_is_400(operator: Api, key: str) -> None:
    answer = await operator.http.post(
        DEPARTMENTS, json={"name": "A"}, headers=[(b"idempotency-key", key.encode("latin-1"))]
    )
    assert answer.status_code == 400


async def test_every_route_that_creates_takes_a_key_after_it_knows_who_asks(services: ControlServices) -> None:
    """The stored answer is given by what makes the transaction: the permission must have been asked for by then."""
    seen = 0
    for route in routes_of(create_app(services)):
        calls = list(calls_of(route.dependant))
        if "POST" not in route.methods or writing not in calls or permission_of(route) == "public":
            continue
        seen += 1
        asked = next(at for at, call in enumerate(calls) if hasattr(call, "permission"))
        assert asked < calls.index(writing), route.path
    assert seen > 15
