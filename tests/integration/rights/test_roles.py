"""Roles made of permissions, on both databases: made, given, changed and taken away; and nobody gains by it."""

from typing import Any

import pytest

from tests.integration.rights.conftest import caller_with
from tests.support.control import Api, api, make_key, make_user
from turnpike.contract.scopes import DEFAULT_SCOPES
from turnpike.control.domains.identity import service as identity
from turnpike.control.domains.roles import service as roles
from turnpike.control.rights.policy import everything
from turnpike.control.services import ControlServices

ROLES = "/api/v1/roles"
USERS = "/api/v1/users"
KEYS = "/api/v1/keys"
ISSUERS = "/api/v1/auth/issuers"
AUDITOR = {"view_audit": "all_data", "view_analytics": "all_data"}


async def _department(operator: Api, name: str) -> str:
    return (await operator.data("POST", "/api/v1/departments", {"name": name}))["id"]


async def test_a_role_is_made_shown_changed_and_taken_away(operator: Api) -> None:
    made = await operator.data("PUT", f"{ROLES}/auditor", {"permissions": AUDITOR, "description": "reads"})
    assert (made["name"], made["built_in"], made["permissions"]) == (
        "auditor",
        False,
        dict(sorted(AUDITOR.items())[::-1]),
    )
    listed = await operator.data("GET", ROLES)
    assert [row["name"] for row in listed] == ["user", "department_admin", "admin", "super_admin", "auditor"]
    assert await operator.data("GET", ROLES, params={"search": "audit"}) == [made]
    changed = await operator.data("PUT", f"{ROLES}/auditor", {"permissions": {"view_audit": "all_data"}})
    assert (changed["permissions"], changed["description"]) == ({"view_audit": "all_data"}, None)
    assert await operator.data("GET", f"{ROLES}/auditor") == changed
    await operator.data("DELETE", f"{ROLES}/auditor")
    assert (await operator.get(f"{ROLES}/auditor")).status_code == 404
    entries = await operator.data("GET", "/api/v1/audit", params={"action": "role.*"})
    assert [entry["action"] for entry in entries] == ["role.delete", "role.update", "role.update"]
    assert {entry["object_id"] for entry in entries} == {"auditor"}


async def test_all_permissions_are_listed_with_what_they_mean(operator: Api) -> None:
    listed = await operator.data("GET", f"{ROLES}/permissions")
    assert {"chat", "view_analytics", "manage_assistants"} <= {row["name"] for row in listed}
    assert all(row["description"] for row in listed)


@pytest.mark.parametrize(
    "permissions",
    [{"fly": "all_data"}, {"chat": "everything"}, {"manage_providers": "own_data"}, {"chat": 3}, ["chat"], None],
)
async def test_a_role_of_other_permissions_is_refused(operator: Api, permissions: Any) -> None:
    answer = await operator.put(f"{ROLES}/odd", {"permissions": permissions})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "INVALID_REQUEST")


@pytest.mark.parametrize("name", ["user", "admin", "super_admin"])
async def test_the_four_roles_stay_as_they_are(operator: Api, name: str) -> None:
    assert (await operator.put(f"{ROLES}/{name}", {"permissions": {"chat": "own_data"}})).status_code == 403
    assert (await operator.delete(f"{ROLES}/{name}")).status_code == 403


async def test_a_role_opens_what_it_names_and_nothing_else(operator: Api, services: ControlServices) -> None:
    await operator.data("PUT", f"{ROLES}/auditor", {"permissions": AUDITOR})
    async with caller_with(operator, services, "auditor") as (auditor, user_id):
        me = await auditor.data("GET", "/api/v1/auth/me")
        assert (me["user_id"], me["role"], me["permissions"]) == (user_id, "auditor", me["permissions"] | AUDITOR)
        for path in ("/api/v1/audit", "/api/v1/ledger"):
            assert (await auditor.get(path)).status_code == 200
        for path in (USERS, KEYS, ROLES, "/api/v1/policies", "/api/v1/routes", "/api/v1/audit/verify"):
            answer = await auditor.get(path)
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "SCOPE_MISSING"), path


async def test_a_role_in_use_is_not_taken_away(operator: Api) -> None:
    await operator.data("PUT", f"{ROLES}/auditor", {"permissions": AUDITOR})
    user = await make_user(operator, "auditor")
    refused = await operator.delete(f"{ROLES}/auditor")
    assert (refused.status_code, refused.json()["error"]["details"]["users"]) == (409, 1)
    await operator.data("PATCH", f"{USERS}/{user}", {"role": "user"})
    assert (await operator.delete(f"{ROLES}/auditor")).status_code == 200


