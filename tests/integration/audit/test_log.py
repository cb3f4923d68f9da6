"""Whatever changes something leaves an entry, in the transaction of the change; who is refused leaves one too."""

import asyncio
from typing import Any

import httpx2
import pytest
from fastapi import APIRouter, Depends
from fastapi.routing import APIRoute
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from tests.integration.audit.conftest import log_of, verdict
from tests.support.control import BASE, Api, api, make_key, make_user, running_control
from turnpike.control.app import ROUTERS, create_app
from turnpike.control.assembly import assemble
from turnpike.control.boot import prepare_secrets
from turnpike.control.db.models import AuditEntry, Department
from turnpike.control.services import ControlServices
from turnpike.control.web.audit import NOT_AUDITED, name_route
from turnpike.control.web.database import Writing
from turnpike.control.web.edge import AdminDoor
from turnpike.control.web.principal import Public
from turnpike.settings import Settings

CHANGING = {"POST", "PUT", "PATCH", "DELETE"}
SECRET = "sk-thissecretisnobodysbusiness-0123456789"


async def test_a_change_leaves_who_what_and_what_it_was(operator: Api) -> None:
    made = await operator.post(
        "/api/v1/ai/providers",
        {"vendor": "openai", "name": "First", "slug": "first", "shared_api_key": SECRET},
        headers={"x-request-id": "asked-1", "x-forwarded-for": "192.0.2.9"},
    )
    assert made.status_code == 201, made.text
    provider_id = made.json()["data"]["id"]
    changed = await operator.patch(f"/api/v1/ai/providers/{provider_id}", {"region": "eu-west"})
    assert changed.status_code == 200, changed.text
    created, updated = await log_of(operator, object="provider")
    assert (created["action"], created["object_id"], created["request_id"]) == (
        "provider.create", provider_id, "asked-1",
    )  # fmt: skip
    assert (created["actor"], created["address"], created["outcome"]) == ("operator", "192.0.2.9", "ok")
    assert updated["action"] == "provider.update"
    assert updated["changes"] == [
        {"op": "update", "kind": "provider", "id": provider_id, "fields": {"region": [None, "eu-west"]}}
    ]
    everything = (await operator.get("/api/v1/audit")).text
    assert SECRET not in everything


async def test_personal_data_stands_apart_and_can_be_erased(operator: Api) -> None:
    user_id = await make_user(operator)
    answer = await operator.patch(f"/api/v1/users/{user_id}", {"email": "ann@example.org"})
    assert answer.status_code == 200, answer.text
    entry = (await log_of(operator, action="user.update"))[0]
    assert entry["changes"][0]["fields"] == {"email": None}
    assert entry["personal_changes"][0]["fields"]["email"][1] == "ann@example.org"
    erased = await operator.post("/api/v1/audit/erase", {"user_id": user_id})
    assert erased.json()["data"]["entries"] >= 2
    entry = (await log_of(operator, action="user.update"))[0]
    assert (entry["erased"], entry["address"], entry["personal_changes"]) == (True, None, None)
    said = await verdict(operator)
    assert said["ok"], said
    assert said["erased"] >= 2


async def test_a_refused_change_is_in_the_log_and_like_ones_are_one_entry(
    services: ControlServices, operator: Api
) -> None:
    user_id = await make_user(operator)
    key = await make_key(operator, user_id=user_id)
    async with api(services, key["key"]) as caller:
        for _ in range(3):
            assert (await caller.delete(f"/api/v1/keys/{key['id']}")).status_code == 403
    async with api(services, "tp-" + "x" * 43) as nobody:
        assert (await nobody.get("/api/v1/keys")).status_code == 401
    await services.refusals.flush()
    refused = await log_of(operator, outcome="refused")
    assert [(each["action"], each["count"], each["actor"]) for each in refused] == [
        ("key.delete", 3, "user"), ("request.authenticate", 1, "anonymous"),
    ]  # fmt: skip
    assert refused[0]["actor_id"] == user_id
    assert refused[0]["error_code"] == "SCOPE_MISSING"


