"""SCIM 2.0 as RFC 7643 and RFC 7644 have it: resources, filters, paging, versions, errors, and what tokens may."""

from typing import Any

from tests.support.control import Api, api, make_key, make_user
from turnpike.control.services import ControlServices

USERS = "/scim/v2/Users"
GROUPS = "/scim/v2/Groups"
CORE = "urn:ietf:params:scim:schemas:core:2.0"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


def body_of(user_name: str, **values: Any) -> dict[str, Any]:
    return {"schemas": [f"{CORE}:User"], "userName": user_name, **values}


async def add(scim: Api, user_name: str, **values: Any) -> dict[str, Any]:
    answer = await scim.post(USERS, body_of(user_name, **values))
    assert answer.status_code == 201, answer.text
    return answer.json()


async def patch(scim: Api, path: str, *operations: dict[str, Any]) -> Any:
    return await scim.patch(path, {"schemas": [PATCH], "Operations": list(operations)})


async def found(scim: Api, text: str, **params: Any) -> list[str]:
    answer = await scim.get(USERS, params={"filter": text, **params})
    assert answer.status_code == 200, answer.text
    return sorted(row["userName"] for row in answer.json().get("Resources", []))


async def test_somebody_is_provisioned_read_replaced_and_deleted(scim: Api, operator: Api) -> None:
    made = await add(
        scim, "Ada@Example.com", name={"givenName": "Ada", "familyName": "Lovelace"}, externalId="x-1",
        emails=[{"value": "Ada@Example.com", "type": "work", "primary": True}],
    )  # fmt: skip
    assert made["meta"]["location"].endswith(f"{USERS}/{made['id']}")
    user = await operator.data("GET", f"/api/v1/users/{made['id']}")
    assert (user["display_name"], user["email"], user["ext_subject"]) == ("Ada Lovelace", "ada@example.com", "x-1")
    assert (await scim.get(f"{USERS}/{made['id']}")).json() == made
    replaced = await scim.put(f"{USERS}/{made['id']}", body_of("ada", displayName="Countess", active=True))
    assert replaced.json()["displayName"] == "Countess"
    assert "emails" not in replaced.json()
    await scim.put(f"{USERS}/{made['id']}", body_of("ada", active=False))
    assert (await scim.put(f"{USERS}/{made['id']}", body_of("ada"))).json()["active"] is False
    assert (await scim.delete(f"{USERS}/{made['id']}")).status_code == 204
    gone = await scim.get(f"{USERS}/{made['id']}")
    assert (gone.status_code, gone.json()["schemas"]) == (404, ["urn:ietf:params:scim:api:messages:2.0:Error"])
    again = await add(scim, "ada", externalId="x-1")
    assert again["id"] != made["id"], "somebody else of the same name is somebody else"
    assert (await operator.data("GET", f"/api/v1/users/{made['id']}"))["is_active"] is False


async def test_people_who_were_here_before_are_found_and_taken_over(scim: Api, operator: Api) -> None:
    user = await make_user(operator, email="grace@example.com", display_name="Grace")
    assert await found(scim, 'userName eq "GRACE@example.com"') == ["grace@example.com"]
    answer = await scim.post(USERS, body_of("grace@example.com"))
    assert (answer.status_code, answer.json()["scimType"]) == (409, "uniqueness")
    changed = await patch(scim, f"{USERS}/{user}", {"op": "replace", "path": "externalId", "value": "g-1"})
    assert changed.status_code == 200, changed.text
    assert (changed.json()["externalId"], changed.json()["userName"]) == ("g-1", "grace@example.com")


FILTERS = [
    ('userName eq "ADA@example.com"', ["ada@example.com"]),
    ('userName ne "ada@example.com"', ["bob", "Zoë"]),
    ('userName co "O"', ["bob", "Zoë", "ada@example.com"]),
    ('userName co "zo"', ["Zoë"]),
    ('userName eq "ZOË"', ["Zoë"]),
    ('userName sw "b" or externalId eq "e-1"', ["ada@example.com", "bob"]),
    ('userName ew "ob"', ["bob"]),
    ("externalId pr", ["ada@example.com"]),
    ("not (externalId pr)", ["bob", "Zoë"]),
    ("active eq false", ["bob"]),
    ('emails[type eq "work" and value co "example"]', ["ada@example.com"]),
    ('emails.value eq "ada@example.com"', ["ada@example.com"]),
    ('name.familyName eq "lovelace" and active eq true', ["ada@example.com"]),
    ('(userName eq "bob" or userName eq "Zoë") and not (active eq false)', ["Zoë"]),
    ('meta.created gt "2020-01-01T00:00:00Z"', ["bob", "Zoë", "ada@example.com"]),
    ('meta.lastModified lt "2020-01-01T00:00:00Z"', []),
    ('userName ge "bob" and userName le "bob"', ["bob"]),
    ('userName co "%"', []),
    ('displayName eq "100%"', ["bob"]),
]
"""Each with whom it finds."""
NO_FILTERS = ("userName", 'userName xx "a"', "userName eq", "password eq 1", 'active gt "x"', "((")