async def test_a_role_that_is_not_there_is_given_to_nobody(operator: Api) -> None:
    for method, path, body in (
        ("POST", USERS, {"display_name": "x", "role": "wizard"}),
        ("POST", KEYS, {"name": "k", "role": "wizard"}),
    ):
        answer = await operator.call(method, path, body)
        assert (answer.status_code, answer.json()["error"]["details"]) == (400, {"param": "role"})


# ---- nobody gains


async def test_nobody_raises_their_own_rights(operator: Api, services: ControlServices) -> None:
    lead = {"manage_users": "all_data", "view_users": "all_data", "manage_roles": "all_data", "chat": "own_data"}
    await operator.data("PUT", f"{ROLES}/lead", {"permissions": lead})
    async with caller_with(operator, services, "lead") as (caller, user_id):
        for role in ("admin", "super_admin", "department_admin"):
            assert (await caller.patch(f"{USERS}/{user_id}", {"role": role})).status_code == 403
            assert (await caller.post(USERS, {"display_name": "x", "role": role})).status_code == 403
        assert (await caller.patch(f"{USERS}/{user_id}", {"role": "user"})).status_code == 403, "not even down"
        for more in ({**lead, "manage_keys": "all_data"}, {**lead, "chat": "department_data"}):
            assert (await caller.put(f"{ROLES}/lead", {"permissions": more})).status_code == 403
            assert (await caller.put(f"{ROLES}/other", {"permissions": more})).status_code == 403
        less = {"view_users": "own_data"}
        assert (await caller.put(f"{ROLES}/other", {"permissions": less})).status_code == 200
        assert (await caller.post(USERS, {"display_name": "x", "role": "other"})).status_code == 201


async def test_a_user_changes_nobodys_role(operator: Api, services: ControlServices) -> None:
    async with caller_with(operator, services, "user") as (caller, user_id):
        for body in ({"role": "admin"}, {"department_id": None}, {"display_name": "x"}):
            assert (await caller.patch(f"{USERS}/{user_id}", body)).status_code == 403


async def test_a_department_admin_stays_in_the_department(operator: Api, services: ControlServices) -> None:
    here, there = await _department(operator, "here"), await _department(operator, "there")
    stranger = await make_user(operator, department_id=there)
    above = await make_user(operator, "admin", department_id=here)
    async with caller_with(operator, services, "department_admin", department_id=here) as (caller, user_id):
        made = await caller.data("POST", USERS, {"display_name": "new"})
        assert made["department_id"] == here, "nowhere else, said or not"
        assert (await caller.post(USERS, {"display_name": "x", "department_id": there})).status_code == 400
        moves = [
            (made["id"], {"department_id": there}, 400),
            (made["id"], {"department_id": None}, 403),
            (made["id"], {"role": "admin"}, 403),
            (user_id, {"department_id": there}, 400),
            (user_id, {"role": "admin"}, 403),
            (stranger, {"department_id": here}, 404),
            (stranger, {"display_name": "x"}, 404),
            (above, {"display_name": "x"}, 403),
            (made["id"], {"role": "department_admin"}, 200),
        ]
        for target, body, status in moves:
            answer = await caller.patch(f"{USERS}/{target}", body)
            assert answer.status_code in {status, 403 if target == user_id else status}, (target, body, answer.text)
        links = "/api/v1/auth/links"
        assert (await caller.post(links, {"user_id": stranger})).status_code == 404
        assert (await caller.post(links, {"user_id": above})).status_code == 403
        assert [row["id"] for row in await caller.data("GET", "/api/v1/departments")] == [here]
        assert (await caller.get(f"/api/v1/departments/{there}")).status_code == 404
        assert (await caller.patch(f"/api/v1/departments/{here}", {"name": "mine"})).status_code == 403


async def test_an_issuers_rules_name_roles_that_are_there(operator: Api, services: ControlServices) -> None:
    await operator.data("PUT", f"{ROLES}/auditor", {"permissions": AUDITOR})
    await operator.data("PUT", f"{ROLES}/keeper", {"permissions": {"manage_issuers": "all_data"}})

    def issuer(role: str, slug: str) -> dict[str, Any]:
        rules = [{"value": "group-1", "role": role}]
        known = {"slug": slug, "name": slug, "issuer": "https://idp.example.com", "client_id": "c"}
        return {**known, "config": {"rules": rules}}

    assert (await operator.post(ISSUERS, issuer("wizard", "a"))).status_code == 400
    async with caller_with(operator, services, "keeper") as (keeper, _):
        assert (await keeper.post(ISSUERS, issuer("auditor", "b"))).status_code == 403, "who is none, gives none"
    assert (await operator.post(ISSUERS, issuer("auditor", "c"))).status_code == 201
    refused = await operator.delete(f"{ROLES}/auditor")
    assert (refused.status_code, refused.json()["error"]["details"]["issuers"]) == (409, ["c"])
    user_id = await make_user(operator)
    async with services.database.write() as session:
        row = await identity.get_user(session, everything("a test"), user_id)
        given = {"role": await roles.highest(session, ["user", "auditor", "gone"])}
        assert await identity.apply_mapping(session, row, given) is None
    assert (await operator.data("GET", f"{USERS}/{user_id}"))["role"] == "auditor"


