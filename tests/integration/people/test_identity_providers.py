"""What identity providers really send, and what a checker of the RFCs finds."""

import asyncio

import httpx2
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import CheckResult, Status, check_server

from tests.integration.people.test_scim import CORE, GROUPS, USERS, add, patch
from tests.support.control import BASE, Api

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


class Bridge(httpx2.BaseTransport):
    """Carries what a client of another thread asks to the application in this one's loop."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self._http = http
        self._loop = asyncio.get_running_loop()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        headers = {name: value for name, value in request.headers.items() if name not in ("host", "content-length")}
        asked = self._http.request(request.method, str(request.url), content=request.read(), headers=headers)
        answer = asyncio.run_coroutine_threadsafe(asked, self._loop).result(30)
        return httpx2.Response(answer.status_code, headers=dict(answer.headers), content=answer.content)


async def test_entra_id(scim: Api) -> None:
    """As "Develop and plan provisioning for a SCIM endpoint in Microsoft Entra ID" shows it, old and new ways."""
    nobody = await scim.get(USERS, params={"filter": 'userName eq "Test_User_ab6490ee"'})
    assert (nobody.status_code, nobody.json()["totalResults"]) == (200, 0)
    made = (
        await scim.post(
            USERS,
            {
                "schemas": [f"{CORE}:User", ENTERPRISE],
                "externalId": "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",
                "userName": "Test_User_ab6490ee",
                "active": True,
                "emails": [{"primary": True, "type": "work", "value": "Test_User@testuser.com"}],
                "meta": {"resourceType": "User"},
                "name": {"formatted": "givenName familyName", "familyName": "familyName", "givenName": "givenName"},
                "roles": [],
                ENTERPRISE: {"department": "bob", "manager": {"value": "1"}},
            },
        )
    ).json()
    path = f"{USERS}/{made['id']}"
    changed = await patch(
        scim, path,
        {"op": "Replace", "path": "active", "value": "False"},
        {"op": "Add", "path": 'emails[type eq "home"].value', "value": "home@testuser.com"},
        {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "updated@testuser.com"},
        {"op": "Replace", "path": "name.familyName", "value": "updatedFamilyName"},
        {"op": "Add", "path": f"{ENTERPRISE}:department", "value": "x"},
        {"op": "Add", "path": "title", "value": "not kept here"},
    )  # fmt: skip
    assert changed.status_code == 200, changed.text
    seen = changed.json()
    assert (seen["active"], seen["name"]["familyName"]) == (False, "updatedFamilyName")
    assert {each["type"]: each["value"] for each in seen["emails"]} == {
        "work": "updated@testuser.com", "home": "home@testuser.com",
    }  # fmt: skip
    at_once = {"op": "Replace", "value": {"active": "True", "displayName": "lNVK", "name.givenName": "new"}}
    seen = (await patch(scim, path, at_once)).json()
    assert (seen["active"], seen["displayName"], seen["name"]["givenName"]) == (True, "lNVK", "new")
    group = {"schemas": [f"{CORE}:Group", "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
             "externalId": "8aa1a0c0", "displayName": "displayName", "members": [],
             "meta": {"resourceType": "Group"}}  # fmt: skip
    made_group = await scim.post(GROUPS, group)
    assert made_group.status_code == 201, made_group.text
    place = f"{GROUPS}/{made_group.json()['id']}"
    added = await patch(scim, place, {"op": "Add", "path": "members", "value": [{"$ref": None, "value": made["id"]}]})
    assert added.status_code in (200, 204), added.text
    assert [each["value"] for each in (await scim.get(place)).json()["members"]] == [made["id"]]
    gone = await patch(scim, place, {"op": "Remove", "path": "members", "value": [{"value": made["id"]}]})
    assert gone.status_code in (200, 204), gone.text
    assert "members" not in (await scim.get(place)).json()
    renamed = await patch(scim, place, {"op": "Replace", "path": "displayName", "value": "1879db59"})
    assert renamed.json()["displayName"] == "1879db59"


async def test_okta(scim: Api) -> None:
    """As Okta's "SCIM 2.0 protocol reference" shows it."""
    body = {
        "schemas": [f"{CORE}:User"], "userName": "test.user@okta.local",
        "name": {"givenName": "Test", "familyName": "User"},
        "emails": [{"primary": True, "value": "test.user@okta.local", "type": "work"}],
        "displayName": "Test User", "locale": "en-US", "externalId": "00ujl29u0le5T6Aj10h7",
        "groups": [], "password": "1mz050nq", "active": True,
    }  # fmt: skip
    made = await scim.post(USERS, body)
    assert made.status_code == 201, made.text
    assert "password" not in made.json()
    path = f"{USERS}/{made.json()['id']}"
    whole = {**made.json(), "name": {"givenName": "Another", "familyName": "User"}, "displayName": "Another User"}
    assert (await scim.put(path, whole)).json()["displayName"] == "Another User"
    off = await patch(scim, path, {"op": "replace", "value": {"active": False}})
    assert off.json()["active"] is False
    listed = (await scim.get(USERS, params={"startIndex": 1, "count": 100})).json()
    assert listed["totalResults"] == 2
    group = (
        await scim.post(GROUPS, {"schemas": [f"{CORE}:Group"], "displayName": "Test SCIMv2", "members": []})
    ).json()
    other = await add(scim, "second@okta.local")
    place = f"{GROUPS}/{group['id']}"
    members = [{"value": made.json()["id"], "display": "test.user@okta.local"}]
    renamed = await patch(
        scim, place,
        {"op": "replace", "value": {"id": group["id"], "displayName": "Test SCIMv2 renamed"}},
        {"op": "add", "path": "members", "value": members},
    )  # fmt: skip
    assert renamed.status_code == 200, renamed.text
    drop = {"op": "remove", "path": f'members[value eq "{made.json()["id"]}"]'}
    swapped = await patch(scim, place, drop, {"op": "add", "path": "members", "value": [{"value": other["id"]}]})
    assert swapped.status_code == 200, swapped.text
    seen = (await scim.get(place)).json()
    assert (seen["displayName"], [each["value"] for each in seen["members"]]) == ("Test SCIMv2 renamed", [other["id"]])


async def test_a_checker_of_the_rfcs_finds_nothing_wrong(scim: Api) -> None:
    def check() -> list[CheckResult]:
        with httpx2.Client(base_url=f"{BASE}/scim/v2", transport=bridge, trust_env=False) as http:
            client = SyncSCIMClient(http)
            client.discover()
            return check_server(client)

    bridge = Bridge(scim.http)
    results = await asyncio.to_thread(check)
    bad = [result for result in results if result.status in (Status.ERROR, Status.CRITICAL)]
    # Whoever is not said to be inactive is active: there is no person without an answer to that.
    bad = [result for result in bad if result.reason != "PATCH modify() did not remove attribute 'active'"]
    assert not bad, "\n".join(f"{result.title}: {result.reason}" for result in bad)
    assert len(results) > 30