def changing_routes(app: Any) -> list[tuple[str, APIRoute]]:
    found: list[tuple[str, APIRoute]] = []

    def walk(items: Any) -> None:
        for item in items:
            if isinstance(item, APIRoute):
                found.extend((method, item) for method in sorted(item.methods & CHANGING))
            else:
                walk(getattr(getattr(item, "original_router", None), "routes", ()))

    walk(app.routes)
    return found


async def test_every_changing_route_has_a_name_of_its_own_and_is_audited(services: ControlServices) -> None:
    """A refused attempt goes the way that a change goes: the walk shows that no route is outside of it."""
    app = create_app(services)
    found = changing_routes(app)
    assert len(found) > 20
    names = [name_route(method, route.path, {}).action for method, route in found]
    assert not [name for name in names if name.startswith("request.") or "{" in name], names
    exempt = [route.path for _, route in found if route.openapi_extra == NOT_AUDITED]
    assert exempt == []
    async with api(services) as operator:
        user_id = await make_user(operator)
        key = await make_key(operator, user_id=user_id, scopes=[])
    async with api(services, key["key"]) as caller:
        for method, route in found:
            path = route.path
            for name in route.param_convertors:
                path = path.replace("{" + name + "}", "00000000-0000-7000-8000-000000000000")
            answer = await caller.call(method, path, {})
            if answer.status_code == 403:
                await services.refusals.flush()
                async with services.database.read() as session:
                    newest = (
                        await session.execute(
                            select(AuditEntry.action, AuditEntry.outcome).order_by(AuditEntry.seq.desc()).limit(1)
                        )
                    ).one()
                assert newest == (name_route(method, route.path, {}).action, "refused"), path


async def test_no_write_session_of_a_changing_request_goes_without_an_entry(services: ControlServices) -> None:
    """Neither a route whose domain says nothing, nor one that opens its own session."""
    router = APIRouter()

    @router.post("/api/v1/things", dependencies=[Depends(Public())])
    async def silent(session: Writing) -> dict[str, str]:  # pyright: ignore[reportUnusedFunction]
        session.add(Department(name="made in silence"))
        return {}

    @router.post("/api/v1/things/{thing_id}/poke", dependencies=[Depends(Public())])
    async def own_session(thing_id: str) -> dict[str, str]:  # pyright: ignore[reportUnusedFunction]
        async with services.database.write() as session:
            await session.execute(text("UPDATE departments SET name = 'poked'"))
        return {}

    transport = httpx2.ASGITransport(AdminDoor(create_app(services, (*ROUTERS, router))))
    async with httpx2.AsyncClient(transport=transport, base_url=BASE, trust_env=False) as http:
        operator = Api(http)
        assert (await operator.post("/api/v1/things", {})).status_code == 200
        assert (await operator.post("/api/v1/things/7/poke", {})).status_code == 200
        first, second = (await log_of(operator))[-2:]
    assert (first["action"], first["changes"][0]["fields"]["name"]) == ("thing.create", [None, "made in silence"])
    assert (second["action"], second["object_id"]) == ("thing.poke", "7")


async def test_what_rolls_back_leaves_nothing(operator: Api) -> None:
    before = len(await log_of(operator))
    assert (await operator.post("/api/v1/departments", {"name": ""})).status_code == 400
    assert len(await log_of(operator)) == before


async def test_the_tables_refuse_to_be_changed(services: ControlServices, operator: Api) -> None:
    await operator.post("/api/v1/departments", {"name": "D"})
    for statement in (
        "UPDATE audit_entries SET action = 'nothing'",
        "DELETE FROM audit_entries",
        "UPDATE audit_personal SET data = '{}'",
        "DELETE FROM audit_personal",
        "UPDATE audit_head SET seq = seq - 1",
        "DELETE FROM audit_head",
    ):
        with pytest.raises(DBAPIError, match="append-only"):
            async with services.database.write() as session:
                await session.execute(text(statement))


