"""People and departments, and what keeps the gateway from being locked for everyone."""

import pytest

from tests.support.control import Api, api, make_key, make_user
from turnpike.control.services import ControlServices

USERS = "/api/v1/users"
DEPARTMENTS = "/api/v1/departments"


async def test_people_are_made_read_changed_and_listed(operator: Api) -> None:
    department = await operator.data("POST", DEPARTMENTS, {"name": "Research"})
    body = {"display_name": " Ada ", "email": "ADA@Example.com", "role": "user", "department_id": department["id"]}
    made = await operator.data("POST", USERS, body)
    assert (made["display_name"], made["email"]) == ("Ada", "ada@example.com")
    changed = await operator.data("PATCH", f"{USERS}/{made['id']}", {"department_id": None, "role": "admin"})
    assert (changed["department_id"], changed["role"]) == (None, "admin")
    assert await operator.data("GET", f"{USERS}/{made['id'].upper()}") == changed
    assert await operator.data("GET", USERS, params={"role": "admin"}) == [changed]
    renamed = await operator.data("PATCH", f"{DEPARTMENTS}/{department['id']}", {"name": "R&D"})
    assert await operator.data("GET", DEPARTMENTS, params={"search": "r&"}) == [renamed]


@pytest.mark.parametrize("field", ["email", "ext_subject"])
async def test_two_people_never_share_what_names_them(operator: Api, field: str) -> None:
    await make_user(operator, **{field: "a@b.c"})
    answer = await operator.post(USERS, {"display_name": "x", field: "a@b.c"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "CONFLICT")


async def test_departments_have_names_of_their_own(operator: Api) -> None:
    await operator.data("POST", DEPARTMENTS, {"name": "Research"})
    assert (await operator.post(DEPARTMENTS, {"name": "Research"})).status_code == 409


async def test_a_department_must_be_there(operator: Api) -> None:
    nowhere = "01a1fd3b-ec2a-7091-95a4-b1f1949e5fa5"
    answer = await operator.post(USERS, {"display_name": "x", "department_id": nowhere})
    assert (answer.status_code, answer.json()["error"]["details"]) == (400, {"param": "department_id"})


async def test_the_last_super_admin_stays_one(operator: Api) -> None:
    only = (await operator.data("GET", USERS, params={"role": "super_admin"}))[0]["id"]
    for change in ({"role": "admin"}, {"is_active": False}):
        assert (await operator.patch(f"{USERS}/{only}", change)).status_code == 409
    await make_user(operator, "super_admin")
    assert (await operator.patch(f"{USERS}/{only}", {"role": "admin"})).status_code == 200


async def test_nobody_acts_on_somebody_above_them(operator: Api, services: ControlServices) -> None:
    above = (await operator.data("GET", USERS, params={"role": "super_admin"}))[0]["id"]
    key = await make_key(operator, user_id=await make_user(operator, "admin"), scopes=["admin"])
    async with api(services, key["key"]) as admin:
        assert (await admin.patch(f"{USERS}/{above}", {"display_name": "x"})).status_code == 403
        assert (await admin.post(USERS, {"display_name": "x", "role": "super_admin"})).status_code == 403
        below = await make_user(admin, "user")
        assert (await admin.patch(f"{USERS}/{below}", {"role": "super_admin"})).status_code == 403
        assert (await admin.patch(f"{USERS}/{below}", {"role": "admin"})).status_code == 200


@pytest.mark.parametrize("field", ["id", "created_at_ms", "is_admin", "api_keys"])
async def test_fields_that_are_not_ours_to_set_are_refused(operator: Api, field: str) -> None:
    answer = await operator.post(USERS, {"display_name": "x", field: "1"})
    assert (answer.status_code, answer.json()["error"]["details"]["param"]) == (400, field)


async def test_wildcards_in_a_search_mean_themselves(operator: Api) -> None:
    for name in ("a_b", "axb", "50%", "50x", "back\\slash"):
        await make_user(operator, display_name=name)

    async def found(text: str) -> list[str]:
        return sorted(row["display_name"] for row in await operator.data("GET", USERS, params={"search": text}))

    assert await found("_") == ["a_b"]
    assert await found("%") == ["50%"]
    assert await found("\\") == ["back\\slash"]
    assert await found("A_B") == ["a_b"]
