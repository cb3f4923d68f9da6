"""Departments: what they give and allow, and that none goes silently."""

from tests.support.control import Api, api, make_key, make_user
from turnpike.contract.grants import key_digest
from turnpike.contract.routing.standing import Standing
from turnpike.control.services import ControlServices

DEPARTMENTS = "/api/v1/departments"


async def grant_of(services: ControlServices, key: str):
    digest = key_digest(key.encode(), services.sealer.keyring.pepper)
    grant = await services.keeper.grants.resolve(digest)
    assert grant is not None
    return grant


async def test_a_department_gives_a_tier_and_bounds_models(services: ControlServices, operator: Api) -> None:
    body = {"name": "Interns", "code": "CC/4711", "default_tier": "free", "models": ["gpt-4o-mini", "claude-*"]}
    made = await operator.data("POST", DEPARTMENTS, body)
    ada = await make_user(operator, department_id=made["id"])
    key = await make_key(operator, user_id=ada, models=["gpt-*"])
    assert key["tier"] == "free"
    standing = Standing(await grant_of(services, key["key"]))
    assert [standing.may_use(name) for name in ("gpt-4o-mini", "gpt-5", "claude-x")] == [True, False, False]
    other = await make_key(operator, user_id=ada, tier="pro")
    assert other["tier"] == "pro"
    await operator.data("PATCH", f"{DEPARTMENTS}/{made['id']}", {"models": [], "default_tier": None})
    await services.keeper.refresh()
    assert Standing(await grant_of(services, key["key"])).may_use("gpt-5")
    seen = await operator.data("GET", DEPARTMENTS, params={"name": "CC/4711"})
    assert [(row["name"], row["members"], row["keys"]) for row in seen] == [("Interns", 1, 2)]
    policy = {"name": "EU only", "regions": ["eu"], "departments": [made["id"]]}
    await operator.data("POST", "/api/v1/residency", policy)
    assert (await operator.data("GET", f"{DEPARTMENTS}/{made['id']}"))["residency"][0]["regions"] == ["eu"]
    for wrong in ({"default_tier": "nothing"}, {"code": "a b"}, {"name": None}, {"members": 3}):
        assert (await operator.patch(f"{DEPARTMENTS}/{made['id']}", wrong)).status_code == 400, wrong
    assert (await operator.post(DEPARTMENTS, {"name": "x", "code": "CC/4711"})).status_code == 409
    assert (await operator.delete("/api/v1/tiers/pro")).status_code == 409


async def test_a_department_with_people_goes_only_when_they_go_somewhere(
    services: ControlServices, operator: Api
) -> None:
    old = await operator.data("POST", DEPARTMENTS, {"name": "Old"})
    new = await operator.data("POST", DEPARTMENTS, {"name": "New"})
    ada = await make_user(operator, department_id=old["id"])
    key = await make_key(operator, user_id=ada)
    answer = await operator.delete(f"{DEPARTMENTS}/{old['id']}")
    assert (answer.status_code, answer.json()["error"]["details"]["members"]) == (409, 1)
    budget = {"kind": "department", "subject": old["id"], "amount_usd": 5, "period": "month"}
    made = await operator.data("POST", "/api/v1/budgets", budget)
    answer = await operator.delete(f"{DEPARTMENTS}/{old['id']}?move_to={new['id']}")
    assert (answer.status_code, answer.json()["error"]["details"]) == (409, {"budgets": [made["id"]]})
    await operator.data("DELETE", f"/api/v1/budgets/{made['id']}")
    assert (await operator.delete(f"{DEPARTMENTS}/{old['id']}?move_to={old['id']}")).status_code == 400
    gone = await operator.data("DELETE", f"{DEPARTMENTS}/{old['id']}?move_to={new['id']}")
    assert gone == {"moved": 1}
    assert (await grant_of(services, key["key"])).department_id == new["id"]
    assert [row["id"] for row in await operator.data("GET", f"{DEPARTMENTS}/{new['id']}/members")] == [ada]
    assert (await operator.get(f"{DEPARTMENTS}/{old['id']}")).status_code == 404


async def test_people_are_moved_but_nobody_above(services: ControlServices, operator: Api) -> None:
    there = await operator.data("POST", DEPARTMENTS, {"name": "There"})
    root = (await operator.data("GET", "/api/v1/users", params={"role": "super_admin"}))[0]["id"]
    ada = await make_user(operator)
    path = f"{DEPARTMENTS}/{there['id']}/members"
    key = await make_key(operator, user_id=await make_user(operator, "admin"), scopes=["admin"])
    async with api(services, key["key"]) as admin:
        assert (await admin.post(path, {"user_ids": [root]})).status_code == 403
        assert await admin.data("POST", path, {"user_ids": [ada]}) == {"moved": 1}
        nobody = "01a1fd3b-ec2a-7091-95a4-b1f1949e5fa5"
        assert (await admin.post(path, {"user_ids": [ada, nobody]})).status_code == 400
    key = await make_key(operator, user_id=ada)
    async with api(services, key["key"]) as person:
        assert (await person.get(DEPARTMENTS)).status_code == 403


async def test_nobody_moves_themselves_to_where_they_would_see_more(services: ControlServices, operator: Api) -> None:
    here, there = [(await operator.data("POST", DEPARTMENTS, {"name": name}))["id"] for name in ("Here", "There")]
    rights = {"manage_departments": "all_data", "manage_provisioning": "all_data", "view_users": "department_data"}
    await operator.data("PUT", "/api/v1/roles/clerk", {"permissions": rights})
    clerk = await make_user(operator, "clerk", department_id=here)
    other = await make_user(operator, department_id=there)
    wide = await make_key(operator, user_id=clerk, role="clerk", scopes=[])
    await operator.data("PUT", "/api/v1/roles/mover", {"permissions": {"manage_departments": "all_data"}})
    narrow = await make_key(operator, user_id=clerk, role="mover", scopes=[])
    for key, details in ((wide, {"param": "department_id"}), (narrow, {})):
        async with api(services, key["key"]) as caller:
            moved = await caller.post(f"{DEPARTMENTS}/{there}/members", {"user_ids": [clerk]})
            assert (moved.status_code, moved.json()["error"]["details"]) == (403, details)
            assert (await caller.delete(f"{DEPARTMENTS}/{here}?move_to={there}")).status_code == 403
            assert await caller.data("POST", f"{DEPARTMENTS}/{here}/members", {"user_ids": [clerk]}) == {"moved": 0}
    async with api(services, wide["key"]) as caller:
        assert [row["id"] for row in await caller.data("GET", "/api/v1/users")] == [clerk]
        assert await caller.data("POST", f"{DEPARTMENTS}/{here}/members", {"user_ids": [other]}) == {"moved": 1}
    admin = await make_key(operator, user_id=await make_user(operator, "admin", department_id=here), scopes=["admin"])
    async with api(services, admin["key"]) as caller:
        gone = await caller.data("DELETE", f"{DEPARTMENTS}/{here}?move_to={there}")
        assert gone == {"moved": 3}, "who has all data gains nothing"