# ---- keys


async def test_a_key_grants_no_more_than_its_owner_has(operator: Api, services: ControlServices) -> None:
    user = await make_user(operator)
    for body in ({"role": "department_admin"}, {"role": "admin"}, {"scopes": ["admin"]}, {"scopes": ["cluster:read"]}):
        answer = await operator.post(KEYS, {"name": "k", "user_id": user, **body})
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "SCOPE_MISSING"), body
    admin = await make_user(operator, "admin")
    made = await make_key(operator, user_id=admin, role="admin", scopes=[])
    assert made["role"] == "admin"
    async with api(services, made["key"]) as caller:
        assert (await caller.get(USERS)).status_code == 200
        await operator.data("PATCH", f"{USERS}/{admin}", {"role": "user"})
        assert (await caller.get(USERS)).status_code == 403
    both = await operator.post(KEYS, {"name": "k", "role": "admin", "scopes": ["admin"]})
    assert both.status_code == 400, "a role, or the scope that says it all"


async def test_people_look_after_their_own_keys(operator: Api, services: ControlServices) -> None:
    other = await make_key(operator, user_id=await make_user(operator))
    async with caller_with(operator, services, "user", DEFAULT_SCOPES) as (caller, user_id):
        made = await caller.data("POST", KEYS, {"name": "mine", "scopes": ["inference:text"]})
        assert made["user_id"] == user_id
        assert other["id"] not in {row["id"] for row in await caller.data("GET", KEYS)}
        beyond: list[tuple[str, dict[str, Any], int]] = [
            ("", {"name": "k", "user_id": other["user_id"]}, 404),
            ("", {"name": "k", "role": "admin"}, 403),
            ("", {"name": "k", "scopes": ["admin"]}, 403),
            ("", {"name": "k", "tier": "gold"}, 400),
            (f"/{other['id']}/rotate", {}, 404),
            (f"/{other['id']}/claim", {}, 404),
        ]
        for path, body, status in beyond:
            answer = await caller.post(KEYS + path, body)
            assert answer.status_code == status, (path, body, answer.text)
        await operator.data("PUT", "/api/v1/tiers/gold")
        assert (await caller.post(KEYS, {"name": "k", "tier": "gold"})).status_code == 403
        assert (await caller.patch(f"{KEYS}/{made['id']}", {"tier": "gold"})).status_code == 403
        assert (await caller.delete(f"{KEYS}/{other['id']}")).status_code == 404
        assert (await caller.delete(f"{KEYS}/{made['id']}")).status_code == 200


async def test_a_life_beyond_the_setting_is_for_who_manages_all_keys(operator: Api, services: ControlServices) -> None:
    async with caller_with(operator, services, "user", DEFAULT_SCOPES) as (caller, user_id):
        services.settings = services.settings.model_copy(update={"api_key_lifetime_days": 30})
        for end in (None, "2099-01-01T00:00:00Z"):
            assert (await caller.post(KEYS, {"name": "k", "expires_at": end})).status_code == 403
        assert (await caller.post(KEYS, {"name": "k"})).status_code == 201
        assert (await operator.post(KEYS, {"name": "k", "user_id": user_id, "expires_at": None})).status_code == 201


async def test_a_key_without_a_role_makes_no_keys(operator: Api, services: ControlServices) -> None:
    made = await make_key(operator, user_id=await make_user(operator))
    async with api(services, made["key"]) as caller:
        assert (await caller.get(KEYS)).status_code == 403
        assert (await caller.post(KEYS, {"name": "k"})).status_code == 403


# ---- what erases takes what erasing takes


async def test_how_long_the_audit_log_is_kept_is_for_who_may_erase_it(operator: Api, services: ControlServices) -> None:
    async with caller_with(operator, services, "admin") as (admin, _):
        for name in ("audit_retention_days", "audit_personal_days"):
            path = f"/api/v1/settings/{name}"
            refused = await admin.put(path, {"value": 1})
            assert (refused.status_code, refused.json()["error"]["details"]) == (403, {"needed": ["erase_audit"]})
            assert (await operator.put(path, {"value": 400})).status_code == 200
            assert (await admin.delete(path)).status_code == 403, "the environment's may be shorter"
            assert (await operator.data("GET", path))["value"] == 400
        assert (await admin.put("/api/v1/settings/api_key_lifetime_days", {"value": 30})).status_code == 200