async def test_two_control_processes_write_one_chain(settings: Settings) -> None:
    """Each with its own connections; the chain has every change once and never forks."""
    async with running_control(settings) as first, running_control(settings) as second:
        async with api(first) as one, api(second) as other:
            answers = await asyncio.gather(
                *(
                    who.post("/api/v1/departments", {"name": f"{who is one}-{n}"})
                    for n in range(20)
                    for who in (one, other)
                )
            )
            assert {answer.status_code for answer in answers} == {201}
            entries = await log_of(one, action="department.create")
            assert len(entries) == 40
            said = await verdict(other)
        assert said["ok"], said
        async with first.database.read() as session:
            count, newest = (await session.execute(select(func.count(), func.max(AuditEntry.seq)))).one()
        assert count == newest == said["last"]


async def test_retention_cuts_and_the_rest_stays_verifiable(services: ControlServices, operator: Api) -> None:
    for name in ("a", "b", "c"):
        await operator.post("/api/v1/departments", {"name": name})
    moment = (await log_of(operator))[-1]["at"]
    await asyncio.sleep(0.01)
    await operator.post("/api/v1/departments", {"name": "d"})
    later = (await log_of(operator))[-1]["at"]
    assert later > moment
    cut = await operator.post("/api/v1/audit/cut", {"before": later})
    assert cut.status_code == 200, cut.text
    assert cut.json()["data"]["removed"] >= 3
    left = await log_of(operator)
    assert left[0]["at"] == later
    said = await verdict(operator)
    assert said["ok"], said
    assert said["first"] == left[0]["seq"] - 1
    # A later range can be asked for alone, one before the cut cannot.
    assert (await verdict(operator, from_seq=left[-1]["seq"]))["ok"]
    assert (await operator.get("/api/v1/audit/verify", params={"from_seq": 1})).status_code == 400


async def test_signed_heads_are_one_key_on_every_process(services: ControlServices, operator: Api) -> None:
    await operator.post("/api/v1/departments", {"name": "a"})
    head = (await operator.post("/api/v1/audit/heads")).json()["data"]
    other = assemble(services.settings, prepare_secrets(services.settings))
    try:
        async with api(other) as elsewhere:
            said = await verdict(elsewhere)
        assert (said["ok"], said["heads"], said["public_key"]) == (True, 1, head["public_key"])
    finally:
        await other.database.close()


async def test_an_administrator_of_a_department_sees_what_its_people_did_and_no_more(
    services: ControlServices, operator: Api
) -> None:
    keys: dict[str, str] = {}
    departments: dict[str, str] = {}
    for name in ("one", "two"):
        made = await operator.data("POST", "/api/v1/departments", {"name": name})
        departments[name] = made["id"]
        user_id = await make_user(operator, "department_admin", department_id=made["id"])
        keys[name] = (await make_key(operator, user_id=user_id, role="department_admin"))["key"]
        async with api(services, keys[name]) as caller:
            assert (await caller.post("/api/v1/departments", {"name": "not theirs to make"})).status_code == 403
    person = (await make_key(operator, user_id=await make_user(operator)))["key"]
    await services.refusals.flush()
    (other,) = await log_of(operator, department_id=departments["two"])
    async with api(services, keys["one"]) as caller:
        seen = await log_of(caller)
        assert [(each["department_id"], each["action"], each["outcome"]) for each in seen] == [
            (departments["one"], "department.create", "refused")
        ]
        asked = {"department_id": departments["two"]}
        assert await caller.data("GET", "/api/v1/audit", params=asked) == []
        assert (await caller.get(f"/api/v1/audit/{other['seq']}")).status_code == 404
        assert (await caller.get("/api/v1/audit/verify")).status_code == 403
        assert (await caller.get("/api/v1/audit/export")).status_code == 403
    async with api(services, person) as caller:
        assert (await caller.get("/api/v1/audit")).status_code == 403