async def test_filters_find_whom_they_describe(scim: Api) -> None:
    work = {"value": "ada@example.com", "type": "work", "primary": True}
    await add(scim, "ada@example.com", externalId="e-1", emails=[work], name={"familyName": "Lovelace"})
    await add(scim, "bob", active=False, displayName="100%")
    await add(scim, "Zoë")
    for text, names in FILTERS:
        # The administrator of every gateway is a person too.
        mine = [name for name in await found(scim, text) if name in ("ada@example.com", "bob", "Zoë")]
        assert mine == sorted(names), text
    for text in NO_FILTERS:
        answer = await scim.get(USERS, params={"filter": text})
        assert (answer.status_code, answer.json()["scimType"]) == (400, "invalidFilter"), answer.text


async def test_lists_have_pages_and_an_order(scim: Api) -> None:
    for name in ("c", "a", "b"):
        await add(scim, f"{name}.page")
    ask = {"filter": 'userName ew ".page"', "sortBy": "userName", "count": 2}
    first = (await scim.get(USERS, params=ask)).json()
    assert [row["userName"] for row in first["Resources"]] == ["a.page", "b.page"]
    assert (first["totalResults"], first["startIndex"], first["itemsPerPage"]) == (3, 1, 2)
    last = (await scim.get(USERS, params={**ask, "startIndex": 3})).json()
    assert [row["userName"] for row in last["Resources"]] == ["c.page"]
    down = (await scim.get(USERS, params={**ask, "sortOrder": "descending", "count": 1})).json()
    assert [row["userName"] for row in down["Resources"]] == ["c.page"]
    whole = (await scim.get(USERS, params={"startIndex": 2, "count": 2})).json()
    assert (whole["totalResults"], len(whole["Resources"])) == (4, 2)
    assert (await scim.get(USERS, params={"count": 0})).json()["totalResults"] == 4
    few = (await scim.get(USERS, params={**ask, "attributes": "userName"})).json()["Resources"][0]
    assert set(few) == {"schemas", "id", "userName"}
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": 'userName eq "a.page"'}
    assert (await scim.post(f"{USERS}/.search", body)).json()["totalResults"] == 1


async def test_versions_keep_one_change_from_undoing_another(scim: Api) -> None:
    made = await add(scim, "ada")
    version = made["meta"]["version"]
    seen = await scim.get(f"{USERS}/{made['id']}", headers={"if-none-match": version})
    assert seen.status_code == 304
    body = body_of("ada", displayName="A")
    first = await scim.call("PUT", f"{USERS}/{made['id']}", body, headers={"if-match": version})
    assert first.status_code == 200
    assert first.headers["etag"] != version
    second = await scim.call("PUT", f"{USERS}/{made['id']}", body, headers={"if-match": version})
    assert second.status_code == 412


async def test_what_the_server_says_of_itself(scim: Api, stranger: Api) -> None:
    config = (await stranger.get("/scim/v2/ServiceProviderConfig")).json()
    supported = {name: config[name]["supported"] for name in ("patch", "bulk", "filter", "sort", "etag")}
    assert supported == {"patch": True, "bulk": False, "filter": True, "sort": True, "etag": True}
    types = (await scim.get("/scim/v2/ResourceTypes")).json()["Resources"]
    assert {row["endpoint"] for row in types} == {"/Users", "/Groups"}
    assert (await scim.get(f"/scim/v2/Schemas/{CORE}:User")).json()["id"] == f"{CORE}:User"
    assert (await scim.post("/scim/v2/Bulk", {"Operations": []})).status_code == 501
    assert (await scim.get("/scim/v2/Me")).status_code == 501
    assert (await scim.get("/scim/v2/Nothing")).status_code == 404
    assert (await scim.call("DELETE", "/scim/v2/Users")).status_code == 405


# ---- who may


async def test_a_token_is_for_scim_alone_and_nothing_else_is_for_scim(
    services: ControlServices, operator: Api, stranger: Api, scim: Api
) -> None:
    assert (await scim.get("/api/v1/users")).status_code == 401
    assert (await stranger.get(USERS)).status_code == 401
    key = await make_key(operator, scopes=["admin"])
    async with api(services, key["key"]) as admin:
        answer = await admin.get(USERS)
        assert (answer.status_code, answer.headers["content-type"]) == (401, "application/scim+json")
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert (await operator.get(USERS)).status_code == 401, "not for the operator either"


