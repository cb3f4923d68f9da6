"""People of a test who sign in: accounts made by a one-time link, browsers with cookies, programs with tokens."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2

from tests.support.control import BASE, Api, make_user
from turnpike.control.app import create_app
from turnpike.control.services import ControlServices

PASSWORD = "walnut-ferry-onyx-42"
AUTH = "/api/v1/auth"


@asynccontextmanager
async def browser(services: ControlServices, **headers: str) -> AsyncIterator[Api]:
    """A caller from outside that keeps cookies."""
    transport = httpx2.ASGITransport(create_app(services), raise_app_exceptions=True)  # pyright: ignore[reportArgumentType]
    async with httpx2.AsyncClient(transport=transport, base_url=BASE, headers=headers, trust_env=False) as http:
        yield Api(http)


async def make_account(operator: Api, services: ControlServices, email: str, role: str = "user", **values: Any) -> str:
    """Somebody with the password PASSWORD. Returns the user's id."""
    user_id = await make_user(operator, role, email=email, **values)
    link = await operator.data("POST", f"{AUTH}/links", {"user_id": user_id})
    async with browser(services) as person:
        used = {"token": link["path"].partition("#")[2], "password": PASSWORD, "mode": "token"}
        await person.data("POST", f"{AUTH}/links/use", used)
    return user_id


async def sign_in(person: Api, email: str, mode: str = "cookie") -> dict[str, Any]:
    """Also makes the caller send what its session needs from then on."""
    view = await person.data("POST", f"{AUTH}/login", {"email": email, "password": PASSWORD, "mode": mode})
    if mode == "cookie":
        person.http.headers["x-csrf-token"] = view["csrf_token"]
    else:
        person.http.headers["authorization"] = f"Bearer {view['access_token']}"
    return view
