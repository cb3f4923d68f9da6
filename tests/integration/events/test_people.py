"""Every way by which somebody comes or is moved is told of as an event."""

from typing import Any

from sqlalchemy import select

from tests.support.control import Api, make_user
from tests.support.people import PASSWORD, browser
from turnpike.control.db.models import EventRow
from turnpike.control.services import ControlServices

CORE = "urn:ietf:params:scim:schemas:core:2.0"
DEPARTMENTS = "/api/v1/departments"
TYPES = {"user.created", "user.department_changed"}


async def told(services: ControlServices, user_id: str) -> list[tuple[str, Any]]:
    """What was told of somebody's coming and moving, in order: the type, and the department by then."""
    async with services.database.read() as session:
        rows = await session.scalars(select(EventRow).where(EventRow.user_id == user_id).order_by(EventRow.id))
        return [
            (row.type, row.department_id) for row in rows if row.type in {"user.created", "user.department_changed"}
        ]


async def test_who_comes_by_scim_an_invitation_or_by_hand_is_told_of(services: ControlServices, operator: Api) -> None:
    by_hand = await make_user(operator)
    made = await operator.data("POST", "/api/v1/scim/tokens", {"name": "Entra ID"})
    headers = {"authorization": f"Bearer {made['token']}", "content-type": "application/scim+json"}
    async with browser(services, **headers) as scim:
        answer = await scim.post("/scim/v2/Users", {"schemas": [f"{CORE}:User"], "userName": "ada"})
        provisioned = answer.json()["id"]
    invitation = await operator.data("POST", "/api/v1/invitations", {"email": "ada@example.com"})
    async with browser(services) as person:
        use = {"token": invitation["path"].partition("#")[2], "password": PASSWORD, "mode": "token"}
        invited = (await person.data("POST", "/api/v1/invitations/accept", use))["user_id"]
    for user_id in (by_hand, provisioned, invited):
        assert await told(services, user_id) == [("user.created", None)]


async def test_every_way_of_moving_is_told_of(services: ControlServices, operator: Api) -> None:
    names = ("By change", "By members", "By mapping", "By removal")
    first, second, third, fourth = [(await operator.data("POST", DEPARTMENTS, {"name": name}))["id"] for name in names]
    ada = await make_user(operator)
    await operator.data("PATCH", f"/api/v1/users/{ada}", {"department_id": first})
    await operator.data("POST", f"{DEPARTMENTS}/{second}/members", {"user_ids": [ada]})
    await operator.data("POST", f"{DEPARTMENTS}/{second}/members", {"user_ids": [ada]})
    made = await operator.data("POST", "/api/v1/scim/tokens", {"name": "Entra ID"})
    mapping = await operator.data("POST", "/api/v1/scim/mappings", {"group": "Research", "department_id": third})
    headers = {"authorization": f"Bearer {made['token']}", "content-type": "application/scim+json"}
    async with browser(services, **headers) as scim:
        body = {"schemas": [f"{CORE}:Group"], "displayName": "Research", "members": [{"value": ada}]}
        assert (await scim.post("/scim/v2/Groups", body)).status_code == 201
    await operator.data("DELETE", f"/api/v1/scim/mappings/{mapping['id']}")
    await operator.data("DELETE", f"{DEPARTMENTS}/{third}?move_to={fourth}")
    moves = [("user.department_changed", department) for department in (first, second, third, fourth)]
    assert await told(services, ada) == [("user.created", None), *moves]