async def test_a_revoked_or_expired_token_is_none(operator: Api, scim: Api) -> None:
    assert (await scim.get(USERS)).status_code == 200
    (token,) = await operator.data("GET", "/api/v1/scim/tokens")
    assert (token["status"], token["last_used_at"] is not None) == ("active", True)
    await operator.data("DELETE", f"/api/v1/scim/tokens/{token['id']}")
    assert (await scim.get(USERS)).status_code == 401
    past = {"name": "x", "expires_at": "2020-01-01T00:00:00Z"}
    assert (await operator.post("/api/v1/scim/tokens", past)).status_code == 400


async def test_nobody_above_its_maker_is_touched(services: ControlServices, operator: Api, stranger: Api) -> None:
    root = (await operator.data("GET", "/api/v1/users", params={"role": "super_admin"}))[0]["id"]
    key = await make_key(operator, user_id=await make_user(operator, "admin"), scopes=["admin"])
    async with api(services, key["key"]) as admin:
        made = await admin.data("POST", "/api/v1/scim/tokens", {"name": "mine"})
        mapping = {"group": "Root", "role": "super_admin"}
        assert (await admin.post("/api/v1/scim/mappings", mapping)).status_code == 403
    assert made["role"] == "admin"
    await operator.data("POST", "/api/v1/scim/mappings", mapping)
    stranger.http.headers["authorization"] = f"Bearer {made['token']}"
    assert (await patch(stranger, f"{USERS}/{root}", {"op": "replace", "value": {"active": False}})).status_code == 403
    assert (await stranger.delete(f"{USERS}/{root}")).status_code == 403
    eve = await add(stranger, "eve")
    group = {"schemas": [f"{CORE}:Group"], "displayName": "Root", "members": [{"value": eve["id"]}]}
    assert (await stranger.post(GROUPS, group)).status_code == 403
    assert (await operator.data("GET", f"/api/v1/users/{eve['id']}"))["role"] == "user"
    assert (await scim_groups(stranger)) == [], "and nothing of it is there"


async def scim_groups(scim: Api) -> list[dict[str, Any]]:
    return (await scim.get(GROUPS)).json().get("Resources", [])


async def test_the_last_super_admin_is_neither_switched_off_nor_deleted(scim: Api, operator: Api) -> None:
    root = (await operator.data("GET", "/api/v1/users", params={"role": "super_admin"}))[0]["id"]
    answer = await patch(scim, f"{USERS}/{root}", {"op": "replace", "value": {"active": False}})
    assert (answer.status_code, "super admin" in answer.json()["detail"]) == (409, True)
    assert (await scim.delete(f"{USERS}/{root}")).status_code == 409


async def test_changes_are_in_the_audit_log_with_personal_data_apart(scim: Api, operator: Api) -> None:
    made = await add(scim, "ada@example.com")
    entries = await operator.data("GET", "/api/v1/audit", params={"object_id": made["id"]})
    entries += await operator.data("GET", "/api/v1/audit", params={"actor": "scim"})
    assert entries[0]["action"] == "user.create"
    chained = str([entry["changes"] for entry in entries])
    assert "ada" not in chained


# ---- groups


async def test_groups_give_roles_and_departments(scim: Api, operator: Api) -> None:
    department = await operator.data("POST", "/api/v1/departments", {"name": "Research"})
    mapping = await operator.data("POST", "/api/v1/scim/mappings", {"group": "Admins", "role": "admin"})
    await operator.data("POST", "/api/v1/scim/mappings", {"group": "research", "department_id": department["id"]})
    ada, bob = await add(scim, "ada"), await add(scim, "bob")

    async def now(person: dict[str, Any]) -> tuple[str, str | None]:
        user = await operator.data("GET", f"/api/v1/users/{person['id']}")
        return user["role"], user["department_id"]

    body = {"schemas": [f"{CORE}:Group"], "displayName": "ADMINS", "members": [{"value": ada["id"]}]}
    admins = (await scim.post(GROUPS, body)).json()
    body = {"schemas": [f"{CORE}:Group"], "displayName": "Research"}
    research = (await scim.post(GROUPS, body)).json()
    assert await now(ada) == ("admin", None)
    added = {"op": "add", "path": "members", "value": [{"value": ada["id"]}, {"value": bob["id"]}]}
    assert (await patch(scim, f"{GROUPS}/{research['id']}", added)).status_code == 200
    assert (await now(ada), await now(bob)) == (("admin", department["id"]), ("user", department["id"]))
    seen = (await scim.get(f"{USERS}/{ada['id']}")).json()["groups"]
    assert {group["display"] for group in seen} == {"ADMINS", "Research"}
    names = [
        row["displayName"]
        for row in (await scim.get(GROUPS, params={"filter": 'displayName eq "admins"'})).json()["Resources"]
    ]
    assert names == ["ADMINS"]
    which = {"filter": f'id eq "{research["id"]}" and members eq "{bob["id"]}"', "attributes": "id"}
    assert (await scim.get(GROUPS, params=which)).json()["totalResults"] == 1
    few = await scim.get(f"{GROUPS}/{research['id']}", params={"excludedAttributes": "members"})
    assert "members" not in few.json()
    gone = {"op": "remove", "path": f'members[value eq "{ada["id"]}"]'}
    assert (await patch(scim, f"{GROUPS}/{admins['id']}", gone)).status_code == 200
    assert await now(ada) == ("user", department["id"])
    await patch(scim, f"{GROUPS}/{admins['id']}", {"op": "replace", "path": "members", "value": [{"value": bob["id"]}]})
    assert (await now(bob))[0] == "admin"
    await operator.data("DELETE", f"/api/v1/scim/mappings/{mapping['id']}")
    assert (await now(bob))[0] == "user"
    assert (await scim.delete(f"{GROUPS}/{research['id']}")).status_code == 204
    unknown = {"schemas": [f"{CORE}:Group"], "displayName": "x", "members": [{"value": "nobody"}]}
    assert (await scim.post(GROUPS, unknown)).json()["scimType"] == "invalidValue"


# ---- what a narrow key makes


async def test_a_key_gives_no_more_than_it_has(services: ControlServices, operator: Api, scim: Api) -> None:
    await operator.data(
        "PUT",
        "/api/v1/roles/provisioner",
        {"permissions": {"manage_provisioning": "all_data", "manage_users": "all_data"}},
    )
    root = (await operator.data("GET", "/api/v1/users", params={"role": "super_admin"}))[0]["id"]
    key = await make_key(operator, user_id=root, role="provisioner", scopes=[])
    admin = await make_user(operator, "admin", email="admin@example.com")
    ada = await add(scim, "ada")
    for person in (admin, ada["id"]):
        body = {"schemas": [f"{CORE}:Group"], "displayName": f"of {person}", "members": [{"value": person}]}
        assert (await scim.post(GROUPS, body)).status_code == 201
    department = await operator.data("POST", "/api/v1/departments", {"name": "Research"})
    async with api(services, key["key"]) as narrow:
        assert (await narrow.post("/api/v1/scim/tokens", {"name": "t"})).status_code == 403
        beyond: list[tuple[str, dict[str, Any]]] = [
            ("/scim/mappings", {"group": f"of {admin}", "department_id": department["id"]}),
            ("/scim/mappings", {"group": f"of {ada['id']}", "role": "admin"}),
            ("/invitations", {"email": "new@example.com", "role": "admin"}),
            ("/auth/links", {"user_id": admin}),
            ("/auth/links", {"user_id": root}),
        ]
        for path, body in beyond:
            assert (await narrow.post(f"/api/v1{path}", body)).status_code == 403, (path, body)
        assert (await narrow.get("/api/v1/keys")).status_code == 403
        within = {"group": f"of {ada['id']}", "department_id": department["id"]}
        assert (await narrow.post("/api/v1/scim/mappings", within)).status_code == 201
    assert (await operator.data("GET", f"/api/v1/users/{admin}"))["department_id"] is None
    assert (await operator.data("GET", f"/api/v1/users/{ada['id']}"))["department_id"] == department["id"]


async def test_nobody_moves_themselves_by_a_mapping(services: ControlServices, operator: Api, scim: Api) -> None:
    department = await operator.data("POST", "/api/v1/departments", {"name": "Research"})
    rights = {"manage_provisioning": "all_data", "view_users": "department_data"}
    await operator.data("PUT", "/api/v1/roles/provisioner", {"permissions": rights})
    clerk = await make_user(operator, "provisioner")
    key = await make_key(operator, user_id=clerk, role="provisioner", scopes=[])
    body = {"schemas": [f"{CORE}:Group"], "displayName": "Clerks", "members": [{"value": clerk}]}
    assert (await scim.post(GROUPS, body)).status_code == 201
    async with api(services, key["key"]) as caller:
        mapping = {"group": "Clerks", "department_id": department["id"]}
        assert (await caller.post("/api/v1/scim/mappings", mapping)).status_code == 403
